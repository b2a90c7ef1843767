"""The client against a real API, with a worker that works when a test says so: the package's own fixtures."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

import tests.client.app  # noqa: F401 -- registers the tasks
from jobsapi.settings import Settings
from jobsapi.testing import (  # noqa: F401
    jobs_api,
    jobs_client,
    jobs_clock,
    jobs_store,
    jobs_worker,
    run_job,
    start_worker,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi import Client
    from jobsapi.testing import InProcessWorker


@pytest.fixture(scope="session")
def jobs_server(server_url: str) -> Settings:
    """The server of this run."""
    return Settings(redis_url=server_url)


@pytest.fixture
def client(jobs_client: Client) -> Client:  # noqa: F811
    return jobs_client


@pytest.fixture
def working(jobs_worker: InProcessWorker) -> Iterator[None]:  # noqa: F811
    """Whatever is submitted is run, in a thread beside the test's."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.01):
            jobs_worker.run_all()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join()
