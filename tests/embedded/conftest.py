"""Processes that use a folder's embedded server, started and ended by the tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi.store import client_for, embedded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PROGRAM = """
import sys
from pathlib import Path
from jobsapi.errors import JobsApiError
from jobsapi.settings import Settings
from jobsapi.store import embedded

settings = Settings(folder=Path(sys.argv[1]), durability=sys.argv[2])
try:
    print(embedded.ensure(settings), flush=True)
except JobsApiError as problem:
    sys.exit(f"{type(problem).__name__}: {problem.detail}")
exec(sys.argv[3])
sys.stdin.read()
"""


class User:
    """A process that has called `ensure`, then runs `then`, and waits for the end of its input."""

    def __init__(self, folder: Path, durability: str = "everysec", then: str = "", **options: Any) -> None:
        command = [sys.executable, "-c", _PROGRAM, str(folder), durability, then]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )

    @property
    def address(self) -> str:
        """What `ensure` returned; waits for it."""
        if not hasattr(self, "_address"):
            self._address = self.line()
            assert self._address.startswith("unix://"), self.complaint()
        return self._address

    def line(self) -> str:
        """The next line it prints."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def redis(self) -> Any:
        """A client of the server this user was given."""
        return client_for(self.address)

    def server(self) -> int:
        """The process id of that server, as it says itself."""
        with contextlib.closing(self.redis()) as client:
            return int(client.info("server")["process_id"])

    def complaint(self) -> str:
        """What it wrote before it gave up."""
        return self.process.communicate(timeout=30)[1]

    def leave(self) -> None:
        """End in the ordinary way."""
        self.process.communicate(timeout=30)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End by a signal to its whole session, as a terminal's Ctrl-C does."""
        os.killpg(self.process.pid, number)
        self.process.communicate(timeout=30)


class Place:
    """A working folder, with the users that were started in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path / ".jobsapi"
        self.users: list[User] = []

    def user(self, folder: Path | None = None, **options: Any) -> User:
        """One more user."""
        self.users.append(User(folder or self.folder, **options))
        return self.users[-1]

    def status(self) -> dict[str, Any]:
        return embedded.status(self.folder)

    def close(self) -> None:
        """Kill the users that are left; their server goes by itself."""
        for user in self.users:
            if user.process.poll() is None:
                user.kill()
            for pipe in (user.process.stdin, user.process.stdout, user.process.stderr):
                assert pipe
                pipe.close()


def until(true: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether it became true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_gone(pid: int) -> bool:
    """Whether no process with this id is running; one that ended may be listed until its parent asks for it."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], stdout=subprocess.PIPE, text=True, check=False)
    return not found.stdout.strip() or found.stdout.startswith("Z")


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="a place ", ignore_cleanup_errors=True) as path:
        made = Place(Path(path).resolve())
        yield made
        made.close()
        assert until(lambda: not made.status()["running"])
