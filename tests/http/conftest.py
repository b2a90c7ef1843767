"""For tests of the HTTP side: an application on the test's namespace whose tasks are published, and a client of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from jobsapi import jobs, registry
from jobsapi.api import create_app
from jobsapi.store import Store
from jobsapi.tasks import Task

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse


class Point(BaseModel):
    """A place on the map."""

    x: float
    y: float = 0.0
    next: Point | None = None


def plot(start: int, end: int) -> None:
    """Draw the numbers from start to end."""


def walk(points: list[Point], mode: Literal["fast", "slow"] = "fast") -> None:
    """Visit the points <one> & all."""


def measure(share: Annotated[float, Field(ge=0, le=1)] = 0.5, note: str | None = None) -> None:
    """Measure a share."""


def free(**anything: Any) -> None:
    """Take what comes."""


TASKS = [Task("plot", plot), Task("walk", walk, queue="long", timeout=60), Task("measure", measure), Task("free", free)]


class Recorded:
    """What the store has come to hold; every refusal must leave it at nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def jobs(self) -> list[dict[str, Any]]:
        return list(jobs.list_jobs(limit=1000, store=self._store)[0])

    def keys(self) -> set[str]:
        """Every key of the namespace, without what publishing tasks leaves."""
        prefix = self._store.keys.prefix
        found = {key.decode() for key in self._store.redis.scan_iter(count=1000)}
        mine = {key.removeprefix(prefix) for key in found if key.startswith(prefix)}
        return mine - {"tasks", "schemas", "tokens"}


@pytest.fixture
def recorded(store: Store) -> Recorded:
    """What the test's namespace holds."""
    return Recorded(store)


@pytest.fixture
def make_app(store: Store) -> Callable[..., Flask]:
    """Applications on the test's namespace, with settings of their own."""
    registry.publish(store, [each.described() for each in TASKS])

    def make(**settings: Any) -> Flask:
        changed = dataclasses.replace(store.settings, **settings)
        return create_app(store=Store(store.redis, changed, store.url))

    return make


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The application as it is on a laptop."""
    return make_app()


@pytest.fixture
def http(app: Flask) -> FlaskClient:
    """A client of it."""
    return app.test_client()


Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def refused(recorded: Recorded) -> Refused:
    """Checks that an answer is that refusal, whole and sound, and that nothing was recorded; gives its document."""

    def check(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
        problem: dict[str, Any] = answer.get_json()
        assert problem["type"] == f"urn:jobsapi:problem:{code}"
        assert problem["status"] == status
        assert problem["title"]
        assert problem["detail"]
        assert recorded.jobs() == []
        assert recorded.keys() == set()
        return problem

    return check
