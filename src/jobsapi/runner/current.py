"""`current_job()`: what the user's code sees of the job it runs in."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from jobsapi import results
from jobsapi.runner import messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jobsapi.runner.frames import Message

__all__ = ["CurrentJob", "Parent", "Stop", "current_job"]

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

    def __init__(self, message: Message, scratch: Path, max_result: int, tell: Callable[[Message], None]) -> None:
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
        self._is_asked_to_stop = False
        self._max_result = max_result
        self._tell = tell
        self._progress_at = 0.0
        self._untold: tuple[float | None, str | None] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop: a cancel, its timeout, or the end of its worker."""
        return self._is_asked_to_stop

    def ask_to_stop(self) -> None:
        """From now on it is `cancelled`."""
        self._is_asked_to_stop = True

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


_only: CurrentJob | None = None


def current_job() -> CurrentJob:
    """The job that runs in this process, in any of its threads. RuntimeError outside a job."""
    if _only is None:
        raise RuntimeError(
            "There is no current job: the function was called directly, not by a worker. "
            "Submit it with jobsapi.jobs.add_job or POST /jobs."
        )
    return _only


def set_only(job: CurrentJob | None) -> None:
    """Make `job` the one that runs in this process; None between jobs."""
    global _only  # noqa: PLW0603 -- one job at a time in one process, seen by all its threads
    _only = job
