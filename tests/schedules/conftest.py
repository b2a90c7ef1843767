"""A store whose tasks are published, and a clock of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobsapi import registry
from jobsapi.tasks import Task

if TYPE_CHECKING:
    from jobsapi.store import Store


def report(n: int = 0) -> None:
    """Report something."""


def strict(n: int) -> None:
    """Needs its parameter."""


@pytest.fixture
def clocked(store: Store) -> Store:
    """It is a minute to noon of a Monday."""
    registry.publish(store, [Task("report", report).described(), Task("strict", strict).described()])
    store.now = 1_770_000_000_000 // 86_400_000 * 86_400_000 + 43_140_000
    return store
