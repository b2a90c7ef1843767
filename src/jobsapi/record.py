"""The job record: a hash in the store ↔ `JobRecord` ↔ `Job`, what users see; and `Batch`, the same of many."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi.states import ENDED, STAGED_CODE, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["FIELDS", "Batch", "Job", "JobRecord", "rfc3339"]


class Job(dict[str, Any]):
    """A job as users see it, over HTTP and in Python alike; `job.status` is `job["status"]`.

    Keys: id, status, reason, task, params, queue, priority, tags, batch, progress, attempt,
    max_attempts, cancel_requested, created, run_at, started, finished, worker, error, position, links; of one job alone
    also attempts, advice, webhook, after, after_any. Times are RFC 3339 texts in UTC.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"a job has no {name!r}") from None


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


FIELDS = (
    *("s", "t", "q", "p", "pr", "to", "md", "tg", "kp", "c", "a", "d", "k", "w", "b", "e", "r", "er"),
    *("pg", "cr", "ds", "rx", "lo", "bt", "n", "ma", "ra"),
)
"""The record's fields that a list shows; the inline output (v) is left to those who read results."""


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
        code = (values.get("s") or b"").decode()
        if not code:
            return None

        def text(name: str) -> str:
            return (values.get(name) or b"").decode()

        def number(name: str) -> int | None:
            value = values.get(name)
            return int(value) if value else None

        timeout = number("to")
        return cls(
            id=jid,
            status=Status.SUBMITTED if code == STAGED_CODE else Status.from_code(code),
            task=text("t"),
            queue=text("q"),
            params=values.get("p") or b"{}",
            priority=number("pr") or 0,
            timeout=timeout / 1000 if timeout else None,
            tags=tuple(text("tg").split()),
            created=number("c") or 0,
            attempt=number("a") or 0,
            max_attempts=number("ma") or 1,
            run_at=number("ra"),
            lost=number("d") or 0,
            token=text("k"),
            worker=text("w") or None,
            started=number("b"),
            finished=number("e"),
            reason=text("r") or None,
            error=values.get("er") or b"",
            progress=values.get("pg") or b"",
            cancel_requested=bool(values.get("cr")),
            descriptor=values.get("ds") or b"",
            inline=values.get("v") or b"",
            results_removed=bool(values.get("rx")),
            log_left_out=number("lo") or 0,
            batch=text("bt"),
            is_staged=code == STAGED_CODE,
            group=text("lg"),
            after=tuple(text("af").split()),
            after_any=tuple(text("ay").split()),
            webhook=Telling.from_fields(values) if values.get("wh") else None,
        )

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
        links = {"self": f"/jobs/{self.id}"}
        links |= {name: f"/jobs/{self.id}/{name}" for name in ("results", "logs", "cancel", "retry")}
        if self.batch:
            links["batch"] = f"/batches/{self.batch}"
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
            links=links,
        )


def rfc3339(ms: int | None) -> str | None:
    """Ms since the epoch → `2026-01-31T12:00:00.123Z`."""
    if ms is None:
        return None
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"
