"""The job record: a hash in the store ↔ `JobRecord` ↔ `Job`, what users see; and `Batch`, the same of many."""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi.notebook import batch_html, job_html
from jobsapi.states import ENDED, STAGED_CODE, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["FIELDS", "OF_ONE", "Alike", "Batch", "Job", "JobRecord", "rfc3339"]


class Job(dict[str, Any]):
    """A job as users see it, over HTTP and in Python alike; `job.status` is `job["status"]`.

    Keys: id, status, reason, task, params, queue, priority, tags, batch, progress, attempt,
    max_attempts, cancel_requested, created, run_at, started, finished, worker, error, position, links; of one job alone
    also attempts, attempts_left_out (of a long list, behind its first ten), advice, webhook, after, after_any, children
    (how many jobs came after it), and of timeout, memory_mb, backoff, max_deliveries, expires_in, key, on_conflict,
    cache and keep those that hold for it, as a submit takes them. Times are RFC 3339 texts in UTC.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"a job has no {name!r}") from None

    def _repr_html_(self) -> str:
        return job_html(self)


class Batch(dict[str, Any]):
    """A batch as users see it, over HTTP and in Python alike; `batch.id` is `batch["id"]`.

    Keys: id, created, total, task (None where they differ), sweep (names, or None), links; of one batch alone also
    finished, counts (status → how many jobs), removed.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"a batch has no {name!r}") from None

    def _repr_html_(self) -> str:
        return batch_html(self)


FIELDS = (
    *("s", "t", "q", "p", "pr", "to", "md", "tg", "kp", "c", "a", "d", "k", "w", "b", "e", "r", "er"),
    *("pg", "cr", "ds", "rx", "lo", "bt", "n", "ma", "ra"),
)
"""The record's fields that are read of many jobs; the inline output (v) is left to those who read results."""

OF_ONE = (*FIELDS, "hl", "lg", "af", "ay", "wh", "hs", "he", "hn", "ht", "mm", "bo", "ei", "ky", "oc", "nc")
"""Those that one job's document shows."""


@dataclass(frozen=True)
class Telling:
    """Where a job's end is told, and what came of it."""

    url: str
    number: int
    """Which end of the job that is, or was: a retry makes another."""
    status: str
    tries: int
    last_error: str | None

    @classmethod
    def from_fields(cls, values: Mapping[str, bytes | None]) -> Telling:
        """What these fields of the record's hash tell."""
        url, state, error = ((values.get(name) or b"").decode() for name in ("wh", "hs", "he"))
        number, tries = (int(values.get(name) or 0) for name in ("hn", "ht"))
        status = {"d": "delivered", "g": "given up"}.get(state, "pending")
        return cls(url, number, status, tries, error or None)

    def shown(self) -> dict[str, Any]:
        """As users see it."""
        return {"url": self.url, "status": self.status, "tries": self.tries, "last_error": self.last_error}


@dataclass(frozen=True)
class JobRecord:
    """What the store keeps of a job. Times are ms since the epoch by the server's clock."""

    id: str
    status: Status
    task: str
    queue: str
    params: bytes
    """JSON."""
    priority: int = 0
    timeout: float | None = None
    """Seconds."""
    tags: tuple[str, ...] = ()
    created: int = 0
    attempt: int = 0
    max_attempts: int = 1
    run_at: int | None = None
    """When it goes, or went, into its queue, where it waits for a time."""
    lost: int = 0
    """Deliveries whose process died."""
    token: str = ""
    """Of the claim that holds or held it."""
    worker: str | None = None
    started: int | None = None
    finished: int | None = None
    reason: str | None = None
    error: bytes = b""
    """JSON object: type, message, traceback."""
    progress: bytes = b""
    """JSON object: fraction, message."""
    cancel_requested: bool = False
    descriptor: bytes = b""
    inline: bytes = b""
    results_removed: bool = False
    log_left_out: int = 0
    attempts_left_out: int = 0
    batch: str = ""
    is_staged: bool = False
    group: str = ""
    """Of jobs of which only so many run at a time."""
    after: tuple[str, ...] = ()
    after_any: tuple[str, ...] = ()
    webhook: Telling | None = None

    @classmethod
    def from_fields(cls, jid: str, values: Mapping[str, bytes | None]) -> JobRecord | None:
        """The record of these fields of a hash; None where there is none."""
        code = values.get("s")
        if not code:
            return None
        made = object.__new__(cls)
        told = made.__dict__  # what is set here stands before the class's defaults; `cls(…)` would set all fields anew
        told |= _EMPTY
        told["id"] = jid
        told["is_staged"] = is_staged = code == _STAGED
        told["status"] = Status.SUBMITTED if is_staged else Status.from_code(code.decode())
        for name, value in values.items():
            if value and name in _READ:
                attribute, read = _READ[name]
                told[attribute] = read(value)
        if values.get("wh"):
            told["webhook"] = Telling.from_fields(values)
        return made

    @classmethod
    def fresh(cls, jid: str, status: Status, fields: Mapping[str, str | int | bytes]) -> JobRecord:
        """The record of a job that was given these fields just now."""
        made = object.__new__(cls)
        told = made.__dict__
        told |= _EMPTY
        told |= {"id": jid, "status": status}
        for name, value in fields.items():
            if name in _READ and value:
                attribute, read = _READ[name]
                told[attribute] = read(value if isinstance(value, bytes) else str(value).encode())
        if "wh" in fields:
            told["webhook"] = Telling.from_fields({"wh": str(fields["wh"]).encode()})
        return made

    @classmethod
    def from_row(cls, jid: str, row: Sequence[bytes | None]) -> JobRecord | None:
        """The same from values in the order of FIELDS."""
        return cls.from_fields(jid, dict(zip(FIELDS, row, strict=True)))

    @property
    def is_ended(self) -> bool:
        """Whether it will not change any more by itself."""
        return self.status in ENDED

    def shown(self, position: int | None = None) -> Job:
        """The job as users see it; `position`: how many jobs are ahead of it in its queue."""
        return Job(
            id=self.id,
            status=self.status.value,
            reason=self.reason,
            task=self.task,
            params=orjson.loads(self.params),
            queue=self.queue,
            priority=self.priority,
            tags=list(self.tags),
            batch=self.batch or None,
            progress=orjson.loads(self.progress) if self.progress else None,
            attempt=self.attempt,
            max_attempts=self.max_attempts,
            deliveries_lost=self.lost,
            cancel_requested=self.cancel_requested,
            created=rfc3339(self.created),
            run_at=rfc3339(self.run_at),
            started=rfc3339(self.started),
            finished=rfc3339(self.finished),
            worker=self.worker,
            error=orjson.loads(self.error) if self.error else None,
            position=position,
            links=_links(self.id, self.batch),
        )


