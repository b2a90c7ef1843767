"""The two kinds of children as their pool sees them: with one job at a time, and with many in threads."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

from jobsapi.runner import messages
from jobsapi.runner.events import Event, OutOfMemory, Output, Stopped, Work
from jobsapi.runner.slot import Run, Slot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobsapi.runner.frames import Message
    from jobsapi.runner.slot import Order

__all__ = ["SoloSlot", "ThreadsSlot"]

_AHEAD = 64
"""Jobs that a child with threads has in its hands besides those that may run."""

_OOM_KILL = "The kernel ended its process, because its machine or container ran out of memory."


class SoloSlot(Slot):
    """A child that has one job at a time: all of it is the job's, its output, its memory and its life.

    What a job wrote is in the pipe before its end is told, so the pipe is read to its end then: no marker is needed.
    """

    @property
    def room(self) -> int:
        """1 or 0."""
        return int(self.is_ready and not self.runs and not self.is_retired)

    def give(self, number: int, work: Work, *, is_ahead: bool = False) -> None:
        """Give it a job, whose memory is watched from now on."""
        if work.memory_mb:
            self._order.watch.begin(self.pid, work.memory_mb << 20)
        super().give(number, work, is_ahead=is_ahead)

    def _ask_to_stop(self, run: Run) -> None:  # noqa: ARG002 -- there is no other
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it ended just now
            os.killpg(self.pid, signal.SIGTERM)

    def _recall(self, runs: Sequence[Run]) -> None:
        """There are none."""

    def _on_output(self, data: bytes) -> list[Event]:
        return [Output(run.work.id, data) for run in self.runs.values()]

    def _end(self, run: Run, event: Event, message: Message) -> list[Event]:
        # a limit that struck after it told its end: that end counts
        was_killed = run.work.memory_mb is not None and self._order.watch.end(self.pid) is not None
        # a stop, also one that somebody else sent, may have struck in the middle of an import
        self.is_retired = message["retire"] or was_killed or run.stop_why is not None or message["kind"] == "stopped"
        return [*self.read_output(), event]

    def _sudden_end(self, run: Run, code: int) -> Event:
        if code == -signal.SIGKILL and self._order.oom_kills.struck():
            return OutOfMemory(run.work.id, _OOM_KILL)
        return self._died(run, code)


class ThreadsSlot(Slot):
    """A child that runs many jobs at a time. Only a job's own code can stop it; else the child ends, with all of them.

    Those that nobody wanted stopped are handed back without charge then. What comes from its descriptors, rather than
    as messages, is nobody's in particular and goes to this process's stderr.
    """

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._was_killed = False

    @property
    def room(self) -> int:
        """None while a stop is open."""
        return max(0, self._order.threads - len(self.runs)) if self._is_open else 0

    @property
    def room_ahead(self) -> int:
        """None while half of what it has of them is left: they are sent many at a time."""
        return _AHEAD - len(self.later) if self._is_open and len(self.later) <= _AHEAD // 2 else 0

    @property
    def _is_open(self) -> bool:
        # while a stop is open the child may have to be killed: what began now would begin again
        return self.is_ready and not self.is_retired and not any(each.stop_why for each in self._timed.values())

    def kill(self) -> None:
        """End it, which is no fault of the jobs in it."""
        self._was_killed = True
        super().kill()

    def _ask_to_stop(self, run: Run) -> None:
        self._unsent.append(messages.stop(run.number))
        self.recall()
        self.send()

    def _recall(self, runs: Sequence[Run]) -> None:
        self._unsent.append(messages.recall([each.number for each in runs]))
        self.send()

    def _on_output(self, data: bytes) -> list[Event]:
        with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
            sys.stderr.buffer.write(data)
            sys.stderr.flush()
        return []

    def _end(self, run: Run, event: Event, message: Message) -> list[Event]:  # noqa: ARG002 -- what it printed came before
        return [event]

    def _sudden_end(self, run: Run, code: int) -> Event:
        if self._was_killed:
            return Stopped(run.work.id, "released")
        # the kernel's kill for want of memory is no fault of the job, unless there was no other
        if code == -signal.SIGKILL and len(self.runs) == 1 and self._order.oom_kills.struck():
            return OutOfMemory(run.work.id, _OOM_KILL)
        return self._died(run, code)
