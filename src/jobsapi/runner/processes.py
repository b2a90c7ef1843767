"""Process trees: who descends from whom, and how all of them end. Only the standard library, as the guard loads it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

__all__ = [
    "become_subreaper",
    "carries",
    "children",
    "descendants",
    "die_with_parent",
    "has_descendants",
    "kill_tree",
    "marked",
]

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def descendants(pid: int) -> list[int]:
    """Every living process below `pid`; empty where the system does not tell (no /proc)."""
    found, asked = [], [pid]
    while asked:
        for thread in _listed(Path(f"/proc/{asked.pop()}/task")):
            try:
                children = [int(each) for each in (thread / "children").read_text().split()]
            except OSError:
                continue  # it ended meanwhile
            found += children
            asked += children
    return found


def has_descendants() -> bool:
    """Whether a process below this one, which must be a subreaper, lives."""
    if hasattr(os, "waitid"):
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return bool(descendants(os.getpid()))  # or only zombies: a walk through /proc tells
        return False  # what is orphaned below comes here, so no child means none at all; this is one cheap call
    return bool(descendants(os.getpid()))


def children() -> list[int]:
    """This process's own children, zombies too."""
    threads = _listed(Path("/proc/self/task"))
    return [int(each) for thread in threads for each in (thread / "children").read_text().split()]


def marked(mark: bytes) -> list[int]:
    """Every process of this machine whose environment holds `mark`; empty where the system does not tell."""
    return [int(each.name) for each in _listed(Path("/proc")) if each.name.isdigit() and carries(int(each.name), mark)]


def carries(pid: int, mark: bytes) -> bool:
    """Whether the environment that a process was started with holds `mark`; a zombie has none any more."""
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False  # it ended meanwhile, or is another user's


def kill_tree(pid: int) -> None:
    """End `pid`, its process group and everything below it, also what moved to a session of its own.

    All are stopped first, until no new one appears: a tree that is frozen whole cannot fork away.
    """
    stopped: set[int] = set()
    for _ in range(20):
        new = {pid, *descendants(pid)} - stopped
        if not new:
            break
        for each in new:
            _signal(each, signal.SIGSTOP)
        stopped |= new
    _signal(pid, signal.SIGKILL, group=True)
    for each in stopped:
        _signal(each, signal.SIGKILL)


def become_subreaper() -> None:
    """Orphans below this process come to it, not to init (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """The kernel kills this process when the thread that started it ends (Linux)."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _signal(pid: int, number: int, *, group: bool = False) -> None:
    with contextlib.suppress(
        ProcessLookupError, PermissionError
    ):  # it ended meanwhile; or only a zombie is left (macOS)
        (os.killpg if group else os.kill)(pid, number)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
