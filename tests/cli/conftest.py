"""Real systems, started by `jobsapi serve` in folders of their own, and the commands run as a user runs them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import Client
from tests.system import free_port, is_alive, tree, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APP = Path(__file__).parent / "app.py"
JOBSAPI = [sys.executable, "-m", "jobsapi"]


def environment(**changed: str) -> dict[str, str]:
    """This process's, without what would point elsewhere."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("JOBSAPI_", "REDIS_"))}
    return {**plain, "PYTHONUNBUFFERED": "1", **changed}


def run(*words: str, cwd: Path, env: dict[str, str] | None = None, seconds: float = 60) -> Any:
    """A command to its end: returncode, stdout, stderr."""
    command = [*JOBSAPI, *words]
    return subprocess.run(
        command, cwd=cwd, env=env or environment(), capture_output=True, text=True, timeout=seconds, check=False
    )


class Serve:
    """A `jobsapi serve` in a folder, its output as it comes, and its processes."""

    def __init__(self, folder: Path, *words: str, port: int | None = None, **env: str) -> None:
        self.folder, self.port = folder, port or free_port()
        self.env = environment(JOBSAPI_PORT=str(self.port), **env)
        self.url = f"http://127.0.0.1:{self.port}"
        self._text, self._changed = "", threading.Condition()
        self.process = subprocess.Popen(
            [*JOBSAPI, "serve", *words],
            cwd=folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout:
            for line in self.process.stdout:
                with self._changed:
                    self._text += line
                    self._changed.notify_all()

    @property
    def text(self) -> str:
        """What it wrote so far."""
        return self._text

    def until_said(self, pattern: str, times: int = 1) -> str:
        """What it wrote, once the pattern stands in it so many times."""
        with self._changed:
            is_said = self._changed.wait_for(lambda: len(re.findall(pattern, self._text)) >= times, 40)
        assert is_said, f"{pattern!r} in {self._text!r}"
        return self._text

    def until_ready(self) -> Serve:
        self.until_said("Ctrl-C stops everything")
        return self

    def run(self, *words: str, **env: str) -> Any:
        """A command in the same folder that talks to this system."""
        return run(*words, cwd=self.folder, env={**self.env, **env})

    def client(self) -> Client:
        return Client(self.url)

    def worker(self) -> int:
        """The process id of its worker."""
        return self._part("worker")

    def api(self) -> int:
        return self._part("api")

    def _part(self, name: str) -> int:
        def found() -> int | None:
            for pid in tree(self.process.pid):
                try:
                    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                except OSError:
                    continue
                if words[3:5] == ["jobsapi", name]:
                    return pid
            return None

        return int(until(f"the {name} runs", found))

    def end(self, number: int = signal.SIGTERM) -> int:
        """Its exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def close(self) -> None:
        """Nothing of it is left."""
        everything = [self.process.pid, *tree(self.process.pid)]
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        until("nothing is left over", lambda: not any(map(is_alive, everything)))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A working folder of this test's own."""
    with tempfile.TemporaryDirectory(prefix="serve ", ignore_cleanup_errors=True) as path:
        yield Path(path).resolve()


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[..., Serve]]:
    """Start systems; all are ended."""
    started: list[Serve] = []

    def start(*words: str, cwd: Path = folder, **options: Any) -> Serve:
        started.append(Serve(cwd, *words, **options))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture(scope="session")
def system() -> Iterator[Serve]:
    """One system for all tests of commands that only talk to one."""
    with tempfile.TemporaryDirectory(prefix="system ", ignore_cleanup_errors=True) as path:
        made = Serve(Path(path).resolve(), str(APP), "--concurrency", "2")
        try:
            yield made.until_ready()
        finally:
            made.close()
