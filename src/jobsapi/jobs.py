"""Jobs: the way in, one function for each transition, reads and lists; the only module that runs the job scripts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import results
from jobsapi import store as stores
from jobsapi.errors import FieldError, Invalid, NoResult, ResultExpired, ResultNotReady, UnknownJob, WrongStatus
from jobsapi.names import is_id, new_id
from jobsapi.record import FIELDS, Job, JobRecord
from jobsapi.states import Status
from jobsapi.submission import Submission, prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobsapi.store import Store

__all__ = [
    "Claim",
    "add_job",
    "add_jobs",
    "cancel_job",
    "get_job_by_id",
    "get_logs",
    "get_results",
    "list_jobs",
    "remove_job",
    "retry_job",
    "wait_for_job",
]

MOST_AT_ONCE = 10_000
"""How many jobs one bulk submit may hold."""

_STEP = 100
"""Jobs a script handles in one go: about 2 ms of the server's time."""

_LIST_FIELDS = [*FIELDS]


@dataclass(frozen=True)
class Claim:
    """A worker's right to run one job; only the holder of the token can finish it."""

    id: str
    token: str
    task: str
    params: bytes
    attempt: int
    timeout: float | None
    """Seconds one run may take."""
    started: int
    """When the claim was made, ms by the server's clock."""


# --- The way in -----------------------------------------------------------------------------------------------------


def add_job(
    task: str | Any, params: Mapping[str, Any] | None = None, *, store: Store | None = None, **options: Any
) -> Job:
    """Record one job of a task (its name or its function) and put it on its queue; returns at once.

    `options`: queue, priority, timeout (s), max_deliveries, tags, keep (s). Raises Invalid, TooLarge, StoreUnavailable.
    """
    store = store or stores.default()
    submission = prepare(store, _task_name(task), dict(params or {}), options, "", "/params")
    return submit_jobs(store, [submission])[0].shown()


def add_jobs(requests: Iterable[Mapping[str, Any]], *, store: Store | None = None) -> list[Job]:
    """Record up to 10,000 jobs, `{"task", "params", …options}` each, all of them or none; in the order given."""
    store = store or stores.default()
    submissions = []
    for i, request in enumerate(requests):
        options = {name: value for name, value in request.items() if name not in ("task", "params")}
        task, params = _task_name(request.get("task", "")), dict(request.get("params") or {})
        submissions.append(prepare(store, task, params, options, f"/{i}", f"/{i}/params"))
    return [record.shown() for record in submit_jobs(store, submissions)]


def submit_jobs(store: Store, submissions: Sequence[Submission]) -> list[JobRecord]:
    """Record checked submissions, all of them or none. More than a hundred are staged in steps and then accepted as a
    whole by one small script, so that the server is never held for more than a few milliseconds.
    """
    return submit_batch(store, submissions)[1]


def submit_batch(store: Store, submissions: Sequence[Submission]) -> tuple[str, list[JobRecord]]:
    """As submit_jobs, with the batch's id."""
    if len(submissions) > MOST_AT_ONCE:
        detail = f"{len(submissions):,} jobs are more than the {MOST_AT_ONCE:,} that one submit may hold."
        raise Invalid(detail, errors=[FieldError("", detail)])
    batch = new_id()
    if len(submissions) > _STEP:
        return batch, _submit_in_steps(store, batch, submissions)
    arguments: list[Any] = []
    for each in submissions:
        priority, tags = each.fields.get("pr", 0), each.fields.get("tg", "")
        arguments += [each.id, each.queue, each.task, priority, tags, *_pairs(each.fields)]
    created = int(store.run("submit", *arguments))
    return batch, [each.record(created) for each in submissions]


def _submit_in_steps(store: Store, batch: str, submissions: Sequence[Submission]) -> list[JobRecord]:
    for start in range(0, len(submissions), _STEP):
        arguments: list[Any] = [batch]
        for each in submissions[start : start + _STEP]:
            arguments += [each.id, *_pairs({**each.fields, "q": each.queue, "t": each.task, "bt": batch})]
        store.run("stage", *arguments)
    store.run("commit", batch, len(submissions))
    created = store.time_ms()
    admit_jobs(store, batch)
    return [each.record(created) for each in submissions]


