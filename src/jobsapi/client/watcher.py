"""Waits for the ends of all jobs that a client has handles of: one thread, one connection, however many there are."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

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
_OUTAGE = 300.0
"""Seconds without an answer after which those who wait are told that the API is gone."""

_AT_ONCE = 20
"""Single jobs that are looked at in one turn; the jobs of a batch are had together, a page of them a request."""

_PAGE = 1000
_ENDED = {status.value for status in ENDED}


class Watcher:
    """Settles handles when their jobs have ended. Its thread lives while there is something to wait for."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._changed = threading.Condition()
        self._waiting: dict[str, list[JobHandle]] = {}
        self._batches: dict[str, set[str]] = {}
        """Batch → those of its jobs that are waited for."""
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
        seen = time.monotonic()
        while self._is_needed():
            try:
                for job in self._look():
                    self._tell(job)
                seen = time.monotonic()
            except (ApiUnavailable, StoreUnavailable) as problem:
                if time.monotonic() - seen > _OUTAGE:
                    self._give_up(list(self._waiting), problem)
            except JobsApiError as problem:  # a token that is no longer known, a proxy's own answer
                self._give_up(list(self._waiting), problem)
            except BaseException as problem:
                self._give_up(list(self._waiting), JobsApiError(f"The watcher failed: {problem!r}."))
                raise
            with self._changed:
                self._changed.wait(self._pause)
                self._pause = min(self._pause * 1.3, _LONGEST_PAUSE)

    def _is_needed(self) -> bool:
        with self._changed:
            if not self._waiting or self._is_closed:
                self._thread = None
                return False
            return True

    def _look(self) -> Iterator[Job]:
        """The jobs that are waited for, as they are now; of many single ones some, and others the next time."""
        with self._changed:
            batches = {batch: set(ids) for batch, ids in self._batches.items()}
            known = set().union(*batches.values())
            singles = [jid for jid in self._waiting if jid not in known][:_AT_ONCE]
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
