"""A pool of child processes that run jobs."""

from __future__ import annotations

import os
import secrets
import selectors
import shutil
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from jobsapi.runner import memory, processes
from jobsapi.runner.events import Broken, Event, Raised, Ready, Work
from jobsapi.runner.guarding import Guard
from jobsapi.runner.slot import Order, Slot
from jobsapi.runner.slots import SoloSlot, ThreadsSlot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobsapi.settings import Settings

__all__ = ["Pool", "pool_of_worker"]

_BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE

_MOST_STILLBORN = 3
"""So many children in a row that end while they import the app: it is the app."""

_MOST_STILLBORN_LATER = 20
"""The same once the app was imported: then it is more likely somebody who kills them."""

_NO_LIMIT_HERE = (
    "It has memory_mb, and its worker runs many jobs in one process (--threads), where the memory of one cannot be "
    "told from the others'. Leave memory_mb out, or let workers without --threads take the jobs of this queue."
)


class Pool:
    """Runs jobs in `size` children that are used again: one at a time in each, or `threads` at a time.

    Use it from one thread, the process's main one: the kernel ends a child with the *thread* that started it. Call
    `poll` all the time; everything happens there and comes back as events, those of one job in their order.
    """

    def __init__(
        self,
        app: str | None,
        size: int,
        *,
        threads: int = 0,
        environ: Mapping[str, str] | None = None,
        recycle_jobs: int = 1000,
        recycle_after: float = 60.0,
        recycle_mb: int = 2048,
        stop_grace: float = 1.0,
        max_result: int = 1 << 30,
    ) -> None:
        """`threads`: 0 gives each job a process to itself, which alone can be stopped, limited and captured whole.

        `recycle_jobs`, `recycle_mb`: a child is replaced after so many jobs, or above so many MiB; 0: never.
        `recycle_after`: seconds that it works before its jobs count, since to start one costs as much as thousands of
        short jobs. `stop_grace`: seconds a job that shall stop has before its child is killed. `max_result`: bytes.
        """
        self._most = size * max(1, threads)
        self._size, self._threads = size, threads
        self._recycle_jobs, self._recycle_after, self._recycle_mb = recycle_jobs, recycle_after, recycle_mb
        self._stop_grace = stop_grace
        self._mark = f"_POOL_OF_JOBS={secrets.token_hex(8)}"
        name, _, value = self._mark.partition("=")
        marked = {**(os.environ if environ is None else environ), name: value}
        self._watch, self._oom_kills = memory.Watch(), memory.OomKills()
        self._scratch = Path(tempfile.mkdtemp(prefix="jobsapi-"))
        self._order = Order(app, threads, marked, self._scratch, max_result, self._watch, self._oom_kills)
        self._slots: list[Slot] = []
        self._guard = Guard(self._mark, lambda: [slot.pid for slot in self._slots])
        self._selector = selectors.DefaultSelector()
        self._watched: set[int] = set()
        self._numbers = count()
        self._refused: list[Event] = []
        self._is_broken = False
        self._stillborn, self._most_stillborn = 0, _MOST_STILLBORN

    @property
    def size(self) -> int:
        """How many jobs it runs at a time at most."""
        return self._most

    def memory(self) -> int:
        """Bytes that this process and all that it started have in memory; 0 where that is dear to ask for."""
        return memory.used(os.getpid(), sys.maxsize) if sys.platform == "linux" else 0

    def start(self) -> None:
        """Start the guard and the children, unless they were started."""
        if self._slots:
            return
        processes.become_subreaper()
        self._guard.start()
        self._fill()

    @property
    def free(self) -> int:
        """How many jobs `run` takes now."""
        room = running = 0
        for slot in self._slots:
            room += slot.room
            running += len(slot.runs) - len(slot.later)
        return max(0, min(room, self._most - running))  # a child and its replacement may both have room

    @property
    def ahead(self) -> int:
        """How many jobs children have that cannot have begun yet."""
        return sum(len(slot.later) for slot in self._slots)

    @property
    def room_ahead(self) -> int:
        """How many jobs `run_ahead` takes now; none while `run` takes any."""
        return 0 if self.free else sum(slot.room_ahead for slot in self._slots)

    def run_ahead(self, works: Sequence[Work]) -> None:
        """Give jobs to children that are full, to begin as others end; what does not soon comes back as Returned."""
        for work in works:
            slot = max(self._slots, key=lambda each: each.room_ahead)
            slot.give(next(self._numbers), work, is_ahead=True)
        self._send()

    def recall(self) -> None:
        """Have those back that have not begun."""
        for slot in self._slots:
            slot.recall()

    def run(self, works: Sequence[Work]) -> None:
        """Give jobs to children with room; ValueError where there are fewer.

        Where they run in threads, one with a limit of memory is refused: it comes back as Raised.
        """
        for work in works:
            if work.memory_mb and self._threads:
                self._refused.append(Raised(work.id, "NoMemoryLimit", _NO_LIMIT_HERE, "", False, None))
            else:
                self._slot_for(work).give(next(self._numbers), work)
        self._send()

    def _send(self) -> None:
        for slot in self._slots:
            slot.send()
            self._follow_backlog(slot)

    def stop(self, job_id: str, why: str) -> None:
        """Stop a job; it comes back as Stopped(job_id, why), or as what it ended with just before."""
        for slot in self._slots:
            for run in [each for each in slot.runs.values() if each.work.id == job_id]:
                slot.stop(run, why, self._stop_grace)
                self._follow_backlog(slot)

    def hold(self, seconds: float) -> None:
        """This process lives and its leases are good for so long: the guard waits until then. Cheap to call often."""
        self._guard.hold(seconds)

    def poll(self, timeout: float, wake: int) -> list[Event]:
        """What happened, waiting up to `timeout` seconds for it or for `wake` (a descriptor) to become readable."""
        if wake not in self._watched:
            self._selector.register(wake, selectors.EVENT_READ, None)
            self._watched.add(wake)
        events, self._refused = self._refused, []
        moments = [moment for slot in self._slots if (moment := slot.moment) is not None]
        if moments:
            timeout = max(0.0, min(timeout, min(moments) - time.monotonic()))
        self._oom_kills.look()
        for key, _ in self._selector.select(0.0 if events else timeout):
            if key.data is not None:
                slot, act = key.data
                if not slot.is_ended:
                    events += act(slot)
        if moments:
            now = time.monotonic()
            for slot in self._slots:
                slot.act_in_time(now, self._stop_grace)
                self._follow_backlog(slot)
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
        self._guard.close()
        self._selector.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    # --- Talking to children ----------------------------------------------------------------------------------------

    def _slot_for(self, work: Work) -> Slot:
        if self._threads:
            slot = max(self._slots, key=lambda each: each.room)
        else:
            free = [each for each in self._slots if each.room]
            # what earlier jobs left in a child counts against a limit: such a job goes where the least is left
            slot = min(free, key=lambda each: each.rss_mib if work.memory_mb else 0) if free else self._slots[0]
        if not slot.room:
            raise ValueError("no child has room")
        return slot

    def _follow_backlog(self, slot: Slot) -> None:
        """Be told when a child takes more, as long as it has not taken all; nobody waits for it."""
        wanted = _BOTH if slot.frames.is_behind else selectors.EVENT_READ
        if self._selector.get_key(slot.frames.sock).events != wanted:
            self._selector.modify(slot.frames.sock, wanted, (slot, self._talk))

    def _talk(self, slot: Slot) -> list[Event]:
        """Read what a child says, and send it what it could not take before."""
        if slot.frames.is_behind:
            slot.frames.flush()
            self._follow_backlog(slot)
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

    # --- Their coming and going -------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Start the children that are missing, and those that shall replace worn ones, which work until then."""
        worn = sum(self._is_worn(slot) for slot in self._slots)
        spare = min(worn, 2 * self._size - len(self._slots))  # retired ones may have long jobs to end
        missing = self._size + max(0, spare) - sum(not slot.is_retired for slot in self._slots)
        for _ in range(0 if self._is_broken else missing):
            slot = ThreadsSlot(self._order) if self._threads else SoloSlot(self._order)
            self._slots.append(slot)
            self._guard.add(slot.pid)
            self._selector.register(slot.out_fd, selectors.EVENT_READ, (slot, Slot.read_output))
            self._selector.register(slot.frames.sock, selectors.EVENT_READ, (slot, self._talk))

    def _retire(self) -> None:
        """Replace the children that were stopped, left something behind, ran long enough or grew too large."""
        ready = sum(slot.is_ready and not slot.is_retired for slot in self._slots)
        retired = sum(slot.is_retired for slot in self._slots)
        for slot in list(self._slots):
            is_too_large = 0 < self._recycle_mb < slot.rss_mib and not slot.is_retired
            if (is_too_large and retired < self._size) or (ready > self._size and self._is_worn(slot)):
                slot.is_retired = True
                ready, retired = ready - 1, retired + 1
            if slot.is_retired and not slot.runs:
                self._remove(slot)

    def _is_worn(self, slot: Slot) -> bool:
        """Whether it has run its number of jobs."""
        is_over = 0 < self._recycle_jobs <= slot.jobs_run and not slot.is_retired
        return is_over and time.monotonic() - slot.started_at >= self._recycle_after

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
        events = slot.ended()
        slot.close()
        self._slots.remove(slot)
        self._guard.remove(slot.pid)
        self._end_orphans()
        return events

    def _end_orphans(self) -> None:
        """What a child that was killed had started came to this process, its subreaper: end it, and reap it."""
        for pid in set(processes.children()) - {self._guard.pid, *(slot.pid for slot in self._slots)}:
            is_ours = processes.carries(pid, self._mark.encode())
            if is_ours:
                processes.kill_tree(pid)
            os.waitpid(pid, 0 if is_ours else os.WNOHANG)


def pool_of_worker(app: str | None, settings: Settings, concurrency: int = 0) -> Pool:
    """The pool that the settings ask for; `concurrency` wins over theirs. It is not started yet."""
    return Pool(
        app,
        concurrency or settings.concurrency or (1 if settings.threads else os.cpu_count()) or 1,
        threads=settings.threads,
        recycle_jobs=settings.recycle_jobs,
        recycle_mb=settings.recycle_mb,
        max_result=settings.max_result,
    )


def _shown(slot: Slot) -> str:
    slot.read_output()
    return slot.import_output.decode(errors="replace")
