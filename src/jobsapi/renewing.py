"""Renews a worker's leases and its hold on its guard, in threads of its own: they do not wait for what it does."""

from __future__ import annotations

import queue
import random
import threading
import time
from typing import TYPE_CHECKING

from jobsapi import jobs
from jobsapi.errors import JobsApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.store import Store

__all__ = ["Renewer"]

_SHORTEST_CALL = 0.5
_RETRY_EVERY = 0.5
_LONGEST_TURN = 600.0
"""Seconds after which a worker whose own thread has not come round is stuck, and its leases run out."""


class Renewer:
    """Renews three times in a lease, over a connection of its own, while the worker's thread comes round.

    That one may store a large result, or wait for a slow server, for longer than a lease. The guard is held apart from
    the leases: it has to know that this process lives, whether or not the server does.
    """

    def __init__(
        self,
        store: Store,
        *,
        claims: Callable[[], list[tuple[str, str]]],
        hold: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        """`claims`: (id, token) of all that is to be renewed; `wake`: called when there are `answers`."""
        self._lease = store.settings.lease
        self._store = store.with_timeout(max(_SHORTEST_CALL, self._lease / 3))
        self._claims, self._hold, self._wake = claims, hold, wake
        self._answers: queue.SimpleQueue[tuple[str, str, bool]] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._turned_at = time.monotonic()

    def start(self) -> None:
        """Begin."""
        for act in (self._keep_holding, self._keep_renewing):
            threading.Thread(target=act, daemon=True).start()

    def turned(self) -> None:
        """The worker's own thread came round."""
        self._turned_at = time.monotonic()

    def answers(self) -> list[tuple[str, str, bool]]:
        """(id, token, whether the claim still holds) of jobs to be stopped: cancelled where it does, else taken."""
        came = []
        while not self._answers.empty():
            came.append(self._answers.get())
        return came

    def close(self) -> None:
        """Renew no more."""
        self._stopped.set()

    def _keep_holding(self) -> None:
        while not self._stopped.wait(self._lease / 3):
            if self._goes_on():
                self._hold()

    def _keep_renewing(self) -> None:
        pause = self._lease / 3
        while not self._stopped.wait(pause * random.uniform(0.9, 1.0)):  # many workers: not all at the same instant
            pause = self._lease / 3
            claims = self._claims() if self._goes_on() else []
            try:
                told = jobs.renew_jobs(self._store, claims, self._lease) if claims else {}
            except JobsApiError:
                pause = min(pause, _RETRY_EVERY)
                continue
            for jid, token in claims:
                if told[jid] is not False:
                    self._answers.put((jid, token, told[jid] is True))
                    self._wake()
        self._store.close()

    def _goes_on(self) -> bool:
        return time.monotonic() - self._turned_at < _LONGEST_TURN
