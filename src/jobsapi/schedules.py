"""Schedules: jobs that are submitted again and again, at their due times, by whichever worker is there."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import store as stores
from jobsapi.errors import (
    Conflict,
    FieldError,
    Invalid,
    JobsApiError,
    KeyTaken,
    StoreFull,
    StoreUnavailable,
    UnknownSchedule,
)
from jobsapi.names import checked_name, id_at
from jobsapi.options import FAMILY
from jobsapi.record import rfc3339
from jobsapi.submission import prepare
from jobsapi.timing import BadTiming, Timing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobsapi.store import Store

__all__ = [
    "add_schedule",
    "fire_due",
    "get_schedule",
    "list_schedules",
    "never_due",
    "publish",
    "remove_schedule",
    "replan",
]

_LATE = 60_000
"""ms; a due time that is noticed later than so was missed: no worker was there."""

_WHEN_FULL = 5.0
_WHEN_UNKNOWN = 3_600_000
"""ms until a worker looks again at a timing that it cannot follow."""

_NO_PARENTS = "is no option of a schedule: each of its jobs would come after the same ones, which have long ended"
_STEP = 20
"""Schedules that are fired in one go."""


def add_schedule(
    name: str,
    task: str,
    params: Mapping[str, Any] | None = None,
    *,
    every: float | None = None,
    cron: str | None = None,
    timezone: str = "UTC",
    misses: str = "skip",
    store: Store | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Submit a job of `task` every so many seconds, or by a cron expression; a schedule of that name is replaced.

    `options`: those of the jobs. Gives what `get_schedule` does. Raises Invalid, and Conflict for a name that a task's
    own schedule has.
    """
    store = store or stores.default()
    try:
        checked_name("schedule", name)
    except ValueError as problem:
        raise Invalid(f"{problem}.", errors=[FieldError("/name", str(problem))]) from None
    try:
        timing = Timing(every, cron, timezone, misses)
    except BadTiming as problem:
        raise Invalid(f"{problem}.", errors=[FieldError(f"/{problem.field}", problem.detail)]) from None
    if parents := [FieldError(f"/{name}", _NO_PARENTS) for name in FAMILY if options.get(name)]:
        raise Invalid("A schedule cannot come after jobs.", errors=parents)
    prepare(store, task, {} if params is None else params, options, "", "/params")
    if _plan(store, "", [_definition(name, task, dict(params or {}), options, timing, None)]):
        _refuse_apps_own(store, name)
    return get_schedule(name, store=store)


def get_schedule(name: str, *, store: Store | None = None) -> dict[str, Any]:
    """One schedule: name, task, params, options, every, cron, timezone, misses, app, next, last, last_job, error.

    `app`: whose code made it, None for others. Times are RFC 3339 texts in UTC. Raises UnknownSchedule.
    """
    store = store or stores.default()
    found = store.call("hget", store.keys.schedules(), name)
    if found is None:
        raise UnknownSchedule(f"No schedule has the name {name[:200]!r}.")
    due = store.call("zscore", store.keys.planned(), name)
    return _shown(found, due, store.call("hget", store.keys.fired(), name))


def list_schedules(*, store: Store | None = None) -> list[dict[str, Any]]:
    """Every schedule as `get_schedule` gives it, by name."""
    store = store or stores.default()
    rows = store.call("hgetall", store.keys.schedules())
    due = dict(store.call("zrange", store.keys.planned(), 0, -1, False, True))
    fired = store.call("hgetall", store.keys.fired())
    return [_shown(rows[name], due.get(name), fired.get(name)) for name in sorted(rows)]


def remove_schedule(name: str, *, store: Store | None = None) -> None:
    """Submit no more of its jobs; those that are submitted stay. Raises UnknownSchedule, Conflict."""
    store = store or stores.default()
    get_schedule(name, store=store)
    _refuse_apps_own(store, name)
    with store.redis.pipeline(transaction=True) as pipe:
        pipe.hdel(store.keys.schedules(), name)
        pipe.zrem(store.keys.planned(), name)
        pipe.hdel(store.keys.fired(), name)
        store.execute(pipe)


def publish(store: Store, app: str, described: Iterable[Mapping[str, Any]]) -> list[str]:
    """Make the schedules of an app's tasks known, as a set: those that its code no longer has are gone.

    `described`: what `Task.described()` gives. One that is as it was keeps its next due time. Replies with the names of
    those that are not made, because somebody made a schedule of that name by hand.
    """
    return _plan(
        store,
        app,
        [
            _definition(each["name"], each["name"], {}, {}, Timing(**each["schedule"]), app)
            for each in described
            if each.get("schedule")
        ],
    )


