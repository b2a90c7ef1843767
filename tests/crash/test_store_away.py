"""The server killed while jobs run: workers run on, and what they have to record is kept until it is back."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from jobsapi import jobs
from jobsapi.settings import Settings
from jobsapi.store import connect
from tests.conftest import server_binary
from tests.system import System, is_alive, until
from tests.system.server import Server, a_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with a_server(server_binary(request.config)) as made:
        yield made


@pytest.fixture
def restartable(server: Server, tmp_path: Path) -> Iterator[System]:
    environment = {"REDIS_URL": server.url, "JOBSAPI_NAMESPACE": f"t-{uuid.uuid4().hex[:12]}"}
    store = connect(Settings.from_environment(environment))
    made = System(store, environment, tmp_path)
    yield made
    made.close()
    store.close()


def test_200_jobs_survive_two_kills_of_the_server(server, restartable):
    system = restartable
    system.worker()
    system.worker()
    ids = system.submit(count=200, seconds=0.05)
    for done in (20, 80):
        until("work goes on", lambda done=done: system.effects.read_text().count("end ") >= done)
        server.kill()
        server.start()
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
    system.check_promise([jid])
    assert len(system.runs(jid)) == 1


def test_who_waits_for_a_job_in_python_waits_on_while_the_server_is_away(server, restartable):
    system = restartable
    system.worker()
    [jid] = system.submit(seconds=1)
    until("the job runs", lambda: system.runs(jid))
    with ThreadPoolExecutor(1) as pool:
        waiter = pool.submit(jobs.wait_for_job, jid, 60, store=system.store)
        server.kill()
        until("it ends", lambda: system.runs(jid, "end"))
        server.start()
        assert waiter.result().status == "complete"
