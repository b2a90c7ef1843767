"""A job in its user's hands: a `concurrent.futures.Future` that knows the job's id, progress, log and result."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from jobsapi.client import events, values
from jobsapi.client.transport import path_of
from jobsapi.errors import JobFailed, JobsApiError, WrongStatus
from jobsapi.notebook import job_html
from jobsapi.record import Job
from jobsapi.states import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.client.events import Event
    from jobsapi.client.transport import Transport

__all__ = ["JobHandle"]

_UNREAD: Any = object()


class JobHandle(Future[Any]):
    """One job, as a Future: `as_completed`, `wait` and callbacks work on it as on any other.

    It is done when the job has ended. `result` raises JobFailed, with the job's error, where it failed, and
    CancelledError where it was cancelled. A job that is retried afterwards has another handle: `Client.handle(id)`.
    """

    def __init__(self, transport: Transport, job: Job) -> None:
        """Made by `Client.submit` and `Client.handle`. `job`: as the API showed it last."""
        super().__init__()
        self._transport, self._seen = transport, job
        self._settling, self._reading = threading.Lock(), threading.Lock()
        self._value: Any = _UNREAD

    @property
    def id(self) -> str:
        """The job's id."""
        return str(self._seen["id"])

    @property
    def seen(self) -> Job:
        """The job as the API showed it last; asks nobody."""
        return self._seen

    @property
    def job(self) -> Job:
        """The job as it is now. Raises UnknownJob where it was removed."""
        if not self.done() or "attempts" not in self._seen:
            self._seen = Job(self._transport.json("GET", path_of("jobs", self.id)))
        return self._seen

    @property
    def status(self) -> str:
        """The status it has now: `scheduled`, `submitted`, `in progress`, `complete`, `failed` or `cancelled`."""
        return str((self._seen if self.done() else self.job)["status"])

    @property
    def progress(self) -> dict[str, Any] | None:
        """How far it says it is, `{"fraction", "message"}`; None where it has not said."""
        told: dict[str, Any] | None = (self._seen if self.done() else self.job)["progress"]
        return told

    def running(self) -> bool:
        """Whether a worker runs it now."""
        return not self.done() and self.status == Status.IN_PROGRESS.value

    def cancel(self) -> bool:
        """Stop the job wherever it is, also while it runs; False where it has ended already.

        A running one is gone within two seconds, and `cancelled()` is true then, unless it completed first.
        """
        if self.done():
            return self.cancelled()
        try:
            job = Job(self._transport.json("POST", path_of("jobs", self.id, "cancel")))
        except WrongStatus:
            return False
        if job["status"] == Status.CANCELLED.value:
            self.settle(job)
        return True

    def result(self, timeout: float | None = None) -> Any:
        """What the job's function returned; waits up to `timeout` seconds (None: as long as it takes).

        JSON becomes Python's values, a table a frame where pandas or polars is installed, an image an `Image`, other
        outputs a `File`; named ones are a dict of these. It is fetched when it is first asked for, and kept.
        Raises TimeoutError, JobFailed, CancelledError, ResultExpired, ApiUnavailable.
        """
        super().result(timeout)
        with self._reading:
            if self._value is _UNREAD:
                self._value = self._transport.patiently(lambda: values.read_value(self.id, self._read))
            return self._value

    def logs(self) -> str:
        """What it wrote to stdout, stderr and logging so far; of a long log both ends."""
        return self._transport.read(path_of("jobs", self.id, "logs"))[1].decode(errors="replace")

    def children(self) -> Iterator[Job]:
        """The jobs that came after it, by `after` or `after_any`, newest first."""
        pages = self._transport.pages(path_of("jobs", self.id, "children"), "jobs", {"limit": 100})
        return (Job(each) for each in pages)

    def events(self) -> Iterator[Event]:
        """What happens to it, from its first log line on, as it happens, until it has ended.

        A connection that is cut meanwhile is made anew, and nothing is told twice or left out.
        """
        return events.follow(self._transport, self.id)

    # --- For the watcher --------------------------------------------------------------------------------------------

    def settle(self, job: Job) -> None:
        """The job has ended so; whoever waits is told."""
        with self._settling:
            if self.done():
                return
            self._seen = job
            if job["status"] == Status.COMPLETE.value:
                self.set_result(None)
            elif job["status"] == Status.CANCELLED.value:
                super().cancel()
                self.set_running_or_notify_cancel()
            else:
                self.set_exception(JobFailed(job))

    def give_up(self, problem: JobsApiError) -> None:
        """Nobody can tell any more how the job ends; whoever waits is told why."""
        with self._settling:
            if not self.done():
                self.set_exception(problem)

    def show(self, job: Job) -> None:
        """The job as it was seen just now."""
        if not self.done():
            self._seen = job

    # --- Small things -----------------------------------------------------------------------------------------------

    def _read(self, name: str | None, accept: str | None) -> values.Received:
        path = path_of("jobs", self.id, "results", *([] if name is None else [name]))
        return self._transport.received(path, accept)

    def __repr__(self) -> str:
        told = self._seen.get("progress") or {}
        part = f" {told['fraction']:.0%}" if told.get("fraction") is not None and not self.done() else ""
        return f"<JobHandle {self._seen.get('task', '')} {self.id} {self._seen['status']}{part}>"

    def _repr_html_(self) -> str:
        return job_html(self._seen if self.done() else self.job)
