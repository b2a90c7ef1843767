"""Programs of the course, run as real processes against the test's own namespace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from jobsapi import classic, jobs
from jobsapi import store as stores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobsapi.record import Job
    from jobsapi.store import Store

JOBS_PY = "from jobsapi.classic import *\n"


class Programs:
    """A student's folder: `jobs.py` is there, other files are written, and started as processes."""

    def __init__(self, folder: Path, store: Store, environment: dict[str, str]) -> None:
        self.folder, self.store = folder, store
        self.environment = {**os.environ, **environment, "PYTHONUNBUFFERED": "1"}
        self._started: list[subprocess.Popen[str]] = []
        self.write("jobs.py", JOBS_PY)

    def write(self, name: str, source: str) -> None:
        (self.folder / name).write_text(textwrap.dedent(source))

    def start(self, source: str = "", *, name: str = "worker.py", **variables: str) -> subprocess.Popen[str]:
        """Run `source` as the file `name`; its stderr goes to its stdout."""
        if source:
            self.write(name, source)
        program = subprocess.Popen(
            [sys.executable, name],
            cwd=self.folder,
            env=self.environment | variables,
            stdin=subprocess.PIPE,  # `input()` in a job waits until the test goes on
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(program)
        return program

    def run(self, source: str, **variables: str) -> str:
        """Run it to its end, which must be a good one; what it wrote."""
        program = self.start(source, name="program.py", **variables)
        output, _ = program.communicate(timeout=20)
        assert program.returncode == 0, output
        return output

    def ended(self, jid: str) -> Job:
        """The job once it has ended."""
        return jobs.wait_for_job(jid, 15, store=self.store)

    def end(self) -> None:
        for program in self._started:
            if program.poll() is None:
                program.kill()
            program.communicate(timeout=10)


def line_of(program: subprocess.Popen[str]) -> str:
    """The next line that a program writes; it writes one before its work begins."""
    assert program.stdout is not None
    return program.stdout.readline().strip()


def stopped(program: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """Send a signal; what the program still writes until its end."""
    program.send_signal(number)
    return program.communicate(timeout=10)[0]


@pytest.fixture
def programs(tmp_path: Path, store: Store, environment: dict[str, str]) -> Iterator[Programs]:
    made = Programs(tmp_path, store, environment)
    yield made
    made.end()


@pytest.fixture
def course(store: Store, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """`jobsapi.classic` in this process, on the test's namespace."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stores.default.cache_clear()
    yield classic
    stores.default().close()
    stores.default.cache_clear()