def admit_jobs(store: Store, batch: str) -> None:
    """Let the jobs of a committed batch into their queues, in steps; those of one nobody committed are dropped."""
    for _ in range(MOST_AT_ONCE // _STEP + 1):
        if not store.run("admit", batch, _STEP):
            return


def _pairs(fields: Mapping[str, Any]) -> list[Any]:
    return [len(fields), *(part for pair in fields.items() for part in pair)]


def _task_name(task: Any) -> str:
    return task if isinstance(task, str) else str(getattr(task, "__name__", task))


# --- A claim's life -------------------------------------------------------------------------------------------------


def claim_jobs(
    store: Store, worker: str, wanted: Mapping[str, Iterable[str]], most: int, lease: float, token: str = ""
) -> list[Claim]:
    """Up to `most` jobs of these queues (queue → tasks, the preferred queue first), each under a lease of `lease` s.

    `token`: fresh for each claim; a claim whose reply was lost is sent again with the same one.
    """
    arguments: list[Any] = []
    for queue, tasks in wanted.items():
        names = list(tasks)
        arguments += [queue, len(names), *names]
    rows = store.run("claim", worker, _ms(lease), most, token or new_id(), *arguments)
    return [
        Claim(
            id=jid.decode(),
            token=token.decode(),
            task=task.decode(),
            params=params,
            attempt=int(attempt),
            timeout=int(timeout) / 1000 if timeout else None,
            started=int(at),
        )
        for jid, token, task, params, attempt, timeout, at in rows
    ]


def renew_jobs(store: Store, claims: Sequence[tuple[str, str]], lease: float) -> dict[str, bool | None]:
    """Renew (id, token) pairs. Per id: True, a cancel was asked for; False, go on; None, no longer this claim's."""
    replies = store.run("renew", _ms(lease), *(part for claim in claims for part in claim))
    meaning = {0: None, 1: False, 2: True}
    return {jid: meaning[int(reply)] for (jid, _), reply in zip(claims, replies, strict=True)}


def complete_job(store: Store, jid: str, token: str, descriptor: bytes, inline: bytes) -> None:
    """The holder records the outputs (see `results.write`) and the end. Raises NotHolder, UnknownJob."""
    store.run("complete", jid, token, _keep(store), descriptor, inline)


def fail_job(store: Store, jid: str, token: str, reason: str, error: Mapping[str, Any] | None) -> None:
    """The holder records an end without a result; `reason` is one of states.REASONS. Raises NotHolder, UnknownJob."""
    store.run("fail", jid, token, _keep(store), reason, orjson.dumps(error) if error else b"")


def release_job(store: Store, jid: str, token: str) -> None:
    """The holder hands the job back without charge. Raises NotHolder, UnknownJob."""
    store.run("release", jid, token, _keep(store))


def lose_job(store: Store, jid: str, token: str, what: str) -> bool:
    """A delivery is lost: `token` is its claim's, or "" for any whose lease has run out. True where something was.

    The job goes back into its queue, or ends `failed`/`lost` when its deliveries are used up.
    """
    most = store.settings.max_deliveries
    error = {
        "type": "Lost",
        "message": f"The processes that ran it died too often. The last time: {what}",
        "traceback": "",
    }
    return bool(store.run("lose", jid, token, most, _keep(store), what, orjson.dumps(error)))


def report_progress(store: Store, jid: str, token: str, fraction: float | None, message: str | None) -> None:
    """The holder says how far the job is. Raises NotHolder, UnknownJob."""
    store.run("progress", jid, token, orjson.dumps({"fraction": fraction, "message": message}))


def append_log(store: Store, jid: str, token: str, text: bytes) -> None:
    """The holder adds to the job's log; both ends of a long one are kept. Raises NotHolder, UnknownJob."""
    store.run("log", jid, token, store.settings.max_log, text)


# --- Upkeep ---------------------------------------------------------------------------------------------------------


def may_reap(store: Store) -> bool:
    """Whether leases that ran out may be taken now: not within a lease's time after the store was away."""
    return bool(store.run("upkeep", _ms(store.settings.lease)))


def expired_leases(store: Store, most: int = 100) -> list[str]:
    """The ids of jobs in progress whose lease has run out, the longest first."""
    rows = store.call("zrangebyscore", store.keys.leases(), "-inf", store.time_ms(), 0, most)
    return [jid.decode() for jid in rows]


def prune_jobs(store: Store, most: int = 50) -> int:
    """Remove results, later records, of ended jobs whose time has come; how many jobs were touched."""
    pairs = store.run("prune", _ms(store.settings.keep_jobs), most)
    for jid, token in zip(pairs[::2], pairs[1::2], strict=True):
        if token:
            results.remove_files(store.settings, jid.decode(), token.decode())
    return len(pairs) // 2


def abandoned_batches(store: Store, age: float, most: int = 10) -> list[str]:
    """Large submits that were last touched more than `age` seconds ago."""
    rows = store.call("zrangebyscore", store.keys.staged(), "-inf", store.time_ms() - _ms(age), 0, most)
    return [batch.decode() for batch in rows]


# --- From outside ---------------------------------------------------------------------------------------------------


def cancel_job(jid: str, *, store: Store | None = None) -> Job:
    """Stop a job wherever it is; a running one's processes are gone within 2 s. Raises UnknownJob, WrongStatus."""
    return _act("cancel", jid, store or stores.default(), keep=True)


def retry_job(jid: str, *, store: Store | None = None) -> Job:
    """Give an ended job a fresh set of attempts under the same id. Raises UnknownJob, WrongStatus."""
    return _act("retry", jid, store or stores.default())


def remove_job(jid: str, *, store: Store | None = None) -> None:
    """Take an ended job out of the store with its results, log and history. Raises UnknownJob, WrongStatus."""
    _act("remove", jid, store or stores.default())


def _act(verb: str, jid: str, store: Store, *, keep: bool = False) -> Job:
    record = get_record(store, jid)
    try:
        token = store.run(verb, jid, *([_keep(store)] if keep else []))
    except WrongStatus:
        status = get_record(store, jid).status.value
        raise WrongStatus(f"A job that is {status} cannot be {_PARTICIPLES[verb]}.") from None
    if isinstance(token, bytes) and token:
        results.remove_files(store.settings, jid, token.decode())
    return record.shown() if verb == "remove" else get_job_by_id(jid, store=store)


_PARTICIPLES = {"cancel": "cancelled", "retry": "retried", "remove": "removed"}


# --- Reads ----------------------------------------------------------------------------------------------------------


def get_record(store: Store, jid: str) -> JobRecord:
    """The record of that id, its inline output too. Raises UnknownJob."""
    values = store.call("hgetall", store.keys.job(jid)) if is_id(jid) else {}
    record = JobRecord.from_fields(jid, {name.decode(): value for name, value in values.items()})
    if record is None or (record.is_staged and not store.call("exists", store.keys.committed(record.batch))):
        raise UnknownJob(f"No job has the id {jid!r}.")
    return record


def get_job_by_id(jid: str, *, store: Store | None = None) -> Job:
    """The job of that id. Raises UnknownJob."""
    store = store or stores.default()
    record = get_record(store, jid)
    position = store.run("position", jid) if record.status is Status.SUBMITTED else None
    job = record.shown(position)
    if history := store.call("lrange", store.keys.history(jid), 0, -1):
        job["history"] = [_history_line(row) for row in history]
    return job


def _history_line(row: bytes) -> dict[str, Any]:
    from jobsapi.record import rfc3339

    line: dict[str, Any] = orjson.loads(row)
    return line | {"started": rfc3339(line["started"]), "ended": rfc3339(line["ended"])}


def list_jobs(
    *,
    status: str | None = None,
    task: str | None = None,
    queue: str | None = None,
    tag: str | None = None,
    limit: int = 100,
    below: int | None = None,
    store: Store | None = None,
) -> tuple[list[Job], int | None, int | None]:
    """A page of jobs, newest first: (jobs, the number to go on below or None at the end, total or None).

    `total` is exact for no filter or one, else None. Raises Invalid for a status that is none.
    """
    store = store or stores.default()
    try:
        code = Status.from_word(status).code if status else ""
    except ValueError:
        words = ", ".join(each.value for each in Status)
        detail = f"{status!r} is no status; they are {words}."
        raise Invalid(detail, errors=[FieldError("/status", detail)]) from None
    filters = [code, queue or "", task or "", tag or ""]
    start = "+inf" if below is None else below
    total, last, *rows = store.run("list", start, limit, *filters, *_LIST_FIELDS)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    found = [record for jid, row in pairs if (record := JobRecord.from_row(jid.decode(), row))]
    exact = sum(map(bool, filters)) <= 1
    return [record.shown() for record in found], int(last) if last else None, int(total) if exact else None


def count_jobs(store: Store) -> list[tuple[Status, str, str, int, int | None]]:
    """(status, queue, task, how many, when the oldest was made in ms or None) of everything that is or was there."""
    rows = store.run("counts")
    return [
        (Status.from_code(s.decode()), q.decode(), t.decode(), int(n), int(c) if c else None) for s, q, t, n, c in rows
    ]


def count_ended(store: Store) -> list[tuple[str, str, int]]:
    """(task, `complete` or the reason, how many jobs ended so since the store began)."""
    rows = store.call("hgetall", store.keys.ended())
    return [(*name.decode().rsplit(":", 1), int(count)) for name, count in sorted(rows.items())]


def paused_queues(store: Store) -> set[str]:
    """The queues that hold their jobs back."""
    return {name.decode() for name in store.call("smembers", store.keys.paused())}


def pause_queue(store: Store, queue: str) -> None:
    """Hold back every job of the queue that is not claimed yet."""
    store.call("sadd", store.keys.paused(), queue)


def resume_queue(store: Store, queue: str) -> None:
    """Give the queue's jobs out again, and wake idle workers."""
    store.run("resume", queue)


def wait_for_job(jid: str, timeout: float | None = None, *, store: Store | None = None) -> Job:
    """The job once it has ended. Raises TimeoutError after `timeout` seconds (None: waits for ever), UnknownJob."""
    store = store or stores.default()
    deadline = None if timeout is None else time.monotonic() + timeout
    server = store.blocking(_LONGEST_BLOCK)
    try:
        while not store.run("wait", jid):
            left = _LONGEST_BLOCK if deadline is None else min(_LONGEST_BLOCK, deadline - time.monotonic())
            if left <= 0:
                raise TimeoutError(f"Job {jid} has not ended after {timeout} s.")
            server.blmove(store.keys.waited(jid), store.keys.waited(jid), left)
    finally:
        server.close()
    return get_job_by_id(jid, store=store)


_LONGEST_BLOCK = 5.0
"""Seconds; a waiter looks again after so long even if no word came."""


def get_results(jid: str, *, store: Store | None = None) -> Any:
    """What the job's function returned: a JSON value as Python's, anything else as bytes, named outputs as a dict.

    Raises ResultNotReady, NoResult (with the reason), ResultExpired, UnknownJob.
    """
    store = store or stores.default()
    record = with_results(get_record(store, jid))
    return results.values(store, jid, record.token, record.descriptor, record.inline)


def with_results(record: JobRecord) -> JobRecord:
    """The record itself where its results can be read. Raises ResultNotReady, NoResult, ResultExpired."""
    if not record.is_ended:
        raise ResultNotReady(f"The job is {record.status.value}; its results come when it is complete.")
    if record.status is not Status.COMPLETE:
        error = orjson.loads(record.error) if record.error else {}
        why = f": {error['type']}: {error['message']}" if error else ""
        raise NoResult(
            f"The job {record.status.value if record.status is Status.FAILED else 'was cancelled'}"
            f" ({record.reason}){why}."
        )
    if record.results_removed:
        raise ResultExpired("The results of this job were kept for their time and have been removed.")
    return record


def get_logs(jid: str, *, store: Store | None = None) -> bytes:
    """What the job wrote to stdout, stderr and logging so far; of a long log both ends. Raises UnknownJob."""
    store = store or stores.default()
    record = get_record(store, jid)
    head = store.call("get", store.keys.log(jid)) or b""
    tail = b"".join(store.call("lrange", store.keys.log_tail(jid), 0, -1))
    gap = f"\n[… {record.log_left_out:,} bytes left out …]\n".encode() if record.log_left_out else b""
    return bytes(head + gap + tail)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _keep(store: Store) -> int:
    return _ms(store.settings.keep_results)
