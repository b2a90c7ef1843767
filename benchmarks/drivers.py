"""Runs a driver and its workers, each a process in its system's own environment, and asks the driver things."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from jobsapi.errors import JobsApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.catalogue import System
    from benchmarks.server import Server

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).parent / "peers"
ENVIRONMENTS = ROOT / ".bench"


def python_of(environment: str) -> str:
    """The interpreter of an environment; "" is the one that runs now."""
    return str(ENVIRONMENTS / environment / "bin" / "python") if environment else sys.executable


_ANSWER_LIMIT = 120.0
"""Seconds that a driver may take for anything."""


class Failed(Exception):
    """A system could not be measured; says what it printed last."""


MISHAPS: tuple[type[Exception], ...] = (Failed, AssertionError, ArithmeticError, LookupError, OSError, ValueError)
MISHAPS += (RedisError, JobsApiError, subprocess.SubprocessError)
"""What ends the measurement of one system or row, and not the run."""


class Driver:
    """A running driver."""

    def __init__(self, system: System, server: Server, row: str) -> None:
        self.system, self.server = system, server
        more = {"BENCH_URL": server.url, "BENCH_ROW": row, "PYTHONPATH": str(ROOT) if not system.environment else ""}
        self.env = {**os.environ, **system.env, **more, "REDIS_URL": server.url}
        self._log = server.folder / f"{system.script}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [python_of(system.environment), "drive.py", system.script],
                cwd=PEERS,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.facts = self.ask("facts")
        self._counting = server.client(self.facts["database"])

    @property
    def pid(self) -> int:
        """Of the driver."""
        return self._process.pid

    def ask(self, what: str, **about: Any) -> dict[str, Any]:
        """Have the driver do something. Raises Failed."""
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": what, **about}).encode() + b"\n")
            self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], _ANSWER_LIMIT)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            raise Failed(f"{self.system.name}: {what}: {self.said()}")
        return dict(json.loads(line))

    def finished(self, total: int) -> int:
        """How many of `total` jobs have their result."""
        if self.facts["finished"]:
            return int(self._counting.execute_command(*self.facts["finished"]))
        return total - int(self._counting.execute_command(*self.facts["left"]))

    @contextmanager
    def worker(self, variant: str) -> Iterator[subprocess.Popen[bytes]]:
        """A worker in a session of its own; afterwards it is stopped, with all its processes."""
        command = [python_of(self.system.environment), *self.ask("worker", variant=variant)["command"]]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=PEERS,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            stop(process)

    def said(self) -> str:
        """The end of what the driver and its workers printed."""
        return self._log.read_text(errors="replace")[-2000:]

    def close(self) -> None:
        """End the driver."""
        assert self._process.stdin
        assert self._process.stdout
        self._counting.close()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session of its own, and whatever it started there."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def driving(system: System, server: Server, row: str = "") -> Iterator[Driver]:
    """A driver on a server; `row` tells it what is measured, where its best settings depend on that."""
    driver = Driver(system, server, row)
    try:
        yield driver
    finally:
        driver.close()
