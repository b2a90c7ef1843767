"""The system that the tests of kills use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system import APP, System, is_alive, tree, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobsapi.store import Store

__all__ = ["APP", "System", "is_alive", "tree", "until"]


@pytest.fixture
def system(store: Store, environment: dict[str, str], tmp_path: Path) -> Iterator[System]:
    """A system without workers yet; everything it started is ended."""
    made = System(store, environment, tmp_path)
    yield made
    made.close()
