"""The server killed while jobs run: workers run on, and what they have to record is kept until it is back."""

from __future__ import annotations

import subprocess
import tempfile
import uuid
from typing import TYPE_CHECKING

import pytest

from jobsapi.errors import StoreUnavailable
from jobsapi.settings import Settings
from jobsapi.store import connect, wait_until_up
from tests.conftest import server_binary
from tests.system import System, is_alive, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow


class Server:
    """A server of the test's own that writes every command to disk before it answers."""

    def __init__(self, binary: str, folder: str) -> None:
        self.url = f"unix://{folder}/s"
        self._command = [binary, "--port", "0", "--unixsocket", f"{folder}/s", "--dir", folder, "--save", ""]
        self._command += ["--appendonly", "yes", "--appendfsync", "always"]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, start_new_session=True)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="jt-") as folder:
        made = Server(server_binary(request.config), folder)
        yield made
        made.kill()


@pytest.fixture
def restartable(server: Server, tmp_path: Path) -> Iterator[System]:
    environment = {"REDIS_URL": server.url, "JOBSAPI_NAMESPACE": f"t-{uuid.uuid4().hex[:12]}"}
    until("the server answers", lambda: _connects(environment))
    store = connect(Settings.from_environment(environment))
    made = System(store, environment, tmp_path)
    yield made
    made.close()
    store.close()


def _connects(environment: dict[str, str]) -> bool:
    try:
        connect(Settings.from_environment(environment)).close()
    except StoreUnavailable:
        return False
    return True


def test_200_jobs_survive_two_kills_of_the_server(server, restartable):
    system = restartable
    system.worker()
    system.worker()
    ids = system.submit(count=200, seconds=0.05)
    for done in (20, 80):
        until("work goes on", lambda done=done: system.effects.read_text().count("end ") >= done)
        server.kill()
        server.start()
        assert wait_until_up(system.store, 20)
    system.check_promise(ids)


def test_a_job_runs_on_and_ends_while_the_server_is_away(server, restartable):
    system = restartable
    system.worker()
    [jid] = system.submit(seconds=2)
    [(_, pid)] = until("the job runs", lambda: system.runs(jid))
    server.kill()
    until("it ends", lambda: system.runs(jid, "end"))
    assert is_alive(pid)
    server.start()
    assert wait_until_up(system.store, 20)
    system.check_promise([jid])
    assert len(system.runs(jid)) == 1
