"""Reads: one job, pages of jobs, counts, logs and results, and waiting for an end; nothing here changes a job."""

from __future__ import annotations

import math
import operator
import time
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import results
from jobsapi import store as stores
from jobsapi.advice import advice
from jobsapi.documents import SHOWN, document, json_part
from jobsapi.errors import FieldError, Invalid, NoResult, ResultExpired, ResultNotReady, StoreUnavailable, UnknownJob
from jobsapi.names import is_id
from jobsapi.options import moment, told
from jobsapi.record import FIELDS, OF_ONE, Job, JobRecord, rfc3339
from jobsapi.states import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jobsapi.store import Store

__all__ = [
    "count_ended",
    "count_jobs",
    "get_document",
    "get_job_by_id",
    "get_logs",
    "get_record",
    "get_records",
    "get_results",
    "list_children",
    "list_documents",
    "list_jobs",
    "pace",
    "paused_queues",
    "refuse_unknown",
    "wait_for_ends",
    "wait_for_job",
    "with_results",
]


def get_record(store: Store, jid: str) -> JobRecord:
    """The record of that id, its inline output too. Raises UnknownJob."""
    [reply] = store.ask(("HGETALL", store.keys.job(jid))) if is_id(jid) else [()]
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    record = JobRecord.from_fields(jid, {name.decode(): value for name, value in pairs})
    if record is None or (record.is_staged and not store.call("exists", store.keys.committed(record.batch))):
        raise _unknown(jid)
    return record


def refuse_unknown(store: Store, jid: str) -> None:
    """Raises UnknownJob where no job has that id."""
    values = store.call("hmget", store.keys.job(jid), "s", "bt") if is_id(jid) else ()
    record = JobRecord.from_fields(jid, dict(zip(("s", "bt"), values, strict=False)))
    if record is None or (record.is_staged and not store.call("exists", store.keys.committed(record.batch))):
        raise _unknown(jid)


def _unknown(jid: str) -> UnknownJob:
    return UnknownJob(f"No job has the id {jid!r}.")


def get_records(store: Store, ids: Sequence[str]) -> dict[str, JobRecord]:
    """The records of these ids, without their inline outputs, read in one go. Raises UnknownJob."""
    if not ids:
        return {}
    with store.redis.pipeline(transaction=False) as pipe:
        for jid in ids:
            pipe.hmget(store.keys.job(jid), FIELDS)
        rows = store.execute(pipe)
    found = {jid: JobRecord.from_row(jid, row) for jid, row in zip(ids, rows, strict=True)}
    if missing := [jid for jid, record in found.items() if record is None]:
        raise UnknownJob(f"No job has the id {missing[0]!r}.")
    return {jid: record for jid, record in found.items() if record}


def get_job_by_id(jid: str, *, store: Store | None = None) -> Job:
    """The job of that id. Raises UnknownJob."""
    store = store or stores.default()
    return _shown(store, jid, *_read(store, jid))


def get_document(store: Store, jid: str, base: str) -> bytes:
    """The job of that id as JSON, made from what the store keeps; links begin with `base`. Raises UnknownJob."""
    position, whole = _read(store, jid)
    values, history, children = whole
    row = _SHOWN_OF(values)
    if not history and not any(_MORE_OF(values)):  # it waits for its first run, and there is no more to say
        if not values[0]:
            raise _unknown(jid)
        more = b',"attempts":[]'
    else:
        more = b"," + orjson.dumps(_more(_record(store, jid, values), values, history, position))[1:-1]
    if children:
        more += b',"children":%d' % children
    return document(jid.encode(), row, json_part(base), position, _CHILDREN if children else (), more)


_SHOWN_OF = operator.itemgetter(*(OF_ONE.index(name) for name in SHOWN))
_ALONE = ("b", "r", "bt", *(name for name in OF_ONE if name not in (*SHOWN, "n")))
_MORE_OF = operator.itemgetter(*map(OF_ONE.index, _ALONE))
"""Values without which one job's document says no more of it than a list does, and the job is no staged one."""
_CHILDREN = (b"children",)


def _read(store: Store, jid: str) -> tuple[int | None, list[Any]]:
    """The job's place in its queue, and the replies to `_whole`."""
    if not is_id(jid):
        raise _unknown(jid)
    return store.run_beside(_whole(store, jid), "position", jid)


def _whole(store: Store, jid: str) -> list[tuple[Any, ...]]:
    """The commands that read all there is to show of a job."""
    return [
        ("HMGET", store.keys.job(jid), *OF_ONE),
        ("LRANGE", store.keys.history(jid), 0, -1),
        ("ZCARD", store.keys.followers(jid)),
    ]


