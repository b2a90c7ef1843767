"""Claiming ahead of free slots while jobs are short: how many, by the time they should take, and those that wait."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jobsapi.runner import Pool, Work
    from jobsapi.running import Running

__all__ = ["Ahead"]

_SHORT = 0.01
"""Seconds that a task's jobs take at most for it to be short."""

_MOST_TIME = 0.025
"""Seconds that what waits here should take, all together."""

_MOST = 100
"""Jobs that wait here: by then larger exchanges with the server gain nothing."""

_PATIENCE = 0.1
"""Seconds after which a line that does not move is handed back, and a job that is not over holds its slot for good."""

_ENOUGH = 5
"""Jobs of a task that have to be seen before anything is known of it."""

_LOW = 0.6
"""The part of the line below which more is claimed at once."""

_GATHER = 0.003
"""Seconds that ends are gathered while there is work in the line."""


@dataclass
class _Seen:
    """What a task's jobs took, in seconds; longer ones weigh more than shorter ones."""

    seconds: float = 0.0
    count: int = 0

    def add(self, seconds: float) -> None:
        self.count += 1
        weight = max(1 / self.count, 0.5 if seconds > self.seconds else 0.1)
        self.seconds += (seconds - self.seconds) * weight


class Ahead:
    """The line of a worker's claimed jobs that no child has yet. They are renewed as those that run are."""

    def __init__(self, pool: Pool, lease: float) -> None:
        self._pool, self._lease = pool, lease
        self._seen: dict[str, _Seen] = {}
        self._line: deque[Running] = deque()
        self._moved_at = 0.0
        self._bound = 0

    def __len__(self) -> int:
        return len(self._line)

    # --- How many ---------------------------------------------------------------------------------------------------

    def learn(self, running: Running, seconds: float = 0.0) -> None:
        """A run is over; `seconds` that it took, where that is known."""
        if running.begun is not None:
            seconds = seconds or time.monotonic() - running.begun
            self._seen.setdefault(running.claim.task, _Seen()).add(seconds)

    def short(self) -> list[str]:
        """The tasks whose jobs may be claimed ahead."""
        return [name for name, seen in self._seen.items() if seen.count >= _ENOUGH and seen.seconds <= _SHORT]

    def room(self, held: Iterable[Running], free: int) -> int:
        """How many more jobs to claim ahead, with so many free slots, and those that jobs of `held` soon give up."""
        short = self.short()
        if not short:
            return 0
        now = time.monotonic()
        soon = sum(
            each.begun is not None and each.ending is None and each.claim.task in short and now - each.begun < _PATIENCE
            for each in held
        )
        longest = max(_MOST_TIME / _MOST, *(self._seen[name].seconds for name in short))
        self._bound = min(_MOST, int(_MOST_TIME * min(self._pool.size, free + soon) / longest))
        return max(0, self._bound - len(self._line) - self._pool.ahead)

    def may_wait(self, ended_at: float) -> bool:
        """Whether ends that came since then may wait for more of them: the children have work until new jobs come."""
        if time.monotonic() - ended_at >= _GATHER:
            return False
        return len(self._line) + self._pool.ahead >= max(2 * self._pool.size, self._bound * _LOW)

    # --- The line ---------------------------------------------------------------------------------------------------

    def put(self, jobs: Sequence[Running]) -> None:
        """They wait here, in this order."""
        if not self._line:
            self._moved_at = time.monotonic()
        self._line.extend(jobs)

    def put_back(self, jobs: Sequence[Running]) -> None:
        """Children that had these ahead of their turn did not begin them."""
        if jobs and not self._line:
            self._moved_at = time.monotonic()
        for running in reversed(jobs):
            running.begun = None
            self._line.appendleft(running)

    def move_up(self, free: int) -> None:
        """Let jobs begin in so many free slots, and give short ones to children that have none, for when they have."""
        if self._line:
            self._give(self.take(free), self._pool.run)
        if self._line and (most := self._pool.room_ahead):
            self._give(self._take_short(most), self._pool.run_ahead)

    def _give(self, jobs: Sequence[Running], run: Callable[[Sequence[Work]], None]) -> None:
        if jobs:
            self._pool.hold(self._lease)
            now = time.monotonic()
            for each in jobs:
                each.begun = now
            run([each.work for each in jobs])

    def _take_short(self, most: int) -> list[Running]:
        short, count = self.short(), 0
        for running in self._line:
            if count == most or running.claim.task not in short or running.claim.memory_mb:
                break
            count += 1
        return self.take(count)

    def take(self, most: int) -> list[Running]:
        """The next jobs to run."""
        taken = [self._line.popleft() for _ in range(min(most, len(self._line)))]
        if taken:
            self._moved_at = time.monotonic()
        return taken

    def remove(self, running: Running) -> bool:
        """It shall not run: whether it was in the line."""
        if running not in self._line:
            return False
        self._line.remove(running)
        return True

    def seconds_to_hand_back(self) -> float:
        """Until the line has not moved for too long."""
        return max(0.0, self._moved_at + _PATIENCE - time.monotonic()) if self._line else _PATIENCE * 100
