"""The examples run as their first lines say."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from jobsapi import Client
from jobsapi.errors import JobsApiError
from tests.system import until

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
BIN = Path(sys.executable).parent


@pytest.fixture
def start(tmp_path):
    """Starts commands in a folder of the test's own, and ends them with it."""
    started = []

    def run(*command: str) -> None:
        with (tmp_path / f"{len(started)}.log").open("wb") as log:
            started.append(subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, env={**os.environ}))

    yield run
    for each in started:
        each.terminate()
        each.wait(30)


def test_a_flask_application_has_the_routes_below_its_own_prefix(tmp_path, start):
    shutil.copy(EXAMPLES / "mounted" / "app.py", tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start(str(BIN / "flask"), "--app", "app", "run", "--port", str(port))
    start(str(BIN / "jobsapi"), "worker", "app.py")
    client = Client(f"http://127.0.0.1:{port}/api")

    def is_served() -> bool:
        try:
            return client.task("is_prime")["workers"] > 0
        except JobsApiError:
            return False

    until("the application and its worker are there", is_served)
    jobs = [client.add_job("is_prime", {"number": number}) for number in (97, 91)]
    assert jobs[0].links["self"] == f"/api/jobs/{jobs[0].id}"
    assert [client.wait_for_job(job.id, 30).status for job in jobs] == ["complete", "complete"]
    assert [client.get_results(job.id) for job in jobs] == [True, False]
    assert len(list(client.list_jobs(page=1))) == 2
