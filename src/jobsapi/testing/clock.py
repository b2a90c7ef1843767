"""The clock of a test: the store's time frozen and advanced, so that schedules and back-offs take no time."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobsapi.store import Store

__all__ = ["Clock"]


class Clock:
    """What the engine takes for the time, in this process. It goes by itself until it is frozen or moved.

    It is the clock of jobs, schedules, back-offs, rates and retention; `time.time()` in a task's own code is not
    changed, and workers that are processes of their own keep the true time.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def now(self) -> datetime.datetime:
        """The time, in UTC, to the millisecond."""
        return datetime.datetime.fromtimestamp(self._store.time_ms() / 1000, datetime.UTC)

    def freeze(self, at: datetime.datetime | str | None = None) -> datetime.datetime:
        """Stop at this moment, or at `at`, a time with its zone or an RFC 3339 text; the time then."""
        if at is None:
            self._store.now = self._store.time_ms()
            return self.now
        moment = datetime.datetime.fromisoformat(at) if isinstance(at, str) else at
        if moment.tzinfo is None:
            raise ValueError(f"{at} has no time zone; write 2026-01-31T12:00:00Z, or give a datetime with tzinfo")
        self._store.now = round(moment.timestamp() * 1000)
        return self.now

    def advance(self, seconds: float | datetime.timedelta) -> datetime.datetime:
        """Go forward, by seconds or a timedelta, and stay there; the time then."""
        by = seconds.total_seconds() if isinstance(seconds, datetime.timedelta) else seconds
        if by < 0:
            raise ValueError("a clock that goes back makes leases and schedules that never end; freeze() at a time")
        self._store.now = self._store.time_ms() + round(by * 1000)
        return self.now

    def thaw(self) -> None:
        """Go by the server's true time again."""
        self._store.now = None
