"""The goals, each a comparison within one run, and what a run says of them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.catalogue import OURS, PEERS
from benchmarks.results import number, spread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.results import Results

CHILDREN, THREADS = OURS.workers["processes"], OURS.workers["threads"]
RECORD_KEEPERS = ("RQ", "arq", "SAQ", "streaq")
"""Peers whose job can be asked for its status while it waits."""

NAMES = tuple(peer.name for peer in PEERS)
ONE_PROCESS = tuple(name for peer in PEERS for v, name in peer.workers.items() if v not in peer.several)
ALL_WORKERS = tuple(name for peer in PEERS for name in peer.workers.values())


@dataclass(frozen=True)
class Verdict:
    """One part of a goal, as a run found it."""

    row: str
    goal: str
    told: str
    value: float
    bound: float | None
    """None: shown, not judged."""
    is_upper_bound: bool = False
    is_portable: bool = True
    """A ratio or a count that another machine would find too: what `compare` looks at."""

    @property
    def is_met(self) -> bool | None:
        """None where there is nothing to meet."""
        if self.bound is None:
            return None
        return self.value <= self.bound if self.is_upper_bound else self.value >= self.bound

    @property
    def key(self) -> str:
        """What it is recorded under."""
        return f"{self.row}: {self.goal}"


def verdicts(results: Results) -> list[Verdict]:
    """Of every goal whose row was measured."""
    parts = (_enqueue, _drain, _latency, _post, _get, _bytes, _millions, _workers, _starts, _data)
    return [verdict for part in parts for verdict in part(results)]


def _ratio(  # one line of the table: a ratio of pairs within a round
    results: Results,
    row: str,
    goal: str,
    bound: float | None,
    metric: str,
    ours: str,
    other: str,
    *,
    upper: bool = False,
    metric_of_other: str = "",
) -> Iterator[Verdict]:
    ratios = results.ratios(metric, ours, other, metric_of_other)
    if ratios:
        middle = statistics.median(ratios)
        told = f"{number(middle)} × {other} (rounds: {spread(ratios)})"
        yield Verdict(row, goal, told, middle, bound, upper)


def _value(
    results: Results,
    row: str,
    goal: str,
    bound: float | None,
    metric: str,
    system: str,
    unit: str,
    *,
    upper: bool = True,
) -> Iterator[Verdict]:
    value = results.median(metric, system)
    if value is not None:
        portable = unit == "bytes"
        yield Verdict(row, goal, f"{number(value)} {unit}".strip(), value, bound, upper, portable)


def _enqueue(r: Results) -> Iterator[Verdict]:
    one = "Enqueue one at a time"
    yield from _ratio(r, one, "at least 0.9 of the floor", 0.9, "enqueue", "jobsapi", "floor")
    keeper = r.best("enqueue", RECORD_KEEPERS)
    yield from _ratio(r, one, "ahead of the fastest peer that keeps a record", 1.0, "enqueue", "jobsapi", keeper)
    yield from _ratio(r, one, "beside the fastest peer", None, "enqueue", "jobsapi", r.best("enqueue", NAMES))
    yield from _ratio(r, "Bulk", "at least 3 × the fastest peer", 3.0, "bulk", "jobsapi", r.best("bulk", NAMES))
    yield from _ratio(r, "Bulk", "at least 0.6 of the floor", 0.6, "bulk", "jobsapi", "floor")


def _drain(r: Results) -> Iterator[Verdict]:
    row, fastest = "Drain in threads", r.best("drain", ONE_PROCESS)
    yield from _ratio(r, row, "at least 5 × the fastest peer", 5.0, "drain", THREADS, fastest)
    yield from _ratio(r, row, "at least 0.5 of the floor", 0.5, "drain", THREADS, "floor")
    row, fastest = "Drain in 2 child processes", r.best("drain", ALL_WORKERS)
    yield from _ratio(r, row, "ahead of every peer", 1.0, "drain", CHILDREN, fastest)
    yield from _ratio(r, row, "at least 40 × RQ's forking worker", 40.0, "drain", CHILDREN, "RQ, forking worker")


def _latency(r: Results) -> Iterator[Verdict]:
    row = "Idle latency"
    for metric in ("latency p50", "latency p99"):
        fastest, which = r.best(metric, ONE_PROCESS, lowest=True), metric.rpartition(" ")[2]
        goal = f"{which} with threads no more than the fastest peer's"
        yield from _ratio(r, row, goal, 1.0, metric, THREADS, fastest, upper=True)
        goal = f"{which} with child processes, beside the fastest peer's"
        yield from _ratio(r, row, goal, None, metric, CHILDREN, fastest, upper=True)
    yield from _value(r, row, "p50 with child processes under 2.5 ms", 2.5, "latency p50", CHILDREN, "ms")


def _post(r: Results) -> Iterator[Verdict]:
    for connections in (16, 64):
        row, metric = f"`POST /jobs`, {connections} connections", f"post {connections}"
        yield from _ratio(r, row, "at least 0.8 of Flask's bare push", 0.8, metric, "jobsapi", "Flask, bare push")
        yield from _ratio(r, row, "at least 3 × Flask + Celery", 3.0, metric, "jobsapi", "Flask + Celery")
        yield from _ratio(r, row, "beside FastAPI + arq", None, metric, "jobsapi", "FastAPI + arq")
    goal = "at least 20,000 jobs/s"
    yield from _value(r, "Arrays of 1,000 jobs", goal, 20_000, "post arrays", "jobsapi", "jobs/s", upper=False)


def _get(r: Results) -> Iterator[Verdict]:
    rows = {"get job": "`GET /jobs/<id>` with many jobs", "get page": "`GET /jobs?limit=100` with many jobs"}
    for metric, row in rows.items():
        names = [name for name in r.systems(metric) if name.endswith(" jobs")]
        if len(names) < 2:
            continue
        few, many = names[0], names[-1]
        goal = "at least 0.7 of FastAPI's read of one key"
        yield from _ratio(r, row, goal, 0.7, metric, many, "FastAPI, one key", metric_of_other="get job")
        yield from _value(r, row, "p99 under 20 ms", 20.0, f"{metric} p99", many, "ms")
        yield from _ratio(r, row, "flat: at least 1/1.3 of the rate with few", 1 / 1.3, metric, many, few)


def _bytes(r: Results) -> Iterator[Verdict]:
    for stage in ("queued", "finished"):
        yield from _value(r, f"Bytes a {stage} job", "at most 350", 350.0, f"bytes {stage}", "jobsapi", "bytes")


def _millions(r: Results) -> Iterator[Verdict]:
    for what in ("enqueue", "bulk", "drain processes", "drain threads", "worker processes", "worker threads", "api"):
        metric = f"millions {what}"
        if len(names := r.systems(metric)) < 2:
            continue
        few, many = names[0], names[-1]
        if what.startswith(("worker", "api")):
            row, goal = f"Long queue: memory, {what}", "flat: within 1.1 times"
            yield from _ratio(r, row, goal, 1.1, metric, many, few, upper=True)
        else:
            yield from _ratio(r, f"Long queue: {what}", "rate within 1.3 times", 1 / 1.3, metric, many, few)


def _workers(r: Results) -> Iterator[Verdict]:
    if best := r.best("workers", r.systems("workers")):
        row, goal = "Several workers", "the server's CPU ends the scaling: 90 % of a core"
        shares = [r.median(f"workers {whose}", best) or 0.0 for whose in ("server", "machine")]
        told = f"fastest with {best}: server {shares[0]:.0f} % of a core, machine {shares[1]:.0f} % of all"
        yield Verdict(row, goal, told, shares[0], 90.0, is_portable=False)


def _starts(r: Results) -> Iterator[Verdict]:
    limits = {"worker start to first job's end": 0.5, "import jobsapi": 0.15, "jobsapi serve to ready": 1.5}
    for what, limit in limits.items():
        yield from _value(r, "Starts", f"{what} under {limit} s", limit, "start", what, "s")
    yield from _value(r, "Idle worker", "under 0.3 % of a core", 0.3, "idle", "worker", "%")


def _data(r: Results) -> Iterator[Verdict]:
    hset = "JSON in one hash, pipelined HSET"
    yield from _value(r, "Data", "first page p99 under 20 ms", 20.0, "data search", "p99", "ms")
    yield from _ratio(r, "Data", "load rate beside pipelined HSET", None, "data load", "jobsapi", hset)
    yield from _ratio(r, "Data", "memory beside pipelined HSET", None, "data memory", "jobsapi", hset, upper=True)
