"""`examples/course`: the exercises solved, run as its README says, and asked with the document's own request."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.classic.conftest import Programs

EXAMPLE = Path(__file__).parents[2] / "examples" / "course"
CURL = """curl localhost:5000/jobs -X POST -d '{"start":1, "end":2}' -H "Content-Type: application/json\""""


class Api:
    """The example's api.py, asked with curl."""

    def __init__(self, programs: Programs) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        programs.start(name="api.py", API_PORT=str(self.port))
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                time.sleep(0.02)
            else:
                return

    def sh(self, line: str) -> Any:
        """What a shell prints for a line of the document, but for the port."""
        line = line.replace("localhost:5000", f"127.0.0.1:{self.port}").replace("curl ", "curl -s ")
        return json.loads(subprocess.run(line, shell=True, capture_output=True, check=True, timeout=10).stdout)

    def get(self, path: str) -> Any:
        return self.sh(f"curl 'localhost:5000{path}'")

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as reply:
                return reply.status
        except urllib.error.HTTPError as problem:
            return problem.code


@pytest.fixture
def api(programs: Programs) -> Api:
    for file in EXAMPLE.glob("*.py"):
        shutil.copy(file, programs.folder)
    return Api(programs)


def test_the_documents_request_is_answered_at_once_and_worked_on(programs: Programs, api: Api) -> None:
    job = api.sh(CURL)
    assert job == {"id": job["id"], "status": "submitted", "start": 1, "end": 2}
    assert api.status(f"/jobs/{job['id']}/results") == 404
    programs.start(name="worker.py", WORK_SECONDS="0.05")
    programs.ended(job["id"])
    assert api.get(f"/jobs/{job['id']}") == {**job, "status": "complete"}
    assert api.get(f"/jobs/{job['id']}/results") == {"id": job["id"], "result": 3}
    assert api.get("/jobs") == [{**job, "status": "complete"}]
    assert api.status("/jobs/nonsense") == 404


def test_a_worker_killed_in_mid_job_loses_nothing(programs: Programs, api: Api) -> None:
    first = programs.start(name="worker.py", WORK_SECONDS="60")
    job = api.sh(CURL)
    while api.get(f"/jobs/{job['id']}")["status"] != "in progress":
        time.sleep(0.02)
    first.kill()
    programs.start(name="worker.py", WORK_SECONDS="0.05")
    assert programs.ended(job["id"]).status == "complete"
    assert api.get(f"/jobs/{job['id']}/results") == {"id": job["id"], "result": 3}


def test_the_data_routes_are_over_rd(programs: Programs, api: Api) -> None:
    rows = '[{"id": 1, "name": "Ceres"}, {"id": "x", "name": "Vesta"}]'
    loaded = api.sh(f"curl localhost:5000/data -X POST -d '{rows}' -H 'Content-Type: application/json'")
    assert loaded == {"loaded": 2}
    assert api.get("/data?search=VESTA") == [{"id": "x", "name": "Vesta"}]
    assert len(api.get("/data")) == 2
    assert api.get("/data/1") == {"id": 1, "name": "Ceres"}
    assert api.status("/data/7") == 404
    programs.run("from jobs import rd\nrd.flushdb()\n")
    assert api.get("/data") == []


def test_the_containers_files_fit_together() -> None:
    compose = (EXAMPLE / "docker-compose.yml").read_text()
    dockerfile = (EXAMPLE / "Dockerfile").read_text()
    assert "127.0.0.1:" in compose
    assert "valkey/valkey:9" in compose
    assert "REDIS_IP: redis-db" in compose
    assert "\nUSER app\n" in dockerfile
    assert all((EXAMPLE / name).is_file() for name in ("api.py", "worker.py", "jobs.py", "requirements.txt"))
