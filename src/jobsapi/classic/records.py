"""The course's job dicts ↔ the engine's records: make, save, show, list, end by word."""

from __future__ import annotations

import fnmatch
import json
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import jobs, registry
from jobsapi.errors import FieldError, Invalid, TooLarge, UnknownJob, WrongStatus
from jobsapi.fit import digest_of
from jobsapi.names import is_id
from jobsapi.states import Status
from jobsapi.submission import Submission, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobsapi.record import JobRecord
    from jobsapi.store import Store

__all__ = [
    "ITEM",
    "QUEUE",
    "TASK",
    "JobRecords",
    "carry",
    "end",
    "note",
    "own_keys",
    "publish",
    "put",
    "save",
    "shown",
    "submit",
    "text_of",
]

QUEUE = TASK = "classic"
ITEM = "classic.item"
"""The task of an item that is not a job's id: any JSON value that a program put on `q`."""

_SCHEMA = {"type": "object", "title": TASK, "properties": {}, "additionalProperties": True}
_DESCRIPTION = {
    "name": TASK,
    "summary": "Jobs for programs written with the course document's names (jobsapi.classic).",
    "queue": QUEUE,
    "timeout": None,
    "default": False,
    "schema": _SCHEMA,
    "digest": digest_of(_SCHEMA),
}
_EXTRA = "x"
"""The record's field that scripts named classic_* keep a program's own keys in."""

_LONGEST_NOTE = 1000


# --- In --------------------------------------------------------------------------------------------------------------


def publish(store: Store) -> None:
    """Make the task `classic` known to the API, if it is not. Raises StoreUnavailable."""
    if TASK not in registry.published(store):
        registry.publish(store, [_DESCRIPTION])


def submit(store: Store, params: Mapping[str, Any]) -> JobRecord:
    """Record a job and put it on the queue, in one step. Raises Invalid, TooLarge, StoreUnavailable."""
    publish(store)
    return jobs.submit_jobs(store, [prepare(store, TASK, params, {}, "", "/params")])[0]


def carry(store: Store, values: list[Any]) -> None:
    """Put JSON values on the queue, all of them or none. Raises Invalid, TooLarge, StoreUnavailable."""
    encoded = [_encoded(store, {"item": value}) for value in values]
    jobs.submit_jobs(store, [Submission(ITEM, QUEUE, {}, each) for each in encoded])


def save(store: Store, jid: str, job: Mapping[str, Any]) -> str:
    """Write a job's dict; of an unknown id it makes a job that is in no queue. The status the dict asks for, or "".

    Keys that the record itself does not have in this form are kept with it, and shown. Raises Invalid for an id that
    `new_id` cannot have made, TooLarge, StoreUnavailable.
    """
    if not is_id(jid):
        detail = f"{jid!r} cannot be a job's id; _generate_jid() makes them."
        raise Invalid(detail, errors=[FieldError("/id", detail)])
    own = {name: value for name, value in job.items() if name not in ("id", "status")}
    try:
        record = jobs.get_record(store, jid)
    except UnknownJob:
        publish(store)
        store.run("classic_save", jid, QUEUE, TASK, _encoded(store, own), "")
        wanted, present = str(job.get("status", "")), Status.SUBMITTED
    else:
        known = _plain(record)
        changed = {name: value for name, value in own.items() if name not in known or known[name] != value}
        store.run("classic_save", jid, QUEUE, TASK, b"{}", _encoded(store, changed) if changed else b"")
        wanted, present = str(job.get("status", "")), record.status
    return "" if wanted == present.value else wanted


def put(store: Store, jid: str) -> None:
    """Put a saved job, or one that has ended (as a retry), on its queue; one that waits there stays.

    Raises UnknownJob, WrongStatus for a job that is being worked on, StoreUnavailable.
    """
    try:
        store.run("classic_put", jid)
    except WrongStatus:
        jobs.retry_job(jid, store=store)


def is_job(store: Store, value: Any) -> bool:
    """Whether an item for `q` is the id of a job of classic programs."""
    if not (isinstance(value, str) and is_id(value)):
        return False
    return bool(store.call("hget", store.keys.job(value), "t") == TASK.encode())


def _encoded(store: Store, value: Any) -> bytes:
    try:
        encoded = orjson.dumps(value)
    except TypeError as problem:
        raise Invalid(f"Only JSON values can be stored: {problem}.") from problem
    if len(encoded) > store.settings.max_params:
        allowed = f"JOBSAPI_MAX_PARAMS allows {store.settings.max_params:,}"
        raise TooLarge(f"This is {len(encoded):,} bytes of JSON; {allowed}.")
    return encoded


