"""One subscription to the store's events for all who watch in this process: each has a bounded queue of its own."""

from __future__ import annotations

import bisect
import contextlib
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from flask import current_app, request
from redis.exceptions import RedisError

from jobsapi import events
from jobsapi.errors import JobsApiError, NoStreamLeft
from jobsapi.store import revive
from jobsapi.web.application import TURNS
from jobsapi.web.common import the_settings, the_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flask import Flask

    from jobsapi.events import Event, Place
    from jobsapi.store import Store

__all__ = [
    "LOST",
    "STOP",
    "Feed",
    "Hold",
    "Position",
    "Watcher",
    "end_replies",
    "out_of_turn",
    "the_feed",
]

LOST = object()
"""In a watcher's queue: something is missing from here on; look at the whole again."""

STOP = object()
"""The same where this process stops: end the reply."""

_MOST_WAITING = 500
"""Events in one watcher's queue; of a slower reader they are dropped, and it looks at the whole again."""

_MOST_ASKING = 16

_LONGEST_BLOCK, _POSITIONS_EVERY = 5.0, 1.0
_GATHER = 0.01
"""Seconds between two reads: under much traffic events come in bundles, which leaves the processor to requests."""

_RENEW_EVERY = events.WATCHED_FOR / 5
_LINGER = 30.0
"""Seconds for which it listens on without anybody: who comes back finds it warm."""


@dataclass(frozen=True)
class Position:
    """How many jobs are ahead of a watched one now."""

    ahead: int


@dataclass(eq=False)
class Watcher:
    """Somebody who watches one job, or all (`job` empty)."""

    job: str
    waits_in: str | None = None
    """The queue in which the job waits, where its position shall be told."""
    position: int | None = None
    """What was told of it last."""
    _queue: SimpleQueue[Any] = field(default_factory=SimpleQueue)
    _is_behind: bool = False

    def put(self, item: Event | Position | object) -> None:
        """Hand it over, unless the reader is far behind."""
        if self._is_behind and item is not STOP:
            return
        if item is LOST or self._queue.qsize() >= _MOST_WAITING:
            self._is_behind = True
            item = LOST
        self._queue.put(item)

    def get(self, seconds: float) -> Any:
        """An Event, a Position, LOST, STOP, or None where nothing came in time."""
        try:
            item = self._queue.get(timeout=seconds)
        except Empty:
            return None
        if item is LOST:
            self._is_behind = False
        return item


