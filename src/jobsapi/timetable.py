"""What a worker does again and again, and when the next of it is due."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Timetable"]


class Timetable:
    """Name → when it is next due; what has never been asked for is due at once."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}

    def is_due(self, what: str, every: float) -> bool:
        """Whether it is time for it; then the next time is `every` seconds from now."""
        if not self.has_come(what):
            return False
        self.plan(what, every * random.uniform(0.9, 1.0))  # many workers: not all at the same instant
        return True

    def has_come(self, what: str) -> bool:
        """Whether it is time for it."""
        return time.monotonic() >= self._due.get(what, 0.0)

    def plan(self, what: str, seconds: float) -> None:
        """It is next due so many seconds from now."""
        self._due[what] = time.monotonic() + seconds

    def seconds_to_next(self, names: Iterable[str]) -> float:
        """Until the first of these; 0 where one is due."""
        return max(0.0, min(self._due.get(each, 0.0) for each in names) - time.monotonic())