# --- Out -------------------------------------------------------------------------------------------------------------


def shown(store: Store, jid: str) -> dict[str, Any]:
    """The job's plain dict: id, status, its parameters (start, end, …), the program's own keys.

    `progress` (the last word that was no status), `reason` and `error` are there where the job has them.
    Raises UnknownJob, StoreUnavailable.
    """
    record = jobs.get_record(store, jid)
    return {**_plain(record), **own_keys(store, jid)}


def own_keys(store: Store, jid: str) -> dict[str, Any]:
    """The keys that programs added to the job's dict."""
    found = store.call("hget", store.keys.job(jid), _EXTRA)
    kept: dict[str, Any] = orjson.loads(found) if found else {}
    return kept


def _plain(record: JobRecord) -> dict[str, Any]:
    """The dict without the program's own keys."""
    status = {"id": record.id, "status": record.status.value}
    more = {}
    if record.progress:
        more["progress"] = orjson.loads(record.progress)["message"]
    if record.reason:
        more["reason"] = record.reason
    if record.error:
        more["error"] = orjson.loads(record.error)["message"]
    return {**status, **more, **orjson.loads(record.params), **status}


# --- By word, from a process that does not hold the job --------------------------------------------------------------


def note(store: Store, jid: str, word: str) -> None:
    """Keep a word as the job's progress. Raises UnknownJob, StoreUnavailable."""
    if not is_id(jid):
        raise UnknownJob(f"No job has the id {jid!r}.")
    store.run("classic_note", jid, orjson.dumps({"fraction": None, "message": word[:_LONGEST_NOTE]}))


def end(store: Store, jid: str, failure: str | None = None) -> None:
    """A job that nobody holds is complete, or with a `failure` failed. Raises UnknownJob, WrongStatus."""
    keep = round(store.settings.keep_results * 1000)
    error = {"type": "Failed", "message": failure, "traceback": ""}
    reason = "" if failure is None else "error"
    store.run("classic_end", jid, keep, reason, orjson.dumps(error), orjson.dumps(own_keys(store, jid) or None))


# --- jdb -------------------------------------------------------------------------------------------------------------


class JobRecords:
    """The course's `jdb`: the jobs' dicts as JSON in bytes, by id, in the manner of a redis client."""

    def __init__(self, store: Callable[[], Store], write: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._store, self._write = store, write

    def get(self, name: str | bytes) -> bytes | None:
        """The job's dict as JSON, None for an unknown id."""
        try:
            return json.dumps(shown(self._store(), text_of(name))).encode()
        except UnknownJob:
            return None

    def set(self, name: str | bytes, value: str | bytes) -> bool:
        """Save a job's dict, as `_save_job` does. Raises Invalid for what is no JSON object."""
        try:
            job = json.loads(value)
        except ValueError as problem:
            raise Invalid(f"jdb keeps jobs as JSON objects: {problem}.") from problem
        if not isinstance(job, dict):
            raise Invalid("jdb keeps jobs as JSON objects.")
        self._write(text_of(name), job)
        return True

    def keys(self, pattern: str | bytes = "*") -> list[bytes]:
        """The ids of the classic programs' jobs that fit a pattern, newest first."""
        found: list[str] = []
        below: int | None = None
        while True:
            page, below, _ = jobs.list_jobs(task=TASK, limit=1000, below=below, store=self._store())
            found += [job["id"] for job in page]
            if below is None:
                return [jid.encode() for jid in found if fnmatch.fnmatchcase(jid, text_of(pattern))]

    def exists(self, *names: str | bytes) -> int:
        """How many of these ids are jobs'."""
        return sum(self.get(name) is not None for name in names)

    def delete(self, *names: str | bytes) -> int:
        """Take jobs out of the store; how many.

        A waiting one is cancelled first; one that somebody works on is stopped, and its record stays.
        """
        return sum(self._remove(text_of(name)) for name in names)

    def _remove(self, jid: str) -> bool:
        store = self._store()
        try:
            if not jobs.get_record(store, jid).is_ended:
                jobs.cancel_job(jid, store=store)
            jobs.remove_job(jid, store=store)
        except (UnknownJob, WrongStatus):
            return False
        return True


def text_of(name: str | bytes) -> str:
    """An id as a program has it, from `jdb.keys()` in bytes, as text."""
    return name.decode() if isinstance(name, bytes) else str(name)
