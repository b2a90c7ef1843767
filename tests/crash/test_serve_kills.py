"""`jobsapi serve` with any one of its processes killed while 200 jobs run: every job ends, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobsapi import Client
from jobsapi.errors import ApiUnavailable, JobsApiError
from jobsapi.settings import Settings
from jobsapi.store import connect
from tests.system import APP, System, free_port, is_alive, tree, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow


class Served(System):
    """A folder in which `jobsapi serve` runs, with the embedded server."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        environment = {"JOBSAPI_DIR": str(folder / ".jobsapi"), "JOBSAPI_PORT": str(port)}
        super().__init__(connect(Settings.from_environment(environment)), environment, folder)
        self.client = Client(f"http://127.0.0.1:{port}")

    def serve(self) -> subprocess.Popen[bytes]:
        """Start it and wait until its tasks can be used."""
        command = [sys.executable, "-m", "jobsapi", "serve", str(APP), "--concurrency", "2"]
        process = subprocess.Popen(command, env=self.environment, stdout=self._log, stderr=self._log)
        self.processes.append(process)
        until("the API knows the tasks", self._is_ready)
        return process

    def _is_ready(self) -> bool:
        try:
            return self.client.task("work")["workers"] > 0
        except JobsApiError:
            return False

    def find(self, words: str) -> int:
        """The one process below `serve`, or of its server, whose command line holds these words."""
        below = tree(self.processes[-1].pid)
        socket_path = self.store.url.removeprefix("unix://").partition("?")[0]
        everybody = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
        ours = below + [pid for pid in everybody if socket_path in _command_line(pid)]
        return next(pid for pid in ours if words in _command_line(pid))


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    for process in made.processes:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
    made.close()
    made.store.close()


@pytest.mark.parametrize(
    "victim",
    [
        pytest.param("", id="serve itself"),
        pytest.param("jobsapi worker", id="the worker"),
        pytest.param("jobsapi.runner.child", id="a child"),
        pytest.param("guard.py", id="the guard"),
        pytest.param("jobsapi api", id="the API"),
        pytest.param("keeper.py", id="the server's keeper"),
        pytest.param("valkey-server", id="the server"),
    ],
)
def test_200_jobs_survive_the_kill_of(served: Served, victim: str) -> None:
    process = served.serve()
    ids = [job.id for job in served.client.add_jobs([{"task": "work", "params": {"seconds": 0.05}}] * 200)]
    until("work has begun", lambda: served.effects.read_text().count("end ") >= 20)
    below = tree(process.pid)
    pid = served.find(victim) if victim else process.pid
    os.kill(pid, signal.SIGKILL)
    if victim:
        until("the kill took effect", lambda: not is_alive(pid))
    else:
        process.wait(10)
        until("what it started is gone", lambda: not any(map(is_alive, below)), 60)
        until("nothing answers any more", lambda: _is_gone(served), 60)
        served.serve()
    served.check_promise(ids)


def test_200_jobs_survive_the_kill_of_the_server_together_with_its_keeper(served: Served) -> None:
    served.serve()
    ids = [job.id for job in served.client.add_jobs([{"task": "work", "params": {"seconds": 0.05}}] * 200)]
    until("work has begun", lambda: served.effects.read_text().count("end ") >= 20)
    for pid in (served.find("keeper.py"), served.find("valkey-server unixsocket")):
        os.kill(pid, signal.SIGKILL)
    until("the store answers again", lambda: _answers(served), 30)
    served.check_promise(ids)


def _answers(served: Served) -> bool:
    try:
        return bool(served.store.call("ping"))
    except JobsApiError:
        return False


def _is_gone(served: Served) -> bool:
    try:
        served.client.tasks()
    except ApiUnavailable:
        return True
    return False
