"""`current_job()`: what the user's code sees of the job it runs in."""

from __future__ import annotations

import functools
import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from jobsapi import results
from jobsapi.runner import messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobsapi.runner.frames import Message

__all__ = ["CurrentJob", "Parent", "Stop", "current_job", "own_job", "set_only", "set_own"]

_PROGRESS_EVERY = 0.1


class Stop(BaseException):
    """Raised in a job that was cancelled, timed out or handed back, so that its `finally` blocks run."""


class Parent:
    """A job that the current one came after."""

    def __init__(self, jid: str) -> None:
        self.id = jid

    @functools.cached_property
    def result(self) -> Any:
        """What it returned, fetched when it is first asked for. Raises as `jobsapi.jobs.get_results` does."""
        from jobsapi import jobs

        return jobs.get_results(self.id)


class CurrentJob:
    """A job while it runs."""

    def __init__(
        self,
        message: Message,
        scratch: Path,
        max_result: int,
        tell: Callable[[Message], None],
        tell_output: Callable[[Message, int], None] | None = None,
    ) -> None:
        self.id: str = message["id"]
        """The job's id, the same in every delivery and attempt."""
        self.token: str = message["token"]
        """The claim's token, different in every delivery."""
        self.task: str = message["task"]
        self.params: dict[str, Any] = message["params"]
        self.attempt: int = message["attempt"]
        """1 for the first try."""
        self.started: int = message["started"]
        """When it was claimed, ms by the server's clock."""
        self.parents = [Parent(each) for each in message["parents"]]
        """The jobs it came after: those of `after`, then those of `after_any`."""
        self.saved: dict[str, results.Output] = {}
        self.scratch = scratch / str(message["job"])
        self._number: int = message["job"]
        self.is_asked_to_stop = False
        self.has_seen_stop = False
        """Whether its code has looked at `cancelled` since then, or was cancelled: it knows."""
        self.has_told = False
        """Whether anything of it was passed on: its end comes behind that."""
        self._max_result = max_result
        self._tell, self._tell_output = tell, tell_output
        self._printed: list[bytes] = []
        self._progress_at = 0.0
        self._untold: tuple[float | None, str | None] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop: a cancel, its timeout, or the end of its worker."""
        self.has_seen_stop = self.is_asked_to_stop
        return self.is_asked_to_stop

    def ask_to_stop(self) -> None:
        """From now on it is `cancelled`."""
        self.is_asked_to_stop = True

    def raise_if_asked_to_stop(self) -> None:
        """Raise Stop: there is no point in beginning."""
        if self.is_asked_to_stop:
            raise Stop

    def progress(self, fraction: float | None = None, message: str | None = None) -> None:
        """Say how far the job is: `fraction` from 0 to 1, `message` in words. ValueError for another fraction.

        Cheap to call often: about ten a second are passed on, and always the last.
        """
        if fraction is not None and not 0 <= fraction <= 1:
            raise ValueError(f"progress is a fraction from 0 to 1, not {fraction}")
        self._untold = (None if fraction is None else float(fraction), None if message is None else str(message)[:1000])
        if time.monotonic() - self._progress_at >= _PROGRESS_EVERY:
            self.tell_progress()

    def tell_progress(self) -> None:
        """Pass on what `progress` held back."""
        if self._untold is not None:
            self.has_told = True
            self._tell(messages.progress(self._number, *self._untold))
            self._progress_at, self._untold = time.monotonic(), None

    def save(self, name: str, value: Any) -> None:
        """Keep an output under a name of its own, beside what the function returns; what is saved last counts.

        Raises Invalid for a name or a value that cannot be an output, TooLarge.
        """
        self.saved[name] = results.encode_named(name, value, self.scratch, max_result=self._max_result)

    def log(self, text: str) -> None:
        """Write a line to the job's log, as print does."""
        print(text, flush=True)  # noqa: T201

    def keep_printed(self, text: bytes) -> None:
        """Keep what its code printed, until the line ends."""
        with _printing:
            self._printed.append(text)
        if b"\n" in text or len(text) > _LONG_TEXT or len(self._printed) > _MANY_TEXTS:
            self.tell_printed()

    def tell_printed(self) -> None:
        """Pass on what was printed so far."""
        if self._printed and self._tell_output is not None:
            self.has_told = True
            with _printing:
                text = b"".join(self._printed)
                self._printed.clear()
            for start in range(0, len(text), _LONG_TEXT):
                piece = text[start : start + _LONG_TEXT]
                self._tell_output(messages.output(self._number, piece), len(piece))


_LONG_TEXT = 64 * 1024
_MANY_TEXTS = 100
_printing = threading.Lock()
"""For all jobs: it is held for less than it takes to make one for each."""

_only: CurrentJob | None = None
_own: ContextVar[CurrentJob | None] = ContextVar("jobsapi_job", default=None)


def current_job() -> CurrentJob:
    """The job that this code runs in. RuntimeError outside a job.

    In a process of its own that is the job in any thread; in a worker with `--threads` in the job's own thread or
    coroutine, and in what takes its context along, as `asyncio.to_thread` does.
    """
    job = _own.get() or _only
    if job is None:
        raise RuntimeError(
            "There is no current job: the function was called directly, not by a worker, or in a thread that the job "
            "started where a worker runs many (--threads). Submit it with jobsapi.jobs.add_job or POST /jobs."
        )
    return job


def own_job() -> CurrentJob | None:
    """The job of this thread or coroutine, where a process runs many."""
    return _own.get()


def set_own(job: CurrentJob) -> None:
    """Make `job` the one of the present context."""
    _own.set(job)


def set_only(job: CurrentJob | None) -> None:
    """Make `job` the one that runs in this process; None between jobs."""
    global _only  # noqa: PLW0603 -- one job at a time in one process, seen by all its threads
    _only = job
