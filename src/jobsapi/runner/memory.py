"""Memory of process trees: who takes more than it may is ended, and whether the kernel ended one for want of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jobsapi.runner import processes

__all__ = ["OomKills", "OwnSize", "Watch", "used"]

_IS_LINUX = sys.platform == "linux"
_EVERY = 0.05 if _IS_LINUX else 0.5
"""Seconds between two looks; elsewhere each one is a run of `ps`."""

_MIB = 1 << 20


@dataclass
class _Tree:
    """A process and all below it, while a job with a limit runs in it."""

    pid: int
    limit: int
    """Bytes."""
    at_first: int
    """Bytes it had when the job began."""
    had: int | None = None
    """Bytes, once it was ended for them."""

    def told(self) -> str:
        """One sentence about what it had and may have."""
        assert self.had is not None
        return (
            f"Its processes had {-(-self.had // _MIB):,} MiB of memory; it may have {self.limit // _MIB:,} MiB "
            f"(memory_mb), of which {self.at_first // _MIB:,} were in use when it began."
        )


class Watch:
    """Kills the trees that have more memory than they may.

    It has a thread of its own, since memory is taken faster than a worker that stores a large result comes back; the
    thread sleeps while no job has a limit. TERM would be pointless: whoever catches it takes more first.
    """

    def __init__(self) -> None:
        self._trees: dict[int, _Tree] = {}
        self._changed = threading.Condition()
        self._is_started = False

    def begin(self, pid: int, limit: int) -> None:
        """From now on the tree of `pid` may have `limit` bytes."""
        with self._changed:
            self._trees[pid] = _Tree(pid, limit, used(pid, limit))
            if not self._is_started:
                threading.Thread(target=self._run, name="memory", daemon=True).start()
                self._is_started = True
            self._changed.notify()

    def end(self, pid: int) -> str | None:
        """Watch it no longer, before it is reaped; where it was ended, a sentence that says how much it had."""
        with self._changed:
            tree = self._trees.pop(pid, None)
        return None if tree is None or tree.had is None else tree.told()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: any(each.had is None for each in self._trees.values()))
                trees = [each for each in self._trees.values() if each.had is None]
            began = time.monotonic()
            for tree in trees:
                if (had := used(tree.pid, tree.limit)) > tree.limit:
                    self._kill(tree, had)
            time.sleep(max(_EVERY, 10 * (time.monotonic() - began)))  # a look that is dear is rare

    def _kill(self, tree: _Tree, had: int) -> None:
        with self._changed:  # it cannot be reaped meanwhile: the number is still this process's
            if self._trees.get(tree.pid) is tree:
                tree.had = had
                processes.kill_tree(tree.pid)


def used(pid: int, enough: int = 0) -> int:
    """Bytes that `pid` and everything below it have in memory.

    What they share is counted once for each of them while that stays below `enough` (RSS, cheap to know), else each
    has its part of it (PSS; 12 ms for each GiB). Outside Linux it is always RSS.
    """
    if not _IS_LINUX:
        return _used_by_ps(pid)
    tree = [pid, *processes.descendants(pid)]
    resident = sum(_resident(each) for each in tree)
    return resident if resident <= enough else sum(_proportional(each) for each in tree)


class OwnSize:
    """How much memory this process has, cheap to ask for after every job."""

    def __init__(self, every: float = 0.0) -> None:
        """`every`: seconds for which an answer is good enough."""
        self._every, self._known, self._known_at = every, 0, -every
        self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC) if _IS_LINUX else None
        self._page = os.sysconf("SC_PAGE_SIZE")

    def mib(self) -> int:
        """Resident MiB; outside Linux the most it ever had."""
        now = time.monotonic()
        if now - self._known_at >= self._every:
            self._known, self._known_at = self._mib(), now
        return self._known

    def _mib(self) -> int:
        if self._statm is None:
            import resource

            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20  # macOS: bytes
        with suppress(OSError):  # the user's code may have closed every descriptor
            return int(os.pread(self._statm, 100, 0).split()[1]) * self._page >> 20
        return 0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0  # it ended meanwhile


def _proportional(pid: int) -> int:
    with suppress(OSError):  # it ended meanwhile, or its maps are closed to us
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return _resident(pid)


def _used_by_ps(pid: int) -> int:
    listed = subprocess.run(["/bin/ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, check=False).stdout
    resident, children = {}, defaultdict(list)
    for line in listed.splitlines():
        each, parent, kib = map(int, line.split())
        resident[each] = kib * 1024
        children[parent].append(each)
    total, asked = 0, [pid]
    while asked:
        each = asked.pop()
        total += resident.get(each, 0)
        asked += children[each]
    return total


class OomKills:
    """Whether the kernel's out-of-memory killer struck within the last seconds; it never did where none tells."""

    def __init__(self) -> None:
        self._before = self._latest = _count_oom_kills()
        self._looked_at = time.monotonic()

    def look(self) -> None:
        """Call it all the time: it keeps a count that is at least a second old to compare with."""
        if (now := time.monotonic()) - self._looked_at > 1.0:
            self._before, self._latest, self._looked_at = self._latest, _count_oom_kills(), now

    def struck(self) -> bool:
        """Whether it did."""
        return _count_oom_kills() > self._before


def _count_oom_kills() -> int:
    """How many processes it has ended: in this process's control group, where that is told, else in the system."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        own = next(line.removeprefix("0::/") for line in lines if line.startswith("0::/"))
        return _oom_kill_line(Path("/sys/fs/cgroup", own, "memory.events"))
    with suppress(OSError, StopIteration):
        return _oom_kill_line(Path("/proc/vmstat"))
    return 0


def _oom_kill_line(path: Path) -> int:
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith("oom_kill "))