class Feed:
    """Reads the stream once for all, in a thread that lives while somebody watches."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asking = threading.Semaphore(_MOST_ASKING)
        """Readers take it for what they ask the store, so that an event for all of them brings no rush."""
        self._lock = threading.Lock()
        self._watchers: dict[str, list[Watcher]] = defaultdict(list)
        self._thread: threading.Thread | None = None
        self._recent: list[Event] = []
        self._places: list[Place] = []
        self._place: Place | None = None
        self._renewed_at = self._left_at = self._positions_at = 0.0
        self._moved: set[str] = set()
        """Queues in which something moved since positions were told."""

    @contextlib.contextmanager
    def watching(self, watcher: Watcher) -> Iterator[Watcher]:
        """All that happens from here on comes into its queue. Raises StoreUnavailable."""
        self.join(watcher)
        try:
            yield watcher
        finally:
            self.leave(watcher)

    def join(self, watcher: Watcher) -> None:
        """The same without an end. Raises StoreUnavailable."""
        with self._lock:
            if self._thread is None:
                self._begin()
                self._thread = threading.Thread(target=self._run, name="jobsapi-events", daemon=True)
                self._thread.start()
            self._watchers[watcher.job].append(watcher)

    def leave(self, watcher: Watcher) -> None:
        """It hears no more; once more does nothing."""
        with self._lock:
            mine = self._watchers.get(watcher.job, [])
            if watcher in mine:
                mine.remove(watcher)
            if not mine:
                self._watchers.pop(watcher.job, None)
            self._left_at = time.monotonic()

    def behind(self, place: Place, job: str = "") -> tuple[list[Event], Place] | None:
        """The events behind that place (of that job) and where they end; None where some of them are gone.

        Raises StoreUnavailable.
        """
        with self._lock:
            found = self._recent[bisect.bisect_left(self._places, place) :]
            end = self._place
        found += list(events.read_behind(self._store, end))  # what the thread has not read yet
        known = bisect.bisect_left(found, place, key=lambda each: each.place)
        if known == len(found) or found[known].place != place:
            return None
        del found[: known + 1]
        if any(each.kind == "begin" for each in found):
            return None
        return [each for each in found if job in ("", each.job)], found[-1].place if found else place

    def _begin(self) -> None:
        """Know what the store still has."""
        end = events.watch(self._store)
        self._recent = list(events.read_behind(self._store, None))
        self._trim()
        self._place = self._places[-1] if self._places else end
        self._renewed_at = time.monotonic()

    def _trim(self) -> None:
        """Forget what lies before the last gap, and the oldest."""
        if len(self._recent) > 2 * events.MOST_KEPT:
            del self._recent[: -events.MOST_KEPT]
        gaps = [i for i, each in enumerate(self._recent) if each.kind == "begin"]
        if gaps:
            del self._recent[: gaps[-1]]
        self._places = [each.place for each in self._recent]

    def _run(self) -> None:
        pause = 0.1
        while True:
            client = self._store.blocking(_LONGEST_BLOCK)
            try:
                while self._is_wanted():
                    self._read(client)
                    pause = 0.1
                return
            except (JobsApiError, RedisError, OSError):
                time.sleep(pause)
                pause = min(pause * 2, 2.0)
                with contextlib.suppress(JobsApiError, RedisError, OSError):
                    self._recover()
            finally:
                client.close()

    def _is_wanted(self) -> bool:
        with self._lock:
            if self._watchers or time.monotonic() - self._left_at < _LINGER:
                return True
            self._thread = None
            self._recent, self._places = [], []
            return False

    def _read(self, client: Any) -> None:
        assert self._place is not None
        if time.monotonic() - self._renewed_at > _RENEW_EVERY:
            events.watch(self._store)
            self._renewed_at = time.monotonic()
            if not events.is_kept(self._store, self._place):  # a replica that took over may not have had it
                self._start_anew()
        block = _POSITIONS_EVERY if self._moved else _LONGEST_BLOCK
        came = events.read_next(client, self._store, self._place, block)
        if len(came) >= events.AT_ONCE and not events.is_kept(self._store, self._place):
            self._start_anew()  # some may have gone before they were read
            return
        self._take(came)
        self._tell_positions()
        if came:
            time.sleep(_GATHER)

    def _take(self, came: list[Event]) -> None:
        if not came:
            return
        with self._lock:
            self._recent += came
            self._places += [each.place for each in came]
            self._place = came[-1].place
            is_gap = any(each.kind == "begin" for each in came)
            if is_gap or len(self._recent) > 2 * events.MOST_KEPT:
                self._trim()
            if is_gap:
                self._tell_all(LOST)
                return
            for each in came:
                if each.kind == "status":
                    self._moved.add(each.queue)
                for watcher in (*self._watchers.get(each.job, ()), *self._watchers.get("", ())):
                    watcher.put(each)

    def _recover(self) -> None:
        """The store was away: go on where we were if nothing is missing. Raises StoreUnavailable."""
        revive(self._store)
        events.watch(self._store)
        if self._place is None or not events.is_kept(self._store, self._place):
            self._start_anew()

    def _start_anew(self) -> None:
        with self._lock:
            self._begin()
            self._tell_all(LOST)

    def end(self) -> None:
        """Whoever is watching shall end."""
        with self._lock:
            self._tell_all(STOP)

    def _tell_all(self, item: object) -> None:
        for each in self._watchers.values():
            for watcher in each:
                watcher.put(item)

    def _tell_positions(self) -> None:
        now = time.monotonic()
        if not self._moved or now - self._positions_at < _POSITIONS_EVERY:
            return
        self._positions_at, moved = now, self._moved
        self._moved = set()
        with self._lock:
            waiting = [each for some in self._watchers.values() for each in some if each.waits_in in moved]
        for watcher, ahead in self._ahead_of(waiting):
            if ahead is not None and watcher.waits_in is not None and ahead != watcher.position:
                watcher.position = ahead
                watcher.put(Position(ahead))

    def _ahead_of(self, waiting: list[Watcher]) -> Iterable[tuple[Watcher, int | None]]:
        for start in range(0, len(waiting), 100):
            some = waiting[start : start + 100]
            replies = self._store.run_many([("position", [each.job]) for each in some])
            yield from (
                (each, told if isinstance(told, int) else None) for each, told in zip(some, replies, strict=True)
            )


class _Live:
    """What an application holds for those who watch."""

    def __init__(self, most: int) -> None:
        self.places = threading.Semaphore(most)
        self.feed: Feed | None = None
        self.lock = threading.Lock()


_EXTENSION = "jobsapi.live"


def _live() -> _Live:
    held = current_app.extensions
    made: _Live = held.get(_EXTENSION) or held.setdefault(_EXTENSION, _Live(the_settings().max_streams))
    return made


def the_feed() -> Feed:
    """The feed of the app that handles this request. Raises StoreUnavailable."""
    live = _live()
    with live.lock:
        if live.feed is None:
            live.feed = Feed(the_store())
        return live.feed


def end_replies(app: Flask) -> None:
    """End the replies that are held, because the process stops."""
    live: _Live | None = app.extensions.get(_EXTENSION)
    if live and live.feed:
        live.feed.end()


@contextlib.contextmanager
def out_of_turn() -> Iterator[None]:
    """While a request only waits, another may be worked on."""
    turns = request.environ.get(TURNS)
    if turns is not None:
        turns.put(None)
    try:
        yield
    finally:
        if turns is not None:
            turns.get()


class Hold:
    """A place among the connections that may be held; `release` gives it back, once more does nothing.

    Raises NoStreamLeft where all are taken.
    """

    def __init__(self) -> None:
        self._places = _live().places
        self._is_held = self._places.acquire(blocking=False)
        if not self._is_held:
            raise NoStreamLeft(f"This process holds {the_settings().max_streams} connections (JOBSAPI_MAX_STREAMS).")

    def release(self) -> None:
        """Give it back."""
        if self._is_held:
            self._is_held = False
            self._places.release()
