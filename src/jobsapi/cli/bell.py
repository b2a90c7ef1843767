"""Rings when the API tells that something happened, so that what is waited for is seen at once."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from jobsapi.errors import ApiUnavailable, StoreUnavailable

if TYPE_CHECKING:
    from jobsapi.client import Client

__all__ = ["Bell"]

_AGAIN = 1.0
"""Seconds until a stream that was cut is asked for again."""

_LONGEST_SILENCE = 2.0
"""Seconds after which it is looked again although nothing rang: a stream may be dead before anybody knows."""


class Bell:
    """Hears the events of a job, or of all jobs, in the background; an API that has none to give is just silent."""

    def __init__(self, client: Client, path: str) -> None:
        """`path`: the stream's address below the API's: `/events`, `/jobs/ID/events`."""
        self._client, self._path = client, path
        self._rung = threading.Event()
        self._is_heard = False
        self._is_over = threading.Event()
        threading.Thread(target=self._hear, name="jobsapi-bell", daemon=True).start()

    def wait(self, pause: float, shortest: float = 0.05, longest: float = _LONGEST_SILENCE) -> None:
        """Until it rings, at most `longest` seconds; where there are no events, `pause` seconds.

        Not less than `shortest`, however often it rings.
        """
        began = time.monotonic()
        self._rung.wait(max(pause, longest) if self._is_heard else pause)
        time.sleep(max(0.0, shortest - (time.monotonic() - began)))
        self._rung.clear()

    def ring(self) -> None:
        """Something else happened that whoever waits wants to see."""
        self._rung.set()

    def stop(self) -> None:
        """It need not ring any more."""
        self._is_over.set()

    def _hear(self) -> None:
        from jobsapi.client.events import stream

        while not self._is_over.is_set():
            try:
                for _ in stream(self._client._transport, self._path):
                    self._is_heard = True
                    self._rung.set()
                    if self._is_over.is_set():
                        return
            except (ApiUnavailable, StoreUnavailable):
                pass  # it may be starting again
            except Exception:  # noqa: BLE001 - no events here, or none to give: whoever waits looks by himself
                self._is_heard = False
                return
            self._is_heard = False
            self._rung.set()  # the job may have ended, the API gone: look
            self._is_over.wait(_AGAIN)
