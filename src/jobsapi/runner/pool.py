"""A pool of child processes that run jobs, and the guard that ends them when their worker is gone."""

from __future__ import annotations

import math
import os
import secrets
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from jobsapi.runner import guard, memory, processes
from jobsapi.runner.events import Broken, Event, Ready, Work
from jobsapi.runner.slot import Order, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Pool"]

_BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE

_HOLD_EVERY = 1.0
"""Seconds; also so long a guard that was killed may go unnoticed."""

_MOST_STILLBORN = 3
"""So many children in a row that end while they import the app: it is the app."""

_MOST_STILLBORN_LATER = 20
"""The same once the app was imported: then it is more likely somebody who kills them."""


class Pool:
    """Runs up to `size` jobs at once, each in a child of its own that is used again.

    Use it from one thread, the process's main one: the kernel ends a child with the *thread* that started it. Call
    `poll` all the time; everything happens there and comes back as events, those of one job in their order.
    """

    def __init__(
        self,
        app: str | None,
        size: int,
        *,
        environ: Mapping[str, str] | None = None,
        recycle_jobs: int = 1000,
        recycle_mb: int = 2048,
        stop_grace: float = 1.0,
        max_result: int = 1 << 30,
    ) -> None:
        """`recycle_jobs`, `recycle_mb`: a child is replaced after so many jobs, or above so many MiB; 0: never.

        `stop_grace`: seconds between TERM and KILL. `max_result`: bytes.
        """
        self._size = size
        self._recycle_jobs, self._recycle_mb, self._stop_grace = recycle_jobs, recycle_mb, stop_grace
        self._mark = f"_POOL_OF_JOBS={secrets.token_hex(8)}"
        name, _, value = self._mark.partition("=")
        marked = {**(os.environ if environ is None else environ), name: value}
        self._watch, self._oom_kills = memory.Watch(), memory.OomKills()
        self._scratch = Path(tempfile.mkdtemp(prefix="jobsapi-"))
        self._order = Order(app, marked, self._scratch, max_result, self._watch, self._oom_kills)
        self._slots: list[Slot] = []
        self._selector = selectors.DefaultSelector()
        self._watched: set[int] = set()
        self._numbers = count()
        self._guard: subprocess.Popen[bytes] | None = None
        self._held_at = -math.inf
        self._is_broken = False
        self._stillborn, self._most_stillborn = 0, _MOST_STILLBORN

    def start(self) -> None:
        """Start the guard and the children."""
        processes.become_subreaper()
        self._start_guard()
        self._fill()

    @property
    def free(self) -> int:
        """How many jobs `run` takes now."""
        return sum(slot.room for slot in self._slots)

    def run(self, works: Sequence[Work]) -> None:
        """Give jobs to free children; ValueError where there are fewer."""
        for work in works:
            free = [slot for slot in self._slots if slot.room]
            if not free:
                raise ValueError("no child is free")
            # what earlier jobs left in a child counts against a limit: such a job goes where the least is left
            slot = min(free, key=lambda each: each.rss_mib) if work.memory_mb else free[0]
            slot.give(next(self._numbers), work)
            if slot.frames.is_behind:
                self._selector.modify(slot.frames.sock, _BOTH, (slot, self._talk))

    def stop(self, job_id: str, why: str) -> None:
        """Stop a job; it comes back as Stopped(job_id, why), or as what it ended with just before."""
        for slot in self._slots:
            if slot.run is not None and slot.run.work.id == job_id:
                slot.stop(slot.run, why, self._stop_grace)

    def hold(self, seconds: float) -> None:
        """This process lives and its leases are good for so long: the guard waits until then.

        Cheap to call often: between two times that it is told, the guard waits a little less.
        """
        if (now := time.monotonic()) - self._held_at > min(seconds / 10, _HOLD_EVERY):
            self._tell_guard(f"hold {seconds}")
            self._held_at = now

    def poll(self, timeout: float, wake: int) -> list[Event]:
        """What happened, waiting up to `timeout` seconds for it or for `wake` (a descriptor) to become readable."""
        if wake not in self._watched:
            self._selector.register(wake, selectors.EVENT_READ, None)
            self._watched.add(wake)
        moments = [slot.run.moment for slot in self._slots if slot.run is not None and slot.run.moment is not None]
        if moments:
            timeout = max(0.0, min(timeout, min(moments) - time.monotonic()))
        self._oom_kills.look()
        events: list[Event] = []
        for key, _ in self._selector.select(timeout):
            if key.data is not None:
                slot, act = key.data
                if not slot.is_ended:
                    events += act(slot)
        self._act_in_time()
        self._retire()
        self._fill()
        return events

    def close(self) -> None:
        """Kill the children at once and let the guard go."""
        for slot in self._slots:
            slot.kill()
            self._watch.end(slot.pid)
            slot.process.wait()
            slot.close()
        self._slots.clear()
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
        self._selector.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    # --- Children ---------------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        while len(self._slots) < self._size and not self._is_broken:
            slot = Slot(self._order)
            self._slots.append(slot)
            self._tell_guard(f"add {slot.pid}")
            self._selector.register(slot.out_fd, selectors.EVENT_READ, (slot, Slot.read_output))
            self._selector.register(slot.frames.sock, selectors.EVENT_READ, (slot, self._talk))

    def _talk(self, slot: Slot) -> list[Event]:
        """Read what a child says, and send it what it could not take before."""
        if slot.frames.is_behind:
            slot.frames.flush()
            if not slot.frames.is_behind:
                self._selector.modify(slot.frames.sock, selectors.EVENT_READ, (slot, self._talk))
        events: list[Event] = []
        for message in slot.frames.ready():
            if message["kind"] == "ready":
                slot.is_ready, self._stillborn, self._most_stillborn = True, 0, _MOST_STILLBORN_LATER
                events.append(Ready(message["tasks"]))
            elif message["kind"] == "broken":
                self._is_broken = True
                events.append(Broken(_shown(slot) + message["traceback"]))
            else:
                events += slot.take(message)
        if slot.frames.is_closed:
            if not slot.is_ready and not self._is_broken:
                events += self._bury(slot)
            events += self._remove(slot)
        return events

    def _bury(self, slot: Slot) -> list[Event]:
        """A child ended while it imported the app: killed, perhaps, so that another is tried, but not for ever."""
        self._stillborn += 1
        if self._stillborn < self._most_stillborn:
            return []
        self._is_broken = True
        return [Broken(_shown(slot) + "The child process ended while it imported the app.\n")]

    def _remove(self, slot: Slot) -> list[Event]:
        self._selector.unregister(slot.out_fd)
        self._selector.unregister(slot.frames.sock)
        slot.kill()
        events = slot.ended()
        slot.close()
        self._slots.remove(slot)
        self._tell_guard(f"remove {slot.pid}")
        self._end_orphans()
        return events

    def _end_orphans(self) -> None:
        """What a child that was killed had started came to this process, its subreaper: end it, and reap it."""
        assert self._guard is not None
        for pid in set(processes.children()) - {self._guard.pid, *(slot.pid for slot in self._slots)}:
            is_ours = processes.carries(pid, self._mark.encode())
            if is_ours:
                processes.kill_tree(pid)
            os.waitpid(pid, 0 if is_ours else os.WNOHANG)

    def _act_in_time(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            run = slot.run
            if run is not None and run.moment is not None and run.moment <= now:
                if run.stop_why is None:
                    slot.stop(run, "timeout", self._stop_grace)
                else:
                    slot.kill()  # its end is noticed as any child's

    def _retire(self) -> None:
        """Replace the children that were stopped, left something behind, ran long enough or grew too large."""
        for slot in list(self._slots):
            is_old = 0 < self._recycle_jobs <= slot.jobs_run or 0 < self._recycle_mb < slot.rss_mib
            if slot.run is None and (slot.is_retired or is_old):
                self._remove(slot)

    # --- The guard --------------------------------------------------------------------------------------------------

    def _start_guard(self) -> None:
        children = [str(slot.pid) for slot in self._slots]  # as arguments: it knows them however soon we die
        command = [sys.executable, "-I", "-S", str(Path(guard.__file__)), self._mark, *children]
        self._guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def _tell_guard(self, line: str) -> None:
        try:
            self._write(line)
        except BrokenPipeError:
            assert self._guard is not None
            self._guard.wait()
            self._start_guard()  # it was killed: a new one learns of every child
            self._write(line)

    def _write(self, line: str) -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        os.write(self._guard.stdin.fileno(), f"{line}\n".encode())


def _shown(slot: Slot) -> str:
    slot.read_output()
    return slot.import_output.decode(errors="replace")
