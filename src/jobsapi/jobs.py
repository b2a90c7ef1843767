"""Jobs: the way in, and one function for each transition; `claims`, `reads` and `batches` are had from here too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import results, submitting, sweeps
from jobsapi import store as stores
from jobsapi.batches import admit_jobs, cancel_batch, get_batch, list_batches, wait_for_batch
from jobsapi.claims import (
    Claim,
    append_log,
    claim_jobs,
    complete_job,
    fail_job,
    lose_job,
    release_job,
    renew_jobs,
    report_progress,
)
from jobsapi.errors import UnknownJob, WrongStatus
from jobsapi.names import new_id
from jobsapi.reads import (
    count_ended,
    count_jobs,
    get_document,
    get_job_by_id,
    get_logs,
    get_record,
    get_records,
    get_results,
    list_children,
    list_documents,
    list_jobs,
    pace,
    paused_queues,
    refuse_unknown,
    wait_for_job,
    with_results,
)
from jobsapi.record import Alike, JobRecord
from jobsapi.submission import MOST_AT_ONCE, Submission, prepare
from jobsapi.tables import batch_results

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobsapi.record import Batch, Job
    from jobsapi.store import Store

__all__ = [
    "MOST_AT_ONCE",
    "Claim",
    "abandoned_batches",
    "add_job",
    "add_jobs",
    "add_sweep",
    "admit_jobs",
    "append_log",
    "batch_results",
    "cancel_batch",
    "cancel_job",
    "claim_jobs",
    "complete_job",
    "count_ended",
    "count_jobs",
    "expire_jobs",
    "expired_leases",
    "fail_job",
    "get_batch",
    "get_document",
    "get_job_by_id",
    "get_logs",
    "get_record",
    "get_records",
    "get_results",
    "list_batches",
    "list_children",
    "list_documents",
    "list_jobs",
    "look_over",
    "lose_job",
    "move_jobs",
    "pace",
    "pause_queue",
    "paused_queues",
    "promote_jobs",
    "prune_jobs",
    "refuse_unknown",
    "release_job",
    "remove_job",
    "renew_jobs",
    "report_progress",
    "resolve_jobs",
    "resume_queue",
    "retry_job",
    "submit_jobs",
    "tidy_lists",
    "wait_for_batch",
    "wait_for_job",
    "with_results",
]

_LOOKS = 10
"""Calls, of four groups of ended jobs each, that one look at what is over makes at the most."""


# --- The way in -----------------------------------------------------------------------------------------------------


def add_job(
    task: str | Any, params: Mapping[str, Any] | None = None, *, store: Store | None = None, **options: Any
) -> Job:
    """Record one job of a task (its name or its function) and put it on its queue; returns at once.

    `options`: those of `options.OPTIONS`, by the names and units of the HTTP API. Raises Invalid, TooLarge, KeyTaken,
    StoreUnavailable.
    """
    store = store or stores.default()
    submission = prepare(store, _task_name(task), dict(params or {}), options, "", "/params")
    return submitting.submit(store, [submission], "", (), JobRecord.shown, Alike.documents)[0]


def add_jobs(requests: Iterable[Mapping[str, Any]], *, store: Store | None = None) -> list[Job]:
    """Record up to 10,000 jobs, `{"task", "params", …options}` each, all of them or none; in the order given.

    They are one batch, whose id is each job's `batch`, also of one that was there before and stands for another.
    """
    store = store or stores.default()
    submissions = []
    for i, request in enumerate(requests):
        options = {name: value for name, value in request.items() if name not in ("task", "params")}
        task, params = _task_name(request.get("task", "")), dict(request.get("params") or {})
        submissions.append(prepare(store, task, params, options, f"/{i}", f"/{i}/params"))
    batch = new_id()

    def shown(record: JobRecord) -> Job:
        return (record if record.batch == batch else replace(record, batch=batch)).shown()

    return submitting.submit(store, submissions, batch, (), shown, Alike.documents)


def add_sweep(
    task: str | Any,
    sweep: Mapping[str, Iterable[Any]],
    params: Mapping[str, Any] | None = None,
    *,
    store: Store | None = None,
    **options: Any,
) -> Batch:
    """Record a job for every combination of values, `{"ratio": [0.1, 0.2], "mode": ["a", "b"]}`, as one batch.

    The last parameter's values change fastest; `params` are common to all. At most 10,000 jobs. Raises as `add_job`;
    the pointers of Invalid name the value at fault, `/sweep/ratio/1`.
    """
    store = store or stores.default()
    sent = sweeps.grid(store, _task_name(task), sweeps.listed(sweep), dict(params or {}), options)
    submit_jobs(store, sent.submissions, sent.batch, sent.sweep)
    return get_batch(sent.batch, store=store)


def submit_jobs(
    store: Store, submissions: Sequence[Submission], batch: str = "", sweep: Sequence[str] = ()
) -> list[JobRecord]:
    """Record checked submissions, all of them or none; what is sent again under the same ids is recorded once.

    With an id for their `batch` they are one; `sweep`: see `batches.told`. More than a hundred, always a batch, are
    staged in steps and then accepted as a whole by one small script, so that the server is never held for more than a
    few milliseconds.
    """
    return submitting.submit(store, submissions, batch, sweep, lambda record: record, Alike.records)


def _task_name(task: Any) -> str:
    return task if isinstance(task, str) else str(getattr(task, "__name__", task))


# --- Upkeep ---------------------------------------------------------------------------------------------------------


def look_over(store: Store) -> tuple[bool, bool, bool, int | Exception]:
    """Expire jobs, and say in the same exchange what else there is to do.

    Whether leases may be taken now (not within a lease's time after the store was away), whether one ran out, whether a
    large submit is under way; how many jobs had expired, or what that was refused with.
    """
    told, expired = store.run_many([("upkeep", [_ms(store.settings.lease)]), ("expire", _expiring(store, 100))])
    if isinstance(told, Exception):
        raise told
    may_reap, is_lost, is_staged = map(bool, told)
    return may_reap, is_lost, is_staged, expired


def expired_leases(store: Store, most: int = 100) -> list[str]:
    """The ids of jobs in progress whose lease has run out, the longest first."""
    rows = store.call("zrangebyscore", store.keys.leases(), "-inf", store.time_ms(), 0, most)
    return [jid.decode() for jid in rows]


def promote_jobs(store: Store, most: int = 100) -> tuple[int, float | None]:
    """Let jobs whose time has come into their queues: how many were due, and seconds until the next one is, or None."""
    due, left, _ = store.run("promote", most)
    return int(due), None if left < 0 else int(left) / 1000


def move_jobs(store: Store, most: int = 100) -> tuple[float | None, bool]:
    """`resolve_jobs` and `promote_jobs` in one exchange: seconds until there is more to do, or None.

    And whether there are schedules.
    """
    is_more, (_, left, planned) = store.run_all([("resolve", [_keep(store), most]), ("promote", [most])])
    return 0.0 if is_more else None if left < 0 else int(left) / 1000, bool(planned)


def resolve_jobs(store: Store, most: int = 100) -> bool:
    """Let up to `most` jobs go on that waited for others which have ended; whether there is more to do."""
    return bool(store.run("resolve", _keep(store), most))


def expire_jobs(store: Store, most: int = 100) -> int:
    """End jobs that no worker claimed in their time, `failed`/`expired`; how many there were."""
    return int(store.run("expire", *_expiring(store, most)))


def _expiring(store: Store, most: int) -> list[Any]:
    error = {"type": "Expired", "message": "No worker had claimed it when its time was over.", "traceback": ""}
    return [_keep(store), most, orjson.dumps(error)]


def prune_jobs(store: Store, most: int = 50) -> int:
    """Remove results, later records, of ended jobs whose time has come or that are too many; how many were touched."""
    kept, touched = store.settings, 0
    for _ in range(_LOOKS):
        how = _ms(kept.keep_jobs), most - touched, kept.keep_count, kept.keep_bytes
        is_more, *pairs = store.run("prune", _keep(store), *how)
        for jid, token in zip(pairs[::2], pairs[1::2], strict=True):
            if token:
                results.remove_files(store.settings, jid.decode(), token.decode())
        touched += len(pairs) // 2
        if not is_more or touched >= most:
            break
    return touched


def tidy_lists(store: Store, most: int = 20) -> int:
    """Look at some lists, and forget those of queues and tasks of which no job is left; how many."""
    return int(store.run("tidy", most))


def abandoned_batches(store: Store, age: float, *, accepted_age: float, most: int = 100) -> list[str]:
    """Large submits that were last touched more than `age` seconds ago, `accepted_age` where they are accepted."""
    now, found = store.time_ms(), []
    rows = store.call("zrangebyscore", store.keys.staged(), "-inf", now - _ms(accepted_age), 0, most, True)
    for batch, touched in [(each.decode(), touched) for each, touched in rows]:
        if touched <= now - _ms(age) or store.call("exists", store.keys.committed(batch)):
            found.append(batch)
    return found


# --- From outside ---------------------------------------------------------------------------------------------------


def cancel_job(jid: str, *, store: Store | None = None) -> Job:
    """Stop a job wherever it is; a running one's processes are gone within 2 s. Raises UnknownJob, WrongStatus."""
    store = store or stores.default()
    return _act("cancel", jid, store, _keep(store), new_id())


def retry_job(jid: str, *, store: Store | None = None) -> Job:
    """Give an ended job a fresh set of attempts under the same id. Raises UnknownJob, WrongStatus."""
    return _act("retry", jid, store or stores.default(), new_id())


def remove_job(jid: str, *, store: Store | None = None) -> None:
    """Take an ended job out of the store with its results, log and history. Raises UnknownJob, WrongStatus."""
    _act("remove", jid, store or stores.default())


def _act(verb: str, jid: str, store: Store, *more: Any) -> Job:
    record = get_record(store, jid)
    try:
        token = store.run(verb, jid, *more)
    except UnknownJob:
        if verb != "remove":
            raise
        token = record.token.encode()  # it is gone by now: most likely by this very call, whose first reply was lost
    except WrongStatus:
        status = get_record(store, jid).status.value
        raise WrongStatus(f"A job that is {status} cannot be {_PARTICIPLES[verb]}.") from None
    if isinstance(token, bytes) and token:
        results.remove_files(store.settings, jid, token.decode())
    return record.shown() if verb == "remove" else get_job_by_id(jid, store=store)


_PARTICIPLES = {"cancel": "cancelled", "retry": "retried", "remove": "removed"}


def pause_queue(store: Store, queue: str) -> None:
    """Hold back every job of the queue that is not claimed yet."""
    store.call("sadd", store.keys.paused(), queue)


def resume_queue(store: Store, queue: str) -> None:
    """Give the queue's jobs out again, and wake idle workers."""
    store.run("resume", queue)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _keep(store: Store) -> int:
    return _ms(store.settings.keep_results)
