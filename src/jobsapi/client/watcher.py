"""Waits for the ends of all jobs that a client has handles of: by the API's events, and by looks at them."""

from __future__ import annotations

import threading
import time
from itertools import islice
from typing import TYPE_CHECKING

from jobsapi.client.ends import Ends
from jobsapi.client.transport import path_of
from jobsapi.errors import ApiUnavailable, JobsApiError, StoreUnavailable
from jobsapi.record import Job
from jobsapi.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.client.handles import JobHandle
    from jobsapi.client.transport import Transport

__all__ = ["Watcher"]

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.01, 1.0
_LISTEN_AFTER = 0.2
"""Seconds of waiting after which events are listened to: for shorter jobs a stream costs more than looks do."""

_NET = 5.0
"""Seconds between two looks while events tell of ends: a stream may be dead before anybody knows."""

_LINGER = 5.0
"""Seconds for which events are heard without a handle: the next one may come soon, and finds the stream open."""

_OUTAGE = 300.0
"""Seconds without an answer after which those who wait are told that the API is gone."""

_AT_ONCE = 20
"""Single jobs that are looked at in one turn; the jobs of a batch are had together, a page of them a request."""

_PAGE = 1000
_ENDED = {status.value for status in ENDED}


class Watcher:
    """Settles handles when their jobs have ended. Its threads live while there is something to wait for."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._changed = threading.Condition()
        self._waiting: dict[str, list[JobHandle]] = {}
        self._batches: dict[str, set[str]] = {}
        """Batch → those of its jobs that are waited for."""
        self._heard: dict[str, None] = {}
        """Jobs that have ended, by what the API told."""
        self._due: dict[str, None] = {}
        """Jobs that are to be looked at once, as they may have ended before the API told."""
        self._is_turn, self._turned = True, 0.0
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._pause = _SHORTEST_PAUSE

    def watch(self, handles: list[JobHandle], batch: str | None = None) -> None:
        """Settle these handles when their jobs end. `batch`: the one that all of them are of."""
        for handle in handles:
            if handle.seen["status"] in _ENDED:
                handle.settle(handle.seen)
        with self._changed:
            for handle in handles:
                if not handle.done():
                    self._waiting.setdefault(handle.id, []).append(handle)
                    if batch:
                        self._batches.setdefault(batch, set()).add(handle.id)
                        self._is_turn = True
                    else:
                        self._due[handle.id] = None
            self._pause = _SHORTEST_PAUSE
            self._changed.notify()
            if self._waiting and self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._run, name="jobsapi-watcher", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Wait no more; those who still wait are told."""
        with self._changed:
            self._is_closed = True
            left = [each for handles in self._waiting.values() for each in handles]
            self._waiting.clear()
            self._batches.clear()
            self._changed.notify()
        for handle in left:
            handle.give_up(ApiUnavailable("The client was closed before the job ended."))

    def _run(self) -> None:
        ends = Ends(self._transport, self._hear)
        try:
            self._watch_until_none_waits(ends)
        finally:
            ends.stop()

    def _watch_until_none_waits(self, ends: Ends) -> None:
        began = seen = time.monotonic()
        while self._is_needed(ends):
            is_answered = False
            try:
                for job in self._look(is_live=ends.is_open):
                    self._tell(job)
                seen, is_answered = time.monotonic(), True
            except (ApiUnavailable, StoreUnavailable) as problem:
                self._look_at_all()
                if time.monotonic() - seen > _OUTAGE:
                    self._give_up(list(self._waiting), problem)
            except JobsApiError as problem:  # a token that is no longer known, a proxy's own answer
                self._give_up(list(self._waiting), problem)
            except BaseException as problem:
                self._give_up(list(self._waiting), JobsApiError(f"The watcher failed: {problem!r}."))
                raise
            until_listening = began + _LISTEN_AFTER - time.monotonic()
            if until_listening <= 0 and self._waiting:
                ends.start()
            self._rest(ends, until_listening, is_answered=is_answered)

    def _rest(self, ends: Ends, until_listening: float, *, is_answered: bool) -> None:
        """Until there is something to look at, or it is time to."""
        with self._changed:
            pause = self._pause if until_listening <= 0 else min(self._pause, until_listening)
            self._pause = min(self._pause * 1.3, _LONGEST_PAUSE)
            if not is_answered:
                self._changed.wait(pause)
            else:
                self._changed.wait_for(self._is_called, _NET if ends.is_open else pause)

    def _is_called(self) -> bool:
        return bool(self._heard or self._due or self._is_turn or self._is_closed or not self._waiting)

    def _hear(self, jid: str | None) -> None:
        """That job has ended; None: any may have, look at all."""
        with self._changed:
            if jid is None:
                self._look_at_all()
                self._pause = _SHORTEST_PAUSE
            elif jid in self._waiting:
                self._heard[jid] = None
            self._changed.notify()

    def _look_at_all(self) -> None:
        with self._changed:
            known = set().union(*self._batches.values())
            self._due = {each: None for each in self._waiting if each not in known}
            self._is_turn = True

    def _is_needed(self, ends: Ends) -> bool:
        with self._changed:
            if ends.is_open:
                self._changed.wait_for(lambda: self._waiting or self._is_closed, _LINGER)
            if not self._waiting or self._is_closed:
                self._thread = None
                return False
            return True

    def _to_look_at(self, *, is_live: bool) -> tuple[dict[str, set[str]], list[str]]:
        """Batches with those of their jobs that are waited for, and single jobs.

        Without events it is always the turn of all batches and of some of the single jobs, and of others the next time.
        """
        with self._changed:
            heard, self._heard = self._heard, {}
            if not is_live:
                self._due.clear()
            due = list(islice(self._due, _AT_ONCE))
            batches = {
                batch: ids for batch, ids in self._batches.items() if sum(jid in ids for jid in heard) > _AT_ONCE
            }
            singles: list[str] = []
            if self._is_turn or not is_live or time.monotonic() - self._turned > _NET:
                self._is_turn, self._turned = False, time.monotonic()
                batches = self._batches
                known = set().union(*batches.values())
                singles = [jid for jid in self._waiting if jid not in known][:_AT_ONCE]
            batches = {batch: set(ids) for batch, ids in batches.items()}
            for jid in due:
                del self._due[jid]
            known = set().union(*batches.values())
            return batches, [jid for jid in dict.fromkeys([*heard, *due, *singles]) if jid not in known]

    def _look(self, *, is_live: bool) -> Iterator[Job]:
        """The jobs that are waited for, as they are now: those of which there may be something new."""
        batches, singles = self._to_look_at(is_live=is_live)
        for batch, ids in batches.items():
            found = self._transport.pages("/jobs", "jobs", {"batch": batch, "limit": _PAGE})
            yield from (Job(each) for each in found if each["id"] in ids)
        for jid in singles:
            try:
                yield Job(self._transport.json("GET", path_of("jobs", jid)))
            except (ApiUnavailable, StoreUnavailable):
                raise
            except JobsApiError as problem:  # it was removed
                self._give_up([jid], problem)
            with self._changed:
                if handles := self._waiting.pop(jid, None):
                    self._waiting[jid] = handles  # behind the others

    def _tell(self, job: Job) -> None:
        if job["status"] not in _ENDED:
            for handle in self._waiting.get(job["id"], ()):
                handle.show(job)
            return
        for handle in self._taken(job["id"]):
            handle.settle(job)
        self._pause = _SHORTEST_PAUSE

    def _give_up(self, ids: list[str], problem: JobsApiError) -> None:
        for jid in ids:
            for handle in self._taken(jid):
                handle.give_up(problem)

    def _taken(self, jid: str) -> list[JobHandle]:
        with self._changed:
            for batch in [each for each, ids in self._batches.items() if jid in ids]:
                self._batches[batch].discard(jid)
                if not self._batches[batch]:
                    del self._batches[batch]
            return self._waiting.pop(jid, [])
