"""One child process of a pool: started, given a job, read from, stopped, reaped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobsapi.runner import messages, processes
from jobsapi.runner.events import Died, Event, OutOfMemory, Output, Progress, Stopped, Work
from jobsapi.runner.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from jobsapi.runner.frames import Message
    from jobsapi.runner.memory import OomKills, Watch

__all__ = ["Order", "Run", "Slot"]

_READ = 64 * 1024


@dataclass(frozen=True)
class Order:
    """What every child of a pool is started with."""

    app: str | None
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


class Slot:
    """A child and the job in it.

    What a job wrote is in the pipe before its end is told, so the pipe is read to its end then: no marker is needed.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        ours, its = socket.socketpair()
        self.out_fd, out_write = os.pipe()
        os.set_blocking(self.out_fd, False)
        ours.setblocking(False)
        told = (str(its.fileno()), order.app or "", str(order.scratch), str(order.max_result))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jobsapi.runner.child", *told],
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
        self.is_ready = False
        self.is_ended = False
        self.is_retired = False
        self.import_output = b""
        """What the app wrote while it was imported: shown where the import fails."""
        self.jobs_run = 0
        self.rss_mib = 0
        self.run: Run | None = None

    @property
    def room(self) -> int:
        """How many jobs it can be given now."""
        return int(self.is_ready and self.run is None and not self.is_retired)

    def give(self, number: int, work: Work) -> None:
        """Give it a job."""
        self.run = Run(number, work, time.monotonic() + work.timeout if work.timeout else None)
        if work.memory_mb:
            self._order.watch.begin(self.pid, work.memory_mb << 20)
        self.frames.push([messages.job(number, work)])

    def stop(self, run: Run, why: str, grace: float) -> None:
        """Ask a job to stop; the first reason counts."""
        if run.stop_why is None:
            run.stop_why = why
            run.moment = time.monotonic() + grace
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it ended just now
                os.killpg(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and everything it started."""
        if self.run is not None:
            self.run.moment = None
        processes.kill_tree(self.pid)

    def read_output(self) -> list[Event]:
        """What came on stdout and stderr; a few reads, so that no child starves others."""
        events: list[Event] = []
        for _ in range(4):
            try:
                data = os.read(self.out_fd, _READ)
            except BlockingIOError:
                break
            if not data:
                break
            if self.run is not None:
                events.append(Output(self.run.work.id, data))
            elif not self.is_ready:
                self.import_output = (self.import_output + data)[-_READ:]
        return events

    def take(self, message: Message) -> list[Event]:
        """What a message about its job tells."""
        run = self.run
        if run is None or run.number != message["job"]:
            return []
        event = messages.event_of(message, run.work.id, self._scratch(run), run.stop_why)
        if isinstance(event, Progress):
            return [event]
        written = self.read_output()
        # a limit that struck after it told its end: that end counts
        was_killed = run.work.memory_mb is not None and self._order.watch.end(self.pid) is not None
        self.jobs_run, self.rss_mib = self.jobs_run + 1, message["rss"]
        self.is_retired = message["retire"] or was_killed or run.stop_why is not None
        self._finish(run, has_files=message["kind"] != "done")
        return [*written, event]

    def ended(self) -> list[Event]:
        """It is gone: reap it, read the rest of its output, and tell the end of its job."""
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
        if self.run is not None:
            events.append(self._sudden_end(self.run, code, too_much))
            self._finish(self.run)
        return events

    def close(self) -> None:
        """Give its descriptors back."""
        self.frames.sock.close()
        os.close(self.out_fd)

    def _sudden_end(self, run: Run, code: int, too_much: str | None) -> Event:
        """How a job ended together with its child."""
        job_id = run.work.id
        if run.stop_why is not None:
            return Stopped(job_id, run.stop_why)
        if too_much is not None:
            return OutOfMemory(job_id, too_much)
        if code == -signal.SIGKILL and self._order.oom_kills.struck():
            return OutOfMemory(
                job_id, "The kernel ended its process, because its machine or container ran out of memory."
            )
        return Died(job_id, -code if code < 0 else None, code if code >= 0 else None)

    def _finish(self, run: Run, *, has_files: bool = True) -> None:
        """It is over; remove the files of outputs that nobody will store."""
        self.run = None
        if has_files:
            shutil.rmtree(self._scratch(run), ignore_errors=True)

    def _scratch(self, run: Run) -> Path:
        return self._order.scratch / str(run.number)
