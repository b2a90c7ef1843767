"""A pool's hold on its guard: the process that ends the children when the pool's own is gone, or stopped too long."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jobsapi.runner import guard

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Guard"]

_HOLD_EVERY = 1.0
"""Seconds; also so long a guard that was killed may go unnoticed."""

_LEAVING = 5.0
"""Seconds a guard has to end the children that are left."""


class Guard:
    """The guard process, started again when it was killed."""

    def __init__(self, mark: str, children: Callable[[], list[int]]) -> None:
        """`mark`: what the children carry in their environment; `children`: tells those there are."""
        self._mark, self._children = mark, children
        self._process: subprocess.Popen[bytes] | None = None
        self._held_at = -math.inf
        self._lock = threading.Lock()  # it is held from another thread than its children are told from

    @property
    def pid(self) -> int:
        """Its process, once it was started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it."""
        children = map(str, self._children())  # as arguments: it knows them however soon we die
        command = [sys.executable, "-I", "-S", str(Path(guard.__file__)), self._mark, *children]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)

    def add(self, pid: int) -> None:
        """There is another child."""
        self._tell(f"add {pid}")

    def remove(self, pid: int) -> None:
        """A child is gone."""
        self._tell(f"remove {pid}")

    def hold(self, seconds: float) -> None:
        """Wait so long for the next word. Cheap to call often: it is told now and then, and waits a little less."""
        if (now := time.monotonic()) - self._held_at > min(seconds / 10, _HOLD_EVERY):
            self._tell(f"hold {seconds}")
            self._held_at = now

    def close(self) -> None:
        """Let it go."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                self._process.wait(_LEAVING)
            except subprocess.TimeoutExpired:  # it was stopped
                self._process.kill()
                self._process.wait()

    def _tell(self, line: str) -> None:
        with self._lock:
            try:
                self._write(line)
            except (BrokenPipeError, BlockingIOError):  # it was killed; or stopped, so long that the pipe is full
                assert self._process is not None
                self._process.kill()
                self._process.wait()
                self.start()
                self._write(line)

    def _write(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), f"{line}\n".encode())