def fire_due(store: Store) -> float:
    """Submit what is due, a few schedules at most; seconds until there is more to do, infinity where there is none."""
    if not store.call("zcard", store.keys.planned()):
        return math.inf
    try:
        store.refuse_if_full()
    except StoreFull:
        return _WHEN_FULL  # what is due stays due
    now = store.time_ms()
    for name, due in store.call("zrangebyscore", store.keys.planned(), "-inf", now, 0, _STEP, True):
        _fire(store, name.decode(), int(due), now)
    left = store.call("zrange", store.keys.planned(), 0, 0, False, True)
    return max(0.0, (left[0][1] - now) / 1000) if left else math.inf


def never_due(store: Store) -> list[str]:
    """The names of schedules without a next time, and of next times without a schedule: there should be none."""
    with store.redis.pipeline(transaction=True) as pipe:
        pipe.hkeys(store.keys.schedules())
        pipe.zrange(store.keys.planned(), 0, -1)
        made, planned = map(set, store.execute(pipe))
    return sorted(name.decode() for name in made ^ planned)


def replan(store: Store, name: str) -> bool:
    """Mend one that `never_due` names: from its definition, or, where that is gone, to nothing; whether it was."""
    if name not in never_due(store):
        return False
    stored = store.call("hget", store.keys.schedules(), name)
    if stored is None:
        return bool(store.call("zrem", store.keys.planned(), name))
    due = Timing(**orjson.loads(stored)["timing"]).next_after(store.time_ms())
    return bool(store.call("zadd", store.keys.planned(), {name: due}))


def _fire(store: Store, name: str, due: int, now: int) -> None:
    """One due time. Whoever else saw it due makes the same job, since the job's id tells the schedule and the time."""
    stored = store.call("hget", store.keys.schedules(), name)
    if stored is None:
        return  # removed just now
    definition = orjson.loads(stored)
    note: dict[str, Any] = {"last": due, "job": None, "error": None}
    try:
        timing = Timing(**definition["timing"])
        moment = due if timing.misses == "all" else max(due, timing.latest(now))
        following = timing.next_after(moment if timing.misses == "all" else now)
    except (BadTiming, StopIteration) as problem:  # this machine's time zones may be others than its maker's
        note["error"] = f"A worker cannot tell when it is due: {problem}."
        store.run("fire", name, stored, due, now + _WHEN_UNKNOWN, orjson.dumps(note))
        return
    note["last"] = moment
    job: list[Any] = []
    if timing.misses != "skip" or now - moment <= _LATE:
        options = {**definition["options"], "cache": False}
        if "key" in options:
            options |= {"on_conflict": "refuse"}  # what is told of this due time must not be another one's job
        try:
            made = prepare(store, definition["task"], definition["params"], options, "", "/params")
        except StoreUnavailable:
            raise
        except JobsApiError as problem:  # its task or the parameters of that have changed
            note["error"] = problem.detail
        else:
            made = dataclasses.replace(made.timed(now), id=id_at(moment, f"{store.settings.namespace} {name}"))
            note["job"] = made.id
            job = made.arguments()
    try:
        store.run("fire", name, stored, due, following, orjson.dumps(note), *job)
    except KeyTaken as problem:  # the last one still runs, and there shall be one at a time
        note |= {"job": None, "error": problem.detail}
        store.run("fire", name, stored, due, following, orjson.dumps(note))


def _plan(store: Store, app: str, definitions: list[dict[str, Any]]) -> list[str]:
    """Make them known; the names that are another's and stay so."""
    now = store.time_ms()
    arguments: list[Any] = [app, _beginning(app or None), _beginning(None)]
    for each in definitions:
        stored = orjson.dumps(each, option=orjson.OPT_SORT_KEYS)
        arguments += [each["name"], stored, Timing(**each["timing"]).next_after(now)]
    return [name.decode() for name in store.run("plan", *arguments)]


def _beginning(app: str | None) -> bytes:
    """How every definition of an app begins, since its keys are sorted: scripts do not read JSON."""
    return orjson.dumps({"app": app})[:-1] + b","


def _definition(
    name: str, task: str, params: Mapping[str, Any], options: Mapping[str, Any], timing: Timing, app: str | None
) -> dict[str, Any]:
    described = timing.described()
    return {"name": name, "task": task, "params": params, "options": options, "timing": described, "app": app}


def _refuse_apps_own(store: Store, name: str) -> None:
    stored = store.call("hget", store.keys.schedules(), name)
    if stored and (app := orjson.loads(stored)["app"]):
        raise Conflict(f"The schedule {name!r} is made by the code of {app!r}; change it there.")


def _shown(stored: bytes, due: float | None, fired: bytes | None) -> dict[str, Any]:
    definition = orjson.loads(stored)
    note = orjson.loads(fired) if fired else {"last": None, "job": None, "error": None}
    timing = definition.pop("timing")
    return {
        **definition,
        **timing,
        "next": rfc3339(None if due is None else int(due)),
        "last": rfc3339(note["last"]),
        "last_job": note["job"],
        "error": note["error"],
    }
