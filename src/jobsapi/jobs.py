"""Jobs: the way in, and one function for each transition; `claims`, `reads` and `batches` are had from here too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import batches, family, results, sweeps
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
from jobsapi.errors import FieldError, Invalid, KeyTaken, UnknownJob, WrongStatus
from jobsapi.names import new_id
from jobsapi.options import MOST_PARENTS
from jobsapi.reads import (
    count_ended,
    count_jobs,
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
from jobsapi.states import Status
from jobsapi.store.replication import wait_for_replicas
from jobsapi.submission import MOST_AT_ONCE, Submission, prepare, with_generations
from jobsapi.tables import batch_results

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobsapi.record import Batch, Job, JobRecord
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
    "get_job_by_id",
    "get_logs",
    "get_record",
    "get_records",
    "get_results",
    "list_batches",
    "list_children",
    "list_documents",
    "list_jobs",
    "lose_job",
    "may_reap",
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

_STEP = 100
"""Jobs a script handles in one go: about 2 ms of the server's time."""

_LOOKS = 10
"""Calls, of four groups of ended jobs each, that one look at what is over makes at the most."""
_AT_ONCE = 10
"""Steps that are sent without waiting for the reply to each; between two of them the server serves others."""


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
    return submit_jobs(store, [submission])[0].shown()


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
    records = submit_jobs(store, submissions, batch)
    return [(each if each.batch == batch else replace(each, batch=batch)).shown() for each in records]


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
    if len(submissions) > MOST_AT_ONCE:
        detail = f"{len(submissions):,} jobs are more than the {MOST_AT_ONCE:,} that one submit may hold."
        raise Invalid(detail, errors=[FieldError("", detail)])
    store.refuse_if_full()
    _check_keys(submissions)
    if any(each.is_relative for each in submissions):
        now = store.time_ms()
        submissions = [each.timed(now) for each in submissions]
    submissions = with_generations(store, family.with_parents(store, submissions))
    if not submissions:
        return []
    if len(submissions) > _STEP or sum(map(family.count, submissions)) > MOST_PARENTS:
        records = _submit_in_steps(store, batch or new_id(), submissions, sweep)
    else:
        records = _submit_at_once(store, batch, submissions, sweep)
    wait_for_replicas(store, store.keys.job(records[0].id))
    return records


def _submit_at_once(
    store: Store, batch: str, submissions: Sequence[Submission], sweep: Sequence[str]
) -> list[JobRecord]:
    if batch:
        told, arguments = batches.told(submissions, sweep), _arguments(submissions, bt=batch)
        created, *answers = store.run("submit_batch", _keep(store), batch, told, *arguments)
    else:
        created, *answers = store.run("submit", _keep(store), *_arguments(submissions))
    return _recorded(store, submissions, [answer.decode() for answer in answers], int(created), batch)


def _recorded(
    store: Store, submissions: Sequence[Submission], answers: Sequence[str], created: int, batch: str
) -> list[JobRecord]:
    """The records of a submit; `answers`: the code of each job's status, or the id of the one that stands for it."""
    others = get_records(store, [answer for answer in answers if len(answer) > 1])
    return [
        others[answer] if len(answer) > 1 else each.record(created, Status.from_code(answer), batch)
        for each, answer in zip(submissions, answers, strict=True)
    ]


def _check_keys(submissions: Sequence[Submission]) -> None:
    """Two jobs of one list cannot have the same key. Raises Invalid."""
    places: dict[Any, int] = {}
    for i, each in enumerate(submissions):
        if "ky" in each.fields and (first := places.setdefault(each.fields["ky"], i)) != i:
            fault = FieldError(f"/{i}/key", f"is the key of the list's job {first}, too")
            raise Invalid("Two jobs of the list have the same key.", errors=[fault])


def _submit_in_steps(
    store: Store, batch: str, submissions: Sequence[Submission], sweep: Sequence[str]
) -> list[JobRecord]:
    holders: list[bytes] = []
    try:
        for first in range(0, len(submissions), _STEP * _AT_ONCE):
            steps = range(first, min(first + _STEP * _AT_ONCE, len(submissions)), _STEP)
            for told in store.run_all(
                [("stage", [batch, at, *_arguments(submissions[at : at + _STEP], bt=batch)]) for at in steps]
            ):
                holders += told
    except KeyTaken:
        admit_jobs(store, batch)  # nobody committed it: what is staged is dropped
        raise
    told = batches.told(submissions, sweep)
    store.run("commit", batch, holders.count(b""), told, _keep(store), len(submissions))
    created = store.time_ms()
    admit_jobs(store, batch)
    codes = _codes(store, [each.id for each in submissions if each.may_wait])
    usual = Status.SUBMITTED.code.encode()
    answers = [
        (holder or codes.get(each.id) or usual).decode() for each, holder in zip(submissions, holders, strict=True)
    ]
    return _recorded(store, submissions, answers, created, batch)


def _codes(store: Store, ids: Sequence[str]) -> dict[str, bytes | None]:
    """The letters of their statuses; None for one that was removed just now."""
    with store.redis.pipeline(transaction=False) as pipe:
        for jid in ids:
            pipe.hget(store.keys.job(jid), "s")
        return dict(zip(ids, store.execute(pipe), strict=True))


def _arguments(submissions: Iterable[Submission], **more: str) -> list[Any]:
    """What `submit` and `stage` take."""
    return [part for each in submissions for part in each.arguments(**more)]


def _task_name(task: Any) -> str:
    return task if isinstance(task, str) else str(getattr(task, "__name__", task))


# --- Upkeep ---------------------------------------------------------------------------------------------------------


def may_reap(store: Store) -> bool:
    """Whether leases that ran out may be taken now: not within a lease's time after the store was away."""
    return bool(store.run("upkeep", _ms(store.settings.lease)))


def expired_leases(store: Store, most: int = 100) -> list[str]:
    """The ids of jobs in progress whose lease has run out, the longest first."""
    rows = store.call("zrangebyscore", store.keys.leases(), "-inf", store.time_ms(), 0, most)
    return [jid.decode() for jid in rows]


def promote_jobs(store: Store, most: int = 100) -> tuple[int, float | None]:
    """Let jobs whose time has come into their queues: how many were due, and seconds until the next one is, or None."""
    due, left = store.run("promote", most)
    return int(due), None if left < 0 else int(left) / 1000


def resolve_jobs(store: Store, most: int = 100) -> bool:
    """Let up to `most` jobs go on that waited for others which have ended; whether there is more to do."""
    return bool(store.run("resolve", _keep(store), most))


def expire_jobs(store: Store, most: int = 100) -> int:
    """End jobs that no worker claimed in their time, `failed`/`expired`; how many there were."""
    error = {"type": "Expired", "message": "No worker had claimed it when its time was over.", "traceback": ""}
    return int(store.run("expire", _keep(store), most, orjson.dumps(error)))


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
