"""What happens to a job, as it happens: the API's Server-Sent Events, resumed where a connection was cut."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi.client.transport import path_of
from jobsapi.errors import ApiUnavailable, JobsApiError, StoreUnavailable, UnknownJob
from jobsapi.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    import urllib3

    from jobsapi.client.transport import Transport

__all__ = ["Event", "NothingMoreError", "follow", "stream"]

_SILENCE = 45.0
"""Seconds without a byte after which a stream is dead: the API sends a heartbeat every 15."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_OUTAGE = 300.0
"""Seconds without an answer after which the API is taken for gone."""

_LOOK_EVERY = 0.5
_ENDED = {status.value for status in ENDED}


class NothingMoreError(Exception):
    """The job ended before `last`: no event comes any more."""


@dataclass(frozen=True)
class Event:
    """One thing that happened to a job."""

    kind: str
    """`status`, `progress`, `log` or `position`."""
    data: dict[str, Any]
    """What the API tells of it."""
    id: str = ""
    """Where a stream that begins behind it goes on."""


def follow(transport: Transport, jid: str, last: str = "") -> Iterator[Event]:
    """The events of a job until it has ended, those behind the one with the id `last`.

    Raises UnknownJob, ApiUnavailable after minutes of silence.
    """
    heard, pause = time.monotonic(), _SHORTEST_PAUSE
    while True:
        try:
            for event in stream(transport, path_of("jobs", jid, "events"), last):
                last, heard, pause = event.id or last, time.monotonic(), _SHORTEST_PAUSE
                yield event
                if event.kind == "status" and event.data.get("status") in _ENDED:
                    return
        except NothingMoreError:
            return
        except UnknownJob:
            raise
        except (ApiUnavailable, StoreUnavailable):
            if time.monotonic() - heard > _OUTAGE:
                raise
        except JobsApiError as problem:
            if problem.http_status not in (404, 503):
                raise
            yield from _looked_at(transport, jid)  # this API has no streams, or none left to give
            return
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def stream(
    transport: Transport,
    path: str,
    last: str = "",
    *,
    opened: Callable[[urllib3.BaseHTTPResponse], None] | None = None,
    placed: Callable[[str], None] | None = None,
) -> Generator[Event, None, None]:
    """One connection's events, those behind the one with the id `last` where it is given.

    `opened`: called with the reply before it is read; to shut it down from another thread ends the stream. `placed`:
    called with each id, before its event where it has one: the API gives some without, the first of all among them.
    Raises ApiUnavailable, NothingMoreError.
    """
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
    with closing(transport.open("GET", path, headers=headers, timeout=_SILENCE)) as response:
        if response.status == 204:  # its end was told before
            raise NothingMoreError
        if opened:
            opened(response)
        yield from _parsed(_lines(transport.pieces(response, None)), placed)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends; one that was not ended is left out, as its connection was cut."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).replace(b"\r\n", b"\n").split(b"\n")
        yield from lines


def _parsed(lines: Iterable[bytes], placed: Callable[[str], None] | None) -> Iterator[Event]:
    kind, data, last = "message", b"", ""
    for line in lines:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            kind = value.decode()
        elif name == b"data":
            data += value if not data else b"\n" + value
        elif name == b"id":
            last = value.decode()
        elif not line:
            if last and placed:
                placed(last)
            if data:
                yield Event(kind, orjson.loads(data), last)
            kind, data = "message", b""


def _looked_at(transport: Transport, jid: str) -> Iterator[Event]:
    """The same from looks at the job."""
    status, progress, told = None, None, 0
    while True:
        job = transport.json("GET", path_of("jobs", jid))
        if job["progress"] != progress and job["progress"] is not None:
            progress = job["progress"]
            yield Event("progress", progress)
        text = transport.read(path_of("jobs", jid, "logs"))[1]
        if len(text) > told:
            yield Event("log", {"text": text[told:].decode(errors="replace")})
            told = len(text)
        if job["status"] != status:
            status = job["status"]
            yield Event("status", job)
            if status in _ENDED:
                return
        time.sleep(_LOOK_EVERY)
