"""pytest fixtures for projects with tasks of their own: `pytest_plugins = ["jobsapi.testing"]` in `conftest.py`.

| fixture | is |
| --- | --- |
| `run_job` | `run_job(task, **params)` → the job once it has ended, run in this process |
| `jobs_worker` | the in-process worker that does it: `run_next()`, `run_all()` |
| `jobs_clock` | the engine's clock: `freeze(at)`, `advance(seconds)`, `now` |
| `jobs_api` | the address of an HTTP API on the test's jobs |
| `jobs_client` | a `jobsapi.Client` of it |
| `start_worker` | `start_worker("app.py")` → a real worker in a process of its own |
| `jobs_store` | the test's own place on the server, empty at its begin and its end |
| `jobs_server` | the settings of the server of the whole run; override it to name one of your own |

While one of them is used, `jobsapi.jobs`, `jobsapi.data` and the rest work in the test's own place too. Nothing here
ever touches the server of the folder in which the tests run.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import uuid
from typing import TYPE_CHECKING

import pytest

from jobsapi import registry
from jobsapi import store as stores
from jobsapi.settings import Settings
from jobsapi.store import Store, connect
from jobsapi.testing.clock import Clock
from jobsapi.testing.inprocess import FinishedJob, InProcessWorker, RunJob
from jobsapi.testing.processes import StartWorker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobsapi import Client

__all__ = [
    "Clock",
    "FinishedJob",
    "InProcessWorker",
    "RunJob",
    "StartWorker",
    "jobs_api",
    "jobs_client",
    "jobs_clock",
    "jobs_server",
    "jobs_store",
    "jobs_worker",
    "run_job",
    "start_worker",
]


@pytest.fixture(scope="session")
def jobs_server(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of the server that all tests of the run share: an embedded one in a temporary folder.

    It ends with the process that runs the tests, whatever ends that.
    """
    return Settings(folder=tmp_path_factory.mktemp("jobsapi-server"))


@pytest.fixture
def jobs_store(jobs_server: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A place of the test's own on the server; the environment of the test and of what it starts names it."""
    found = connect(jobs_server)
    settings = dataclasses.replace(
        jobs_server,
        redis_url=found.url,
        namespace=f"test-{uuid.uuid4().hex[:12]}",
        folder=tmp_path / ".jobsapi",
        results=jobs_server.results or str(tmp_path / ".jobsapi" / "results"),
    )
    store = Store(found.redis, settings, found.url)
    for name in [each for each in os.environ if each.startswith(("JOBSAPI_", "REDIS_"))]:
        monkeypatch.delenv(name)
    for each in dataclasses.fields(settings):
        if (value := getattr(settings, each.name)) != each.default:
            monkeypatch.setenv(each.metadata["variable"], str(value))
    monkeypatch.setattr(stores, "default", lambda: store)
    registry.publish(store, [])  # what this process knew of another test's place is forgotten
    yield store
    pattern = store.keys.prefix.replace("{", "\\{") + "*"
    for key in store.redis.scan_iter(match=pattern, count=1000):
        store.redis.unlink(key)
    store.close()


@pytest.fixture
def jobs_clock(jobs_store: Store) -> Clock:
    """The clock that the engine goes by in this process: frozen and advanced, so that nothing is waited for."""
    return Clock(jobs_store)


@pytest.fixture
def jobs_worker(jobs_store: Store, tmp_path: Path) -> InProcessWorker:
    """A worker that runs jobs in the test's own process when it is told to."""
    return InProcessWorker(jobs_store, tmp_path / ".jobsapi" / "scratch")


@pytest.fixture
def run_job(jobs_store: Store, jobs_worker: InProcessWorker, jobs_clock: Clock) -> RunJob:
    """`run_job(task, **params)`: the job once it has ended, run in the test's own process."""
    return RunJob(jobs_store, jobs_worker, jobs_clock)


@pytest.fixture
def start_worker(jobs_store: Store, tmp_path: Path) -> Iterator[StartWorker]:
    """`start_worker("app.py", "--threads", "10")`: a worker in a process of its own, ended with the test."""
    starter = StartWorker(jobs_store, tmp_path)
    yield starter
    starter.close()


@pytest.fixture
def jobs_api(jobs_store: Store, jobs_worker: InProcessWorker, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an HTTP API on the test's jobs, which knows the tasks that this process has registered."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    from jobsapi.api import create_app

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept, as they are by the real server

        def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 -- its name there
            """A line a request says nothing about a test."""

    jobs_worker.publish()
    server = make_server("127.0.0.1", 0, create_app(store=jobs_store), threaded=True, request_handler=Quiet)
    server.daemon_threads = True  # type: ignore[attr-defined]
    server.block_on_close = False  # type: ignore[attr-defined] # a connection that a client keeps would be waited for
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("JOBSAPI_URL", url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def jobs_client(jobs_api: str) -> Iterator[Client]:
    """A client of the test's API."""
    from jobsapi import Client

    client = Client(jobs_api)
    yield client
    client.close()
