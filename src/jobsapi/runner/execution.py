"""One job in its child: the call of its function, and the message that tells how that ended."""

from __future__ import annotations

import contextlib
import inspect
import time
import traceback
from contextvars import Context
from typing import TYPE_CHECKING, Any

from jobsapi import results, tasks, tracebacks
from jobsapi.errors import UnknownTask
from jobsapi.runner import messages

if TYPE_CHECKING:
    import asyncio

    from jobsapi.runner.current import CurrentJob
    from jobsapi.runner.frames import Message

__all__ = ["Execution", "own_frames", "text_of"]

_PLAIN = frozenset((type(None), bool, int, float, str))
"""Values that never leave anything in the scratch folder."""


class Execution:
    """One run of a job: first `begin`, then `returned` or `raised` make its end."""

    def __init__(self, job: CurrentJob, number: int, max_result: int, context: Context | None = None) -> None:
        self.job = job
        self.number = number
        self.context = context or Context()
        """What `current_job()` and the user's own context variables are in it, where a process runs many jobs."""
        self.awaited: asyncio.Task[None] | None = None
        """The task of the event loop that its coroutine is in."""
        self._max_result = max_result
        self._began = 0.0
        self._task: tasks.Task | None = None
        """Set while another attempt might end otherwise: a value that cannot be an output would not be one then."""

    @property
    def is_async(self) -> bool:
        """Whether its function is a coroutine function."""
        with contextlib.suppress(UnknownTask):  # `begin` raises it
            return tasks.get(self.job.task).is_async
        return False

    def begin(self) -> Any:
        """Call the function: its value, or the coroutine that makes it. Raises what it raises."""
        self._task = tasks.get(self.job.task)
        self._began = time.monotonic()
        return self._task.call(self.job.params)

    def returned(self, value: Any) -> Message:
        """The end of a job whose function gave `value`. Raises Invalid, TooLarge."""
        self._task = None
        job = self.job
        outputs = results.encode(value, job.saved, job.scratch, max_result=self._max_result)
        seconds = time.monotonic() - self._began
        return messages.done(
            self.number, outputs, seconds, has_files=self.may_have_files(value) and job.scratch.exists()
        )

    def may_have_files(self, value: Any) -> bool:
        """Whether making outputs of it is more than writing a few bytes of JSON."""
        return bool(self.job.saved) or type(value) not in _PLAIN

    def cancel(self) -> None:
        """Cancel its coroutine, on the event loop; whatever that does then, it was stopped."""
        if self.awaited is not None:
            self.awaited.cancel()
            self.job.has_seen_stop = True

    def raised(self, problem: BaseException) -> Message:
        """The end of a job whose function raised; the whole traceback goes to its log."""
        traceback.print_exception(problem)
        return messages.raised(
            self.number,
            type(problem).__qualname__,
            text_of(problem),
            own_frames(problem),
            retryable=self._task is not None and self._task.is_worth_retrying(problem),
            after=problem.after if isinstance(problem, tasks.Retry) else None,
        )


def text_of(problem: BaseException) -> str:
    """The message of an exception, as far as it can be shown."""
    try:
        return tracebacks.sendable(str(problem)[:10_000])
    except Exception:  # noqa: BLE001 -- the user's own __str__
        return "(its message cannot be shown)"


def own_frames(problem: BaseException, app: str = "") -> str:
    """The traceback in the user's own frames; `app`: the module that was to be imported, where it is not yet."""
    functions = [inspect.unwrap(each.function) for each in tasks.registered().values()]
    files = [each.__code__.co_filename for each in functions if hasattr(each, "__code__")]
    return tracebacks.shortened(problem, {app.partition(".")[0], *tracebacks.app_packages(files)})
