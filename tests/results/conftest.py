"""A job that ended with given outputs, and an application with the results' routes alone."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from jobsapi import jobs, results
from jobsapi.store import Store
from jobsapi.submission import Submission
from jobsapi.web import common
from jobsapi.web import results as routes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask.testing import FlaskClient


@pytest.fixture
def small_store(store: Store, tmp_path: Path) -> Store:
    """The same server with room for 1 MiB of a job's outputs, and a shared folder for the rest."""
    settings = dataclasses.replace(store.settings, max_stored_result=1 << 20, results=str(tmp_path / "shared"))
    return Store(store.redis, settings, store.url)


@pytest.fixture
def claimed() -> Callable[[Store], jobs.Claim]:
    """A job that was submitted and claimed just now."""

    def claim(store: Store) -> jobs.Claim:
        jobs.submit_jobs(store, [Submission("plot", "default", {})])
        (claim,) = jobs.claim_jobs(store, "worker", {"default": ["plot"]}, 1, 10.0)
        return claim

    return claim


@pytest.fixture
def finished(claimed: Callable[[Store], jobs.Claim], tmp_path: Path) -> Callable[..., str]:
    """The id of a job that returned `value` and saved `saved`."""

    def finish(store: Store, value: Any, saved: dict[str, Any] | None = None) -> str:
        claim = claimed(store)
        outputs = results.encode(value, saved or {}, tmp_path / "scratch", max_result=1 << 30)
        stored = results.write(store, claim.id, claim.token, outputs)
        jobs.complete_job(store, claim.id, claim.token, stored.descriptor, stored.inline)
        return claim.id

    return finish


@pytest.fixture
def browse() -> Callable[[Store], FlaskClient]:
    """A client of the results' routes on a store."""

    def client(store: Store) -> FlaskClient:
        app = Flask("jobsapi", static_folder=None)
        common.StoreHolder(store.settings, store).install(app)
        common.install_problems(app)
        app.register_blueprint(routes.blueprint)
        return app.test_client()

    return client


@pytest.fixture
def http(store: Store, browse: Callable[[Store], FlaskClient]) -> FlaskClient:
    """A client of the results' routes on the test's own store."""
    return browse(store)
