"""Batches: the jobs that one submit sent together, looked at, listed and cancelled as one."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import store as stores
from jobsapi.errors import UnknownBatch, UnknownJob
from jobsapi.names import is_id
from jobsapi.reads import wait_for_ends
from jobsapi.record import Batch, rfc3339
from jobsapi.states import ACTIVE, ENDED, STAGED_CODE, Status
from jobsapi.store.series import run_series

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobsapi.store import Store
    from jobsapi.submission import Submission

__all__ = [
    "admit_jobs",
    "cancel_batch",
    "get_batch",
    "list_batches",
    "members",
    "refuse_unknown",
    "told",
    "wait_for_batch",
]

_STEP = 100
"""Jobs a script changes in one go: about 2 ms of the server's time."""

_LOOK = 500
"""Jobs a script looks at in one go."""


def told(submissions: Sequence[Submission], sweep: Sequence[str] = ()) -> bytes:
    """What a batch of these keeps of itself; `sweep`: the parameters whose values differ."""
    tasks = {each.task for each in submissions}
    return orjson.dumps({"task": tasks.pop() if len(tasks) == 1 else None, "sweep": list(sweep) or None})


def get_batch(batch: str, *, store: Store | None = None) -> Batch:
    """The batch of that id, its jobs counted by status. Raises UnknownBatch.

    What is removed of it is `removed`; `finished` is when the last of the others ended, None while one is active.
    Counting more than 500 jobs takes several steps, between which the first ones may go on.
    """
    store = store or stores.default()
    shown = _known(store, batch)
    staged = store.call("llen", store.keys.stage(batch))  # accepted, and in no list yet
    counts, last = Counter[Status](), 0
    for _, _, (code, ended) in members(store, batch, ("s", "e")):
        if code is not None:
            counts[_status(code.decode())] += 1
            last = max(last, int(ended or 0))
    if waiting := min(staged, max(0, shown["total"] - counts.total())):
        counts[Status.SUBMITTED] += waiting
    is_active = counts.keys() - ENDED
    shown["finished"] = rfc3339(last) if last and not is_active else None
    shown["counts"] = {_word(status): counts[status] for status in Status}
    shown["removed"] = max(0, shown["total"] - counts.total())
    return shown


def list_batches(
    *, limit: int = 100, below: int | None = None, store: Store | None = None
) -> tuple[list[Batch], int | None]:
    """A page of batches, newest first, without counts: (batches, the number to go on below or None at the end)."""
    store = store or stores.default()
    start = "+inf" if below is None else f"({below}"
    rows = store.call("zrevrangebyscore", store.keys.batches(), start, "-inf", 0, limit + 1, True)
    ids = [batch.decode() for batch, _ in rows[:limit]]
    found = [shown for batch, kept in zip(ids, _kept(store, ids), strict=True) if (shown := _shown(batch, kept))]
    return found, int(rows[limit - 1][1]) if len(rows) > limit else None


def cancel_batch(batch: str, *, store: Store | None = None) -> Batch:
    """Stop every job of the batch that has not ended, in steps; the batch as it is then. Raises UnknownBatch.

    An active job of another submit that stands for one of it (by its key) goes on.
    """
    store = store or stores.default()
    refuse_unknown(store, batch)
    admit_jobs(store, batch)  # it may be let in just now
    keep, place = _keep(store), 0
    while place >= 0:
        place = int(store.run("cancel_batch", batch, place, _STEP, keep))
    return get_batch(batch, store=store)


def refuse_unknown(store: Store, batch: str) -> None:
    """Raise UnknownBatch where no batch has this id."""
    _known(store, batch)


def wait_for_batch(batch: str, timeout: float | None = None, *, store: Store | None = None) -> Batch:
    """The batch once all its jobs have ended. Raises TimeoutError after `timeout` seconds (None: waits for ever).

    Raises UnknownBatch too, where the batch is not there or goes meanwhile.
    """
    store = store or stores.default()
    deadline = None if timeout is None else time.monotonic() + timeout
    while any((found := get_batch(batch, store=store)).counts[_word(status)] for status in ACTIVE):
        admit_jobs(store, batch)  # its sender may have died
        rows = members(store, batch, ("s",))
        active = (jid for _, jid, (code,) in rows if code is not None and _status(code.decode()) in ACTIVE)
        try:
            if not wait_for_ends(store, active, deadline):
                raise TimeoutError(f"Batch {batch} has not ended after {timeout} s.")
        except UnknownJob:
            continue  # it was removed just now
    return found


def members(
    store: Store, batch: str, fields: Sequence[str], *, start: int = 0, most: int = _LOOK
) -> Iterator[tuple[int, str, list[bytes | None]]]:
    """(place, id, those fields of the record) of a batch's jobs from a place on, `most` at a time, in the order sent.

    The fields of a job that is removed are None.
    """
    while start >= 0:
        start, *rows = store.run("batch", batch, start, most, *fields)
        for place, jid, values in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
            yield int(place), jid.decode(), values


def admit_jobs(store: Store, batch: str) -> None:
    """Let the jobs of a committed batch into their queues, in steps; those of one nobody committed are dropped."""
    step = [batch, _STEP, _keep(store)]
    left = int(store.run("admit", *step))
    while left:
        for told in run_series(store, "admit", [step] * -(-left // _STEP)):
            left = int(told)


def _known(store: Store, batch: str) -> Batch:
    shown = _shown(batch, _kept(store, [batch])[0]) if is_id(batch) else None
    if shown is None:
        raise UnknownBatch(f"No batch has the id {batch[:200]!r}.")
    return shown


def _kept(store: Store, batches: Sequence[str]) -> list[list[bytes | None]]:
    with store.redis.pipeline(transaction=False) as pipe:
        for batch in batches:
            pipe.hmget(store.keys.batch(batch), "c", "n", "i")
        rows: list[list[bytes | None]] = store.execute(pipe)
    return rows


def _shown(batch: str, kept: list[bytes | None]) -> Batch | None:
    created, total, rest = kept
    if created is None:
        return None
    about: dict[str, Any] = orjson.loads(rest or b"{}")
    links = {name: f"/batches/{batch}/{name}" for name in ("results", "cancel")}
    links = {"self": f"/batches/{batch}", "jobs": f"/jobs?batch={batch}", **links}
    return Batch(id=batch, created=rfc3339(int(created)), total=int(total or 0), **about, links=links)


def _word(status: Status) -> str:
    return status.value.replace(" ", "_")


def _status(code: str) -> Status:
    """One of another batch that is accepted and not let in yet is as good as submitted."""
    return Status.SUBMITTED if code == STAGED_CODE else Status.from_code(code)


def _keep(store: Store) -> int:
    return round(store.settings.keep_results * 1000)
