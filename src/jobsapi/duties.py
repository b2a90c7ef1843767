"""What a worker does every few seconds for all: it says that it lives, lets jobs go whose time has come, and tidies."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any

from jobsapi import registry, schedules, upkeep

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.store import Store
    from jobsapi.timetable import Timetable

__all__ = ["BEAT_EVERY", "Duties"]

BEAT_EVERY = 2.0


class Duties:
    """Those of one worker; each raises StoreUnavailable and is tried again at its next time."""

    def __init__(self, store: Store, worker: str, timetable: Timetable) -> None:
        self._store, self._worker, self._timetable = store, worker, timetable
        self._started_ms = 0  # told by the server's clock, with the first heartbeat

    def publish(self, app: str, tasks: list[dict[str, Any]], note: Callable[[str], None]) -> None:
        """Tell what the app's tasks are, and its schedules."""
        registry.publish(self._store, tasks)
        for name in schedules.publish(self._store, app, tasks):
            note(f"a schedule named {name} was made by hand and stays; the code's own is not made")

    def beat(self, facts: dict[str, str | int | float]) -> bool:
        """Tell that it lives, and `facts`; whether it shall drain."""
        self._started_ms = self._started_ms or self._store.time_ms()
        facts = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": self._started_ms,
            **facts,
            registry.CLOCK: round(time.time() * 1000),
        }
        lifetime = max(self._store.settings.lease, 3 * BEAT_EVERY)
        return registry.beat(self._store, self._worker, facts, lifetime=lifetime)

    def move(self) -> None:
        """Let jobs go that need not wait any longer, and be back when the next one's time comes."""
        self._timetable.plan("move", upkeep.EVERY)  # should the server not answer
        self._timetable.plan("move", min(upkeep.move(self._store), upkeep.EVERY))

    def keep_up(self) -> None:
        """Take what is over away; soon again where there is much of it."""
        tidies = self._timetable.is_due("tidy", upkeep.TIDY_EVERY)
        if upkeep.run(self._store, tidies=tidies) >= upkeep.MUCH:
            self._timetable.plan("upkeep", 0.0)
            if tidies:
                self._timetable.plan("tidy", 0.0)