def _named(values: Sequence[bytes | None]) -> dict[str, bytes | None]:
    return dict(zip(OF_ONE, values, strict=True))


def _record(store: Store, jid: str, values: Sequence[bytes | None]) -> JobRecord:
    """The record of these values, in the order of OF_ONE. Raises UnknownJob."""
    record = JobRecord.from_fields(jid, _named(values))
    if record is None or (record.is_staged and not store.call("exists", store.keys.committed(record.batch))):
        raise _unknown(jid)
    return record


def _shown(store: Store, jid: str, position: int | None, whole: Sequence[Any]) -> Job:
    """The job by what `_whole` read. Raises UnknownJob."""
    values, history, children = whole
    record = _record(store, jid, values)
    job = record.shown(position)
    job |= _more(record, values, history, position)
    if children:
        job["children"] = children
        job["links"]["children"] = f"/jobs/{jid}/children"
    return job


def _more(
    record: JobRecord, values: Sequence[bytes | None], history: Sequence[bytes], position: int | None
) -> dict[str, Any]:
    """What is told of one job alone."""
    more: dict[str, Any] = {"attempts": _attempts(history, record)}
    if record.attempts_left_out:
        more["attempts_left_out"] = record.attempts_left_out
    if sentence := advice(record, position):
        more["advice"] = sentence
    if record.webhook:
        more["webhook"] = record.webhook.shown()
    more |= told(_named(values))
    return more | {name: list(ids) for name in ("after", "after_any") if (ids := getattr(record, name))}


def _attempts(history: Sequence[bytes], record: JobRecord) -> list[dict[str, Any]]:
    """Every run of a job, in order: those the store told apart, then the one that its record is about."""
    told = [orjson.loads(row) for row in history]
    if record.started is not None and not (told and told[-1]["token"] == record.token):
        last = {"attempt": record.attempt, "outcome": None, "worker": record.worker, "started": record.started}
        if record.is_ended:
            last |= {"outcome": record.reason or record.status.value, "token": record.token}
        told.append(last | ({"error": orjson.loads(record.error)} if record.error else {}) | {"ended": record.finished})
    return [_attempt(each) for each in told]


def _attempt(line: dict[str, Any]) -> dict[str, Any]:
    """A run as users see it; what it has not is left out."""
    shown = {name: line.get(name) for name in ("attempt", "outcome", "worker")}
    shown |= {name: rfc3339(line[name]) for name in ("started", "ended")}
    return shown | {name: line[name] for name in ("token", "detail", "error") if line.get(name)}


def list_jobs(
    *,
    status: str | None = None,
    task: str | None = None,
    queue: str | None = None,
    tag: str | None = None,
    batch: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = 100,
    below: int | None = None,
    store: Store | None = None,
) -> tuple[list[Job], int | None, int | None]:
    """A page of jobs, newest first: (jobs, the number to go on below or None at the end, total or None).

    `since` and `until` are RFC 3339: jobs that were made between them, both included. `total` is exact for no filter or
    one, else None, as for times and a batch that jobs of others are part of. Raises Invalid for a status or a time that
    is none.
    """
    filters = {"status": status, "task": task, "queue": queue, "tag": tag, "batch": batch}
    filters |= {"since": since, "until": until}
    rows, last, total = _page(store or stores.default(), filters, limit, below, FIELDS)
    found = [record for jid, row in rows if (record := JobRecord.from_row(jid.decode(), row))]
    return [record.shown() for record in found], last, total


def list_children(
    jid: str,
    *,
    status: str | None = None,
    limit: int = 100,
    below: int | None = None,
    store: Store | None = None,
) -> tuple[list[Job], int | None, int | None]:
    """A page of the jobs that came after this one, by `after` or `after_any`, as `list_jobs` gives it.

    They are told whether they still wait or not; those that were removed are not. Raises UnknownJob, Invalid.
    """
    store = store or stores.default()
    refuse_unknown(store, jid)
    rows, last, total = _page(store, {"status": status, "parent": jid}, limit, below, FIELDS)
    found = [record for jid, row in rows if (record := JobRecord.from_row(jid.decode(), row))]
    return [record.shown() for record in found], last, total


def list_documents(
    store: Store, filters: Mapping[str, str | None], limit: int, below: int | None, base: str
) -> tuple[list[bytes], int | None, int | None]:
    """The same page as JSON, a text for each job, made from what the store keeps; links begin with `base`."""
    rows, last, total = _page(store, filters, limit, below, SHOWN)
    start = json_part(base)
    return [document(jid, row, start) for jid, row in rows if row[0]], last, total


