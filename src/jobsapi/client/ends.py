"""Which jobs have ended, as the API tells it: one stream of events, heard in the background while it is wanted."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from jobsapi.client.events import stream
from jobsapi.client.transport import with_query
from jobsapi.errors import ApiUnavailable, JobsApiError, StoreUnavailable
from jobsapi.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable

    import urllib3

    from jobsapi.client.transport import Transport

__all__ = ["Ends"]

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds until a stream that was cut is asked for again."""

_NONE_LEFT = 30.0
"""The same where the API had none to give, or a proxy answered in its place."""

_ENDED = {status.value for status in ENDED}


class Ends:
    """Tells whose job has ended; an API that has no stream to give is just silent."""

    def __init__(self, transport: Transport, tell: Callable[[str | None], None]) -> None:
        """`tell`: called in a thread of its own with a job's id; with None where ends may have been missed."""
        self._transport, self._tell = transport, tell
        self._is_open, self._is_over = False, threading.Event()
        self._lock = threading.Lock()
        self._response: urllib3.BaseHTTPResponse | None = None
        self._thread: threading.Thread | None = None
        self._last = ""

    @property
    def is_open(self) -> bool:
        """Whether every end from here on will be told."""
        return self._is_open

    def start(self) -> None:
        """Begin to hear, unless it did."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._hear, name="jobsapi-ends", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Nobody wants to know any more: the thread ends, also where it waits for the next event."""
        self._is_over.set()
        with self._lock:
            self._shut()

    def _shut(self) -> None:
        if self._response is not None:
            with suppress(Exception):  # it has ended by itself
                self._response.shutdown()

    def _hear(self) -> None:
        path, pause = with_query("/events", {"status": ",".join(sorted(_ENDED))}), _SHORTEST_PAUSE
        while not self._is_over.is_set():
            try:
                self._listen(path)
            except (ApiUnavailable, StoreUnavailable):
                pass  # it may be starting again
            except JobsApiError as problem:
                if problem.http_status < 500:
                    return  # no events here, or not of several statuses
                pause = _NONE_LEFT
            except Exception:  # noqa: BLE001 -- whatever was sent is no stream of events
                return
            finally:
                with self._lock:
                    self._response = None
                if self._is_open:
                    self._is_open, pause = False, _SHORTEST_PAUSE
                    self._tell(None)
            self._is_over.wait(pause)
            pause = min(2 * pause, max(pause, _LONGEST_PAUSE))

    def _listen(self, path: str) -> None:
        with closing(stream(self._transport, path, self._last, opened=self._opened, placed=self._placed)) as events:
            for event in events:
                if event.kind == "gap":
                    self._tell(None)
                elif event.kind == "status" and event.data["status"] in _ENDED:
                    self._tell(event.data["id"])

    def _opened(self, response: urllib3.BaseHTTPResponse) -> None:
        with self._lock:
            self._response = response
            if self._is_over.is_set():
                self._shut()

    def _placed(self, place: str) -> None:
        self._last = place
        if not self._is_open:  # what ended before this is in no event
            self._is_open = True
            self._tell(None)