class Alike:
    """Jobs that differ only in id, parameters and time of creation: what there is of one is most of what all have."""

    def __init__(self, one: JobRecord) -> None:
        self._one, self._document = one, one.shown()

    def records(self, jobs: Iterable[tuple[str, bytes]], created: int) -> list[JobRecord]:
        """Of jobs, (id, parameters) each, created at that time, ms."""
        made = []
        for jid, params in jobs:
            record = object.__new__(JobRecord)
            told = record.__dict__
            told |= self._one.__dict__
            told["id"], told["params"], told["created"] = jid, params, created
            made.append(record)
        return made

    def documents(self, jobs: Iterable[tuple[str, bytes]], created: int) -> list[Job]:
        """The same as users see them."""
        made, batch, tags, time = [], self._one.batch, self._one.tags, rfc3339(created)
        for jid, params in jobs:
            job = Job(self._document)
            job["id"], job["params"], job["tags"], job["created"] = jid, orjson.loads(params), list(tags), time
            job["links"] = _links(jid, batch)
            made.append(job)
        return made


def _links(jid: str, batch: str) -> dict[str, str]:
    job = f"/jobs/{jid}"
    links = {
        "self": job,
        "results": job + "/results",
        "logs": job + "/logs",
        "events": job + "/events",
        "cancel": job + "/cancel",
        "retry": job + "/retry",
    }
    if batch:
        links["batch"] = f"/batches/{batch}"
    return links


def _words(value: bytes) -> tuple[str, ...]:
    return tuple(value.decode().split())


def _seconds(value: bytes) -> float:
    return int(value) / 1000


_STAGED = STAGED_CODE.encode()
_EMPTY: dict[str, Any] = {"task": "", "queue": "", "params": b"{}"}

_READ: dict[str, tuple[str, Callable[[bytes], Any]]] = {
    "t": ("task", bytes.decode),
    "q": ("queue", bytes.decode),
    "p": ("params", bytes),
    "pr": ("priority", int),
    "to": ("timeout", _seconds),
    "tg": ("tags", _words),
    "c": ("created", int),
    "a": ("attempt", int),
    "ma": ("max_attempts", int),
    "ra": ("run_at", int),
    "d": ("lost", int),
    "k": ("token", bytes.decode),
    "w": ("worker", bytes.decode),
    "b": ("started", int),
    "e": ("finished", int),
    "r": ("reason", bytes.decode),
    "er": ("error", bytes),
    "pg": ("progress", bytes),
    "cr": ("cancel_requested", bool),
    "ds": ("descriptor", bytes),
    "v": ("inline", bytes),
    "rx": ("results_removed", bool),
    "lo": ("log_left_out", int),
    "hl": ("attempts_left_out", int),
    "bt": ("batch", bytes.decode),
    "lg": ("group", bytes.decode),
    "af": ("after", _words),
    "ay": ("after_any", _words),
}
"""Field of the hash → attribute of the record, and how it is read; one that is absent or empty has its default."""


def rfc3339(ms: int | None) -> str | None:
    """Ms since the epoch → `2026-01-31T12:00:00.123Z`."""
    return None if ms is None else f"{_second(ms // 1000)}.{ms % 1000:03d}Z"


@functools.lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
