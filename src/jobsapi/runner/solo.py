"""The usual child: one job after the other, each on the main thread, where a stop interrupts it."""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from jobsapi.runner import current, memory, messages, processes
from jobsapi.runner.execution import Execution

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from jobsapi.runner.frames import Frames, Message

__all__ = ["Solo"]


class Solo:
    """Runs jobs one at a time. Everything that is written to its descriptors meanwhile is the job's."""

    def __init__(self, frames: Frames, scratch: Path, max_result: int) -> None:
        self._frames, self._scratch, self._max_result = frames, scratch, max_result
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._may_interrupt = False
        self._job: current.CurrentJob | None = None
        self._libc = ctypes.CDLL(None)
        self._size = memory.OwnSize()
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        signal.signal(signal.SIGTERM, self._on_term)

    def run_all(self) -> None:
        """Jobs until the parent is gone."""
        while (received := self._frames.receive()) is not None:
            for message in received:
                self._run(message)

    def _run(self, message: Message) -> None:
        threads = set(threading.enumerate())
        job = self._job = current.CurrentJob(message, self._scratch, self._max_result, self._tell)
        current.set_only(job)
        end = self._end_of(Execution(job, message["job"], self._max_result))
        if os.getpid() != self._pid:
            os._exit(0)  # the user's code forked and the copy came back here: there is one child, not two
        job.tell_progress()
        current.set_only(None)
        self._job = None
        self._flush()
        leftovers = any(each.is_alive() for each in threading.enumerate() if each not in threads)
        end["retire"] = leftovers or processes.has_descendants()
        end["rss"] = self._size.mib()
        self._tell(end)

    def _end_of(self, execution: Execution) -> Message:
        try:
            self._may_interrupt = True
            end = execution.returned(_value(execution.begin()))
            self._may_interrupt = False
        except current.Stop:
            return messages.stopped(execution.number)
        except BaseException as problem:  # noqa: BLE001 -- SystemExit and KeyboardInterrupt too end the job, not the child
            self._may_interrupt = False
            return execution.raised(problem)
        return end

    def _on_term(self, _number: int, _frame: FrameType | None) -> None:
        """A stop was asked for: the job's code is interrupted, so that its `finally` blocks run."""
        if self._job is not None:
            self._job.ask_to_stop()
        if self._may_interrupt:
            self._may_interrupt = False
            raise current.Stop

    def _tell(self, message: Message) -> None:
        """Send a message; progress may come from any thread."""
        with self._lock:
            self._frames.send([message])

    def _flush(self) -> None:
        """Write out what Python's and C's buffers hold: all of it is in the pipe before the end is told."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # the user's code may have closed it
                stream.flush()
        self._libc.fflush(None)


def _value(outcome: Any) -> Any:
    if not inspect.iscoroutine(outcome):
        return outcome
    import asyncio

    return asyncio.run(outcome)
