"""A store of the test's own with real workers of `app.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.system import System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.store import Store


@pytest.fixture
def system(store: Store, environment: dict[str, str], tmp_path: Path) -> Iterator[System]:
    """A system without workers yet; everything it started is ended."""
    made = System(store, environment, tmp_path, app=Path(__file__).parent / "app.py")
    yield made
    made.close()
