"""Who is working and on what: workers' heartbeats, and the tasks they published."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import orjson

from jobsapi import tasks
from jobsapi.errors import Conflict, UnknownTask, UnknownWorker
from jobsapi.limits import Limits
from jobsapi.record import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobsapi.store import Store

__all__ = [
    "CLOCK",
    "DRAIN",
    "MEMORY",
    "OWN_LOOP",
    "TaskDescription",
    "beat",
    "default_task",
    "drain",
    "find_task",
    "leave",
    "publish",
    "published",
    "schema_of",
    "shown",
    "workers",
]

TaskDescription = dict[str, Any]
"""name, summary, queue, timeout (s or None), memory_mb (MiB or None), max_attempts, backoff, default, limits,
digest, workers (how many); the schema apart, by `schema_of`."""

DRAIN = "drain"
"""The word on a worker's control key that means: claim no more, finish, and go. Any other is the id of a job."""

CLOCK = "clock"
"""What a worker's own clock says at a heartbeat, ms; everything else goes by the server's."""

MEMORY = "memory"
"""Bytes that a worker and its children have, as its last heartbeat said; 0 where it does not know."""

OWN_LOOP = "own_loop"
"""What a program that claims in a loop of its own says of itself: nobody else can make it stop claiming."""

_FRESH_SECONDS = 1.0
_known: WeakKeyDictionary[Store, tuple[float, dict[str, TaskDescription]]] = WeakKeyDictionary()


def publish(store: Store, described: Iterable[Mapping[str, Any]]) -> None:
    """Make tasks known to every API process. Schemas are kept by digest and outlive the workers.

    `described`: what `Task.described()` gives.
    """
    with store.redis.pipeline(transaction=True) as pipe:
        for each in described:
            description = {k: v for k, v in each.items() if k != "schema"}
            pipe.hset(store.keys.schemas(), each["digest"], orjson.dumps(each["schema"]))
            pipe.hset(store.keys.tasks(), each["name"], orjson.dumps(description))
            if limits := Limits(**each.get("limits", {})).stored():
                pipe.hset(store.keys.limits(), each["name"], limits)
            else:
                pipe.hdel(store.keys.limits(), each["name"])
        store.execute(pipe)
    _known.clear()


def published(store: Store, *, fresh: bool = False) -> dict[str, TaskDescription]:
    """The published tasks by name; read again after a second, or at once where `fresh`."""
    read_at, known = _known.get(store, (0.0, {}))
    if fresh or time.monotonic() - read_at > _FRESH_SECONDS:
        if known and not fresh:
            _known[store] = (time.monotonic(), known)  # one thread asks; the others go on with what they have
        try:
            known = _read(store)
        except BaseException:
            _known.pop(store, None)  # whoever comes next must hear it too
            raise
        _known[store] = (time.monotonic(), known)
    return known


def _read(store: Store) -> dict[str, TaskDescription]:
    rows = store.call("hgetall", store.keys.tasks())
    served = [name for worker in workers(store) for name in worker.get("tasks", "").split()]
    return {
        name.decode(): {**orjson.loads(row), "workers": served.count(name.decode())}
        for name, row in sorted(rows.items())
    }


def find_task(store: Store, name: str) -> TaskDescription:
    """The published task of that name, or this process's own. Raises UnknownTask, which names the known ones."""
    found = published(store).get(name) or published(store, fresh=True).get(name)
    if found is None and name in (own := tasks.registered()):
        publish(store, [own[name].described()])  # this process's own function, before any worker has told of it
        found = published(store, fresh=True)[name]
    if found is None:
        known = ", ".join(published(store)) or "none yet: no worker has started"
        raise UnknownTask(f"No task is named {name[:200]!r}. Known tasks: {known}.")
    return found


def default_task(store: Store) -> TaskDescription | None:
    """The task of a body that names none: the one marked default, or the only one; tasks with a worker come first."""
    known = list((published(store) or published(store, fresh=True)).values())
    known = [each for each in known if each["workers"]] or known
    chosen = [each for each in known if each["default"]] or known
    return chosen[0] if len(chosen) == 1 else None


def schema_of(store: Store, digest: str) -> dict[str, Any]:
    """The JSON Schema of that digest, which never changes."""
    schema = _schemas.get(digest)
    if schema is None:
        schema = orjson.loads(store.call("hget", store.keys.schemas(), digest))
        if len(_schemas) >= _MOST_SCHEMAS:
            _schemas.clear()
        _schemas[digest] = schema
    return schema


_schemas: dict[str, dict[str, Any]] = {}
_MOST_SCHEMAS = 1000


def beat(store: Store, worker: str, facts: Mapping[str, str | int | float], lifetime: float) -> bool:
    """A worker says that it lives and what it does; without another beat it is forgotten after `lifetime` seconds.

    Whether its drain was asked for.
    """
    now = store.time_ms()
    with store.redis.pipeline(transaction=True) as pipe:
        pipe.hset(store.keys.worker(worker), mapping={**facts, "seen": now})
        pipe.pexpire(store.keys.worker(worker), int(lifetime * 1000))
        pipe.zadd(store.keys.workers(), {worker: now})
        pipe.zremrangebyscore(store.keys.workers(), "-inf", now - int(lifetime * 1000))
        pipe.hexists(store.keys.worker(worker), DRAIN)
        return bool(store.execute(pipe)[-1])


def leave(store: Store, worker: str) -> None:
    """A worker that stops in an orderly way is forgotten at once."""
    with store.redis.pipeline(transaction=True) as pipe:
        pipe.zrem(store.keys.workers(), worker)
        pipe.delete(store.keys.worker(worker), store.keys.control(worker))
        store.execute(pipe)


def drain(store: Store, worker: str) -> dict[str, Any]:
    """Let a worker claim no more jobs, finish those it runs, and stop; itself, as `shown`.

    Raises UnknownWorker, and Conflict for a program that cannot be told so.
    """
    found = next((each for each in workers(store) if each["id"] == worker), None)
    if found is None:
        raise UnknownWorker(f"No worker has the id {worker[:200]!r}.")
    if OWN_LOOP in found:
        raise Conflict("This worker is a program with a loop of its own; end it where it was started.")
    store.run("drain", worker)
    return shown({**found, DRAIN: 1})


def workers(store: Store) -> list[dict[str, Any]]:
    """The workers that live, each with what it last said."""
    names = [name.decode() for name in store.call("zrange", store.keys.workers(), 0, -1)]
    with store.redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hgetall(store.keys.worker(name))
        rows = store.execute(pipe)
    return [
        {"id": name, **{k.decode(): v.decode() for k, v in row.items()}}
        for name, row in zip(names, rows, strict=True)
        if row
    ]


def shown(worker: Mapping[str, Any]) -> dict[str, Any]:
    """A worker as users see it; times as RFC 3339 texts."""
    lists = {name: str(worker.get(name, "")).split() for name in ("queues", "tasks", "running")}
    return {
        "id": worker["id"],
        "host": worker["host"],
        "pid": int(worker["pid"]),
        "started": rfc3339(int(worker["started"])),
        "seen": rfc3339(int(worker["seen"])),
        "concurrency": int(worker["concurrency"]),
        "memory": int(worker.get(MEMORY, 0)) or None,
        "state": "draining" if DRAIN in worker else worker["state"],
        **lists,
    }
