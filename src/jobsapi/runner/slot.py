"""One child process of a pool, whatever it runs: started, given jobs, heard, killed, reaped."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from jobsapi.runner import messages, processes
from jobsapi.runner.events import Died, Event, OutOfMemory, Output, Progress, Returned, Stopped, Work
from jobsapi.runner.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from jobsapi.runner.frames import Message
    from jobsapi.runner.memory import OomKills, Watch

__all__ = ["Order", "Run", "Slot"]

_READ = 64 * 1024

_PATIENCE = 0.1
"""Seconds for which jobs that were given ahead may wait without that any before them ends."""


@dataclass(frozen=True)
class Order:
    """What every child of a pool is started with."""

    app: str | None
    threads: int
    """Jobs that it runs at a time in threads; 0: one, with the process to itself."""
    environ: Mapping[str, str]
    scratch: Path
    """Each run has a folder of its own in it."""
    max_result: int
    """Bytes."""
    watch: Watch
    oom_kills: OomKills


@dataclass(slots=True)
class Run:
    """A job in a child."""

    number: int
    work: Work
    moment: float | None = None
    """When to act next: at the timeout, or, once a stop was asked for, when patience ends (monotonic)."""
    stop_why: str | None = None
    is_recalled: bool = False
    """Whether it was asked back, should it not have begun."""


class Slot(ABC):
    """A child and the jobs in it."""

    def __init__(self, order: Order) -> None:
        self._order = order
        ours, its = socket.socketpair()
        self.out_fd, out_write = os.pipe()
        os.set_blocking(self.out_fd, False)
        ours.setblocking(False)
        told = (order.app or "", str(order.threads), str(order.scratch), str(order.max_result))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jobsapi.runner.child", str(its.fileno()), *told],
            stdin=subprocess.DEVNULL,
            stdout=out_write,
            stderr=out_write,
            pass_fds=[its.fileno()],
            start_new_session=True,
            env=dict(order.environ),
        )
        its.close()
        os.close(out_write)
        self.frames = Frames(ours)
        self.pid = self.process.pid
        self.started_at = time.monotonic()
        self.is_ready = False
        self.is_ended = False
        self.is_retired = False
        """It gets no more jobs, and ends with those it has."""
        self.import_output = b""
        """What the app wrote while it was imported: shown where the import fails."""
        self.jobs_run = 0
        self.rss_mib = 0
        self.runs: dict[int, Run] = {}
        self.later: dict[int, Run] = {}
        """Those of them that were given ahead and cannot have begun: those before them have not ended."""
        self._moved_at = 0.0
        self._timed: dict[int, Run] = {}
        """Those with a moment."""
        self._unsent: list[Message] = []

    # --- What the two kinds of children do in their own way ---------------------------------------------------------

    @property
    @abstractmethod
    def room(self) -> int:
        """How many jobs it can be given now."""

    @property
    def room_ahead(self) -> int:
        """How many more it can be given, to begin as those before them end."""
        return 0

    @abstractmethod
    def _ask_to_stop(self, run: Run) -> None:
        """Let the job know that it shall stop."""

    @abstractmethod
    def _recall(self, runs: Sequence[Run]) -> None:
        """Have these back, where they have not begun; they come as Returned."""

    @abstractmethod
    def _on_output(self, data: bytes) -> list[Event]:
        """Something came from its descriptors, once it was ready."""

    @abstractmethod
    def _end(self, run: Run, event: Event, message: Message) -> list[Event]:
        """A job ended: all that is to be told now, its end last."""

    @abstractmethod
    def _sudden_end(self, run: Run, code: int) -> Event:
        """How a job that nobody stopped ended together with its child, which ended with `code`."""

    # --- What they have in common -----------------------------------------------------------------------------------

    def give(self, number: int, work: Work, *, is_ahead: bool = False) -> None:
        """Give it a job; `send` lets it begin."""
        run = self.runs[number] = Run(number, work)
        if is_ahead:
            if not self.later:
                self._moved_at = time.monotonic()
            self.later[number] = run
        else:
            self._begins(run)
        self._unsent.append(messages.job(number, work))

    def _begins(self, run: Run) -> None:
        if run.work.timeout and run.stop_why is None:
            self._act_in(run, run.work.timeout)

    def recall(self) -> None:
        """Have the jobs back that have not begun; they come as Returned."""
        runs = [each for each in self.later.values() if not each.is_recalled]
        for each in runs:
            each.is_recalled = True
        if runs:
            self._recall(runs)

    def send(self) -> None:
        """Send what it was given."""
        if self._unsent:
            self.frames.push(self._unsent)
            self._unsent = []

    def stop(self, run: Run, why: str, grace: float) -> None:
        """Ask a job to stop; the first reason counts."""
        if run.stop_why is None:
            run.stop_why = why
            self._act_in(run, grace)
            self._ask_to_stop(run)

    def _act_in(self, run: Run, seconds: float) -> None:
        run.moment = time.monotonic() + seconds
        self._timed[run.number] = run

    @property
    def moment(self) -> float | None:
        """When to act next."""
        if not self._timed and not self.later:
            return None
        moments = [each.moment for each in self._timed.values() if each.moment]
        return min([*moments, self._moved_at + _PATIENCE] if self.later else moments, default=None)

    def act_in_time(self, now: float, grace: float) -> None:
        """Stop jobs whose time is over, and end the child where one did not stop; its end is noticed as any child's.

        Jobs behind one that takes long are asked back.
        """
        if self.later and self._moved_at + _PATIENCE <= now:
            self._moved_at = now
            self.recall()
        for run in [each for each in self._timed.values() if each.moment and each.moment <= now]:
            if run.stop_why is None:
                self.stop(run, "timeout", grace)
            else:
                self.kill()
                return

    def kill(self) -> None:
        """End it and everything it started."""
        self._timed.clear()
        self.is_retired = True
        processes.kill_tree(self.pid)

    def read_output(self) -> list[Event]:
        """What came from its descriptors; a few reads, so that no child starves others."""
        events: list[Event] = []
        for _ in range(4):
            try:
                data = os.read(self.out_fd, _READ)
            except BlockingIOError:
                break
            if not data:
                break
            if self.is_ready:
                events += self._on_output(data)
            else:
                self.import_output = (self.import_output + data)[-_READ:]
        return events

    def take(self, message: Message) -> list[Event]:
        """What a message about a job tells."""
        run = self.runs.get(message["job"])
        if run is None:
            return []
        event = messages.event_of(message, run.work.id, partial(self._scratch, run), run.stop_why)
        if isinstance(event, Progress | Output):
            return [event]
        if isinstance(event, Returned):
            self._finish(run, has_files=False)
            return [event]
        told = self._end(run, event, message)
        self.jobs_run, self.rss_mib = self.jobs_run + 1, message.get("rss", self.rss_mib)
        self._finish(run, has_files=message["kind"] != "done")
        return told

    def ended(self) -> list[Event]:
        """It is gone: reap it, read the rest of its output, and tell the end of its jobs."""
        processes.kill_tree(self.pid)  # what it left behind
        too_much = self._order.watch.end(self.pid)
        code = self.process.wait()
        self.is_ended = True
        events: list[Event] = []
        for _ in range(64):  # a grandchild that got away may hold the pipe: read what is there, not to the end
            found = self.read_output()
            if not found:
                break
            events += found
        later, self.later = self.later, {}
        for run in list(self.runs.values()):
            if run.stop_why is not None:
                events.append(Stopped(run.work.id, run.stop_why))
            elif run.number in later:
                events.append(Returned(run.work.id))
            elif too_much is not None:
                events.append(OutOfMemory(run.work.id, too_much))
            else:
                events.append(self._sudden_end(run, code))
            self._finish(run)
        return events

    def close(self) -> None:
        """Give its descriptors back."""
        self.frames.sock.close()
        os.close(self.out_fd)

    def _finish(self, run: Run, *, has_files: bool = True) -> None:
        """It is over; remove the files of outputs that nobody will store."""
        del self.runs[run.number]
        self._timed.pop(run.number, None)
        if self.later:
            self._moved_at = time.monotonic()
            if self.later.pop(run.number, None) is None:  # one that had begun: the next one may have
                self._begins(self.later.pop(next(iter(self.later))))
        if has_files:
            shutil.rmtree(self._scratch(run), ignore_errors=True)

    def _scratch(self, run: Run) -> Path:
        return self._order.scratch / str(run.number)

    @staticmethod
    def _died(run: Run, code: int) -> Died:
        return Died(run.work.id, -code if code < 0 else None, code if code >= 0 else None)