def _page(
    store: Store, filters: Mapping[str, str | None], limit: int, below: int | None, fields: Sequence[str]
) -> tuple[Iterable[tuple[bytes, Sequence[bytes | None]]], int | None, int | None]:
    """(ids and values of these fields, the number to go on below, total), as `list_jobs` has them."""
    status = filters.get("status")
    try:
        code = Status.from_word(status).code if status else ""
    except ValueError:
        words = ", ".join(each.value for each in Status)
        detail = f"{status!r} is no status; they are {words}."
        raise Invalid(detail, errors=[FieldError("/status", detail)]) from None
    wanted = [code, *(filters.get(name) or "" for name in ("queue", "task", "tag", "batch", "parent"))]
    times = [_moment(name, filters.get(name)) for name in ("since", "until")]
    start = "+inf" if below is None else below
    total, last, *rows = store.run("list", start, limit, *wanted, *times, *fields)
    exact = sum(map(bool, wanted)) <= 1 and not any(times) and int(total) >= 0
    return zip(rows[::2], rows[1::2], strict=True), int(last) if last else None, int(total) if exact else None


def _moment(name: str, value: str | None) -> int | str:
    if not value:
        return ""
    try:
        return moment(value)
    except ValueError as problem:
        raise Invalid(f"`{name}` {problem}.", errors=[FieldError(f"/{name}", str(problem))]) from None


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


def pace(store: Store, queue: str) -> float:
    """How many jobs of a queue end in a second, by its newest ones that ended within the last ten minutes."""
    ended: list[int] = []
    for status in (Status.COMPLETE, Status.FAILED):
        rows = store.run("list", "+inf", _PACE_JOBS, status.code, queue, *[""] * 6, "e")[3::2]
        ended += [int(row[0]) for row in rows if row[0]]
    now = store.time_ms()
    recent = sorted(time for time in ended if now - time < _PACE_MS)[-_PACE_JOBS:]
    return len(recent) / max((now - recent[0]) / 1000, 1.0) if recent else 0.0


_PACE_JOBS, _PACE_MS = 100, 600_000


def paused_queues(store: Store) -> set[str]:
    """The queues that hold their jobs back."""
    return {name.decode() for name in store.call("smembers", store.keys.paused())}


def wait_for_job(jid: str, timeout: float | None = None, *, store: Store | None = None) -> Job:
    """The job once it has ended. Raises TimeoutError after `timeout` seconds (None: waits for ever), UnknownJob."""
    store = store or stores.default()
    deadline = None if timeout is None else time.monotonic() + timeout
    found = _wait(store, jid, deadline, *_whole(store, jid))
    if found is None:
        raise TimeoutError(f"Job {jid} has not ended after {timeout} s.")
    return _shown(store, jid, None, found) if found else get_job_by_id(jid, store=store)


def wait_for_ends(store: Store, ids: Iterable[str], deadline: float | None) -> bool:
    """Wait until each of these jobs has ended; False where the monotonic clock came to `deadline` first.

    Raises UnknownJob, StoreUnavailable where the server is away for half a minute.
    """
    return all(_wait(store, jid, deadline) is not None for jid in ids)


def _wait(store: Store, jid: str, deadline: float | None, *then: tuple[Any, ...]) -> Sequence[Any] | None:
    """Wait for a job's end: the replies to `then`, asked with it, or none of them; None where `deadline` came first."""
    word = store.keys.waited(jid)
    while not _patiently(deadline, store.run, "wait", jid):
        left = _LONGEST_BLOCK if deadline is None else min(_LONGEST_BLOCK, deadline - time.monotonic())
        if left <= 0:
            return None
        wait = ("BLMOVE", word, word, "LEFT", "RIGHT", f"{max(left, 0.001):.3f}")  # 0 would be for ever
        replies: list[Any]
        came, *replies = _patiently(deadline, store.ask_blocking, _LONGEST_BLOCK, wait, *then)
        if came:
            return replies
    return []


def _patiently(deadline: float | None, ask: Callable[..., Any], *what: Any) -> Any:
    """What the server answers; while it is away it is asked again, for half a minute or until `deadline`."""
    until = min(time.monotonic() + _OUTAGE, math.inf if deadline is None else deadline)
    while True:
        try:
            return ask(*what)
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(_ASK_EVERY)


_OUTAGE, _ASK_EVERY = 30.0, 0.1
"""Seconds; as long as `jobsapi.Client` waits for an API that is being restarted."""

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
