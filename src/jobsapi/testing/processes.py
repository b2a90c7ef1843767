"""Real workers for tests, each in a process of its own, ended with the test or with whatever ends that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from jobsapi import registry

if TYPE_CHECKING:
    from pathlib import Path

    from jobsapi.store import Store

__all__ = ["StartWorker"]

_PATIENCE = 60.0
_LOOK_EVERY = 0.02


class StartWorker:
    """`start_worker(app, *flags)`: a worker with children, timeouts, cancels and limits as in production."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._log = store, folder / "workers.log"
        self._lifeline, self._held_end = os.pipe()
        self._processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, app: str | Path, *flags: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start one on the test's jobs and return when it takes jobs; `environment`: variables of its own.

        AssertionError, with what it wrote, where it does not come up.
        """
        lifeline = ("--lifeline", str(self._lifeline))
        command = [sys.executable, "-m", "jobsapi", "worker", str(app), "--concurrency", "1", *flags, *lifeline]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=log, stderr=log, pass_fds=[self._lifeline]
            )
        self._processes.append(process)
        deadline = time.monotonic() + _PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if any(int(each["pid"]) == process.pid for each in registry.workers(self._store)):
                return process
            time.sleep(_LOOK_EVERY)
        raise AssertionError(f"The worker of {app} does not come up:\n{self.output}")

    @property
    def output(self) -> str:
        """What the workers of this test wrote so far, for a message."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def close(self) -> None:
        """End them; what they run is handed back."""
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self._processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        os.close(self._held_end)
        os.close(self._lifeline)
