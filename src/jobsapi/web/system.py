"""Tasks, queues, workers, health and metrics: what an operator asks."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from jobsapi import jobs, registry, stats, webhooks
from jobsapi.errors import FieldError, Invalid, NotReady, UnknownTask
from jobsapi.names import checked_name
from jobsapi.record import rfc3339
from jobsapi.states import ACTIVE, Status
from jobsapi.web.common import query, reply, the_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobsapi.store import Store

__all__ = ["READY_WITH", "blueprint"]

READY_WITH = "JOBSAPI_READY_WITH"
"""The app's config key for the worker (its id's end) without which `/readyz` says 503; `serve` sets it."""

blueprint = Blueprint("system", __name__)


@blueprint.get("/tasks")
def tasks() -> Response:
    """Every published task with the schema of its parameters."""
    query()
    store = the_store()
    return reply({"tasks": [_task(store, each) for each in registry.published(store).values()]})


@blueprint.get("/tasks/<name>")
def task(name: str) -> Response:
    """One task."""
    query()
    store = the_store()
    found = registry.published(store, fresh=True).get(name)
    if found is None:
        raise UnknownTask(
            f"No task is named {name!r}. Known tasks: {', '.join(registry.published(store)) or 'none yet'}."
        )
    return reply(_task(store, found))


def _task(store: Store, description: registry.TaskDescription) -> dict[str, Any]:
    return {**description, "schema": registry.schema_of(store, description["digest"])}


@blueprint.get("/queues")
def queues() -> Response:
    """Every queue: how many jobs of each status it holds, and whether it is paused."""
    query()
    store = the_store()
    found: dict[str, dict[str, Any]] = {}
    paused = jobs.paused_queues(store)
    served = Counter(pair for each in registry.workers(store) for pair in _served(each))
    named = {each["queue"] for each in registry.published(store).values()}
    for name in sorted(named | paused):
        found[name] = _queue(name, paused)
    for status, name, task, count, oldest in jobs.count_jobs(store):
        queue = found.setdefault(name, _queue(name, paused))
        queue[status.value.replace(" ", "_")] += count
        if status is Status.SUBMITTED and count:
            row = {"task": task, "jobs": count, "oldest": rfc3339(oldest), "workers": served[name, task]}
            queue["waiting"].append(row)
            if oldest and (queue["oldest"] is None or oldest < queue["oldest"]):
                queue["oldest"] = oldest
    for queue in found.values():
        queue["oldest"] = rfc3339(queue["oldest"])
        if queue["submitted"] or queue["in_progress"]:
            queue["pace"] = jobs.pace(store, queue["name"])
            queue["empty_in"] = queue["submitted"] / queue["pace"] if queue["pace"] else None
    return reply({"queues": [found[name] for name in sorted(found)]})


def _served(worker: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Every queue and task that a worker takes jobs of."""
    shown = registry.shown(worker)
    return product(shown["queues"], shown["tasks"]) if shown["state"] == "running" else ()


def _queue(name: str, paused: set[str]) -> dict[str, Any]:
    counts = {status.value.replace(" ", "_"): 0 for status in Status}
    made = {"name": name, "paused": name in paused, "oldest": None, **counts}
    return made | {"pace": None, "empty_in": None, "waiting": []}


@blueprint.get("/stats")
def show_stats() -> Response:
    """What became of jobs in the last day, in steps of some minutes."""
    query()
    return reply(stats.last_day(the_store()))


@blueprint.post("/queues/<name>/pause")
def pause(name: str) -> Response:
    """Hold back everything of the queue that is not claimed yet."""
    query()
    jobs.pause_queue(the_store(), _queue_name(name))
    return reply({"name": name, "paused": True})


@blueprint.post("/queues/<name>/resume")
def resume(name: str) -> Response:
    """Give the queue's jobs out again."""
    query()
    jobs.resume_queue(the_store(), _queue_name(name))
    return reply({"name": name, "paused": False})


def _queue_name(name: str) -> str:
    try:
        return checked_name("queue", name)
    except ValueError as cause:
        raise Invalid(f"{cause}.", errors=[FieldError("/name", str(cause))]) from None


@blueprint.get("/workers")
def workers() -> Response:
    """The workers that live."""
    query()
    return reply({"workers": [registry.shown(each) for each in registry.workers(the_store())]})


@blueprint.post("/workers/<worker>/drain")
def drain(worker: str) -> Response:
    """Let a worker finish what it runs and stop; it claims nothing more."""
    query()
    return reply(registry.drain(the_store(), worker))


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return reply({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Whether the store answers and the tasks can be used."""
    store = the_store()
    store.call("ping")
    partner = current_app.config.get(READY_WITH)
    if partner and not any(each["id"].endswith(partner) for each in registry.workers(store)):
        raise NotReady("The worker has not told its tasks yet.")
    return reply({"status": "ready"})


@blueprint.get("/metrics")
def metrics() -> Response:
    """Counts of jobs, webhooks and workers for Prometheus."""
    collected = CollectorRegistry(auto_describe=False)
    collected.register(_Collector(the_store()))
    return Response(generate_latest(collected), content_type=CONTENT_TYPE_LATEST)


class _Collector:
    """Reads the store when Prometheus asks; nothing is counted in the API's process."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterable[Any]:
        active = GaugeMetricFamily("jobsapi_jobs", "Active jobs.", labels=["status", "queue", "task"])
        for status, queue, name, count, _ in jobs.count_jobs(self._store):
            if status in ACTIVE:
                active.add_metric([status.value, queue, name], count)
        yield active
        ended = CounterMetricFamily("jobsapi_jobs_ended", "Jobs that ended, by outcome.", labels=["task", "outcome"])
        for name, outcome, count in jobs.count_ended(self._store):
            ended.add_metric([name, outcome], count)
        yield ended
        waiting, counts = webhooks.count_webhooks(self._store)
        yield GaugeMetricFamily("jobsapi_webhooks_waiting", "Webhooks to be sent, now or again.", value=waiting)
        told = CounterMetricFamily("jobsapi_webhooks", "Webhooks that are done with.", labels=["outcome"])
        for outcome in ("delivered", "given-up"):
            told.add_metric([outcome], counts.get(outcome, 0))
        yield told
        yield GaugeMetricFamily("jobsapi_workers", "Workers alive.", value=len(registry.workers(self._store)))
