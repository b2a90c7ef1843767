"""What happens to jobs, as it happens: the store's stream of events, and parts of logs.

Scripts write the stream only while somebody watches: `watch` says so, and must be called again within `WATCHED_FOR`
seconds. The stream holds some thousand events of all jobs, the oldest go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from redis.exceptions import RedisError

from jobsapi.record import rfc3339
from jobsapi.states import ENDED, Status
from jobsapi.store import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.store import Store

__all__ = [
    "AT_ONCE",
    "ENDED_WORDS",
    "MOST_KEPT",
    "WATCHED_FOR",
    "Event",
    "Place",
    "is_kept",
    "read_behind",
    "read_groups",
    "read_log",
    "read_next",
    "watch",
]

WATCHED_FOR = 300.0
"""Seconds that events are written for after the last call of `watch`: who comes back within misses nothing."""

MOST_KEPT = 10_000
"""About how many events the store keeps."""

AT_ONCE = 1000
"""Events that one read brings at the most."""

ENDED_WORDS = frozenset(status.value for status in ENDED)

_KINDS = {b"s": "status", b"p": "progress", b"l": "log"}


class Place(NamedTuple):
    """An event's place in the stream; a later event has a larger one."""

    ms: int
    number: int

    @classmethod
    def read(cls, text: str) -> Place:
        """From `<ms>-<number>`."""
        ms, _, number = text.partition("-")
        return cls(int(ms), int(number))

    def __str__(self) -> str:
        """`<ms>-<number>`."""
        return f"{self.ms}-{self.number}"


@dataclass(frozen=True, slots=True)
class Event:
    """One of them."""

    place: Place
    kind: str
    """`status`, `progress` or `log`; `begin` where nobody had watched before: there is a gap."""
    job: str
    task: str
    queue: str
    status: str
    """The job's, as on the wire."""
    attempt: int
    data: bytes

    @classmethod
    def of(cls, place: bytes, fields: dict[bytes, bytes]) -> Event:
        """An entry of the stream."""
        where = Place.read(place.decode())
        kind = _KINDS.get(fields[b"k"])
        if kind is None:
            return cls(where, "begin", "", "", "", "", 0, b"")
        job, task, queue = (fields[name].decode() for name in (b"i", b"t", b"q"))
        status = Status.from_code(fields[b"s"].decode()).value
        return cls(where, kind, job, task, queue, status, int(fields[b"a"] or 0), fields[b"d"])

    @property
    def is_end(self) -> bool:
        """Whether the job has ended with it."""
        return self.kind == "status" and self.status in ENDED_WORDS

    @property
    def part(self) -> tuple[int, int]:
        """Of a log event: its first byte among all of the job's log, and the byte behind its last one."""
        first, _, length = self.data.partition(b" ")
        return int(first), int(first) + int(length)

    def told(self) -> dict[str, Any]:
        """What users are told with it; of a log event without the text."""
        if self.kind == "progress":
            told = orjson.loads(self.data)
            return {"id": self.job, "fraction": told.get("fraction"), "message": told.get("message")}
        if self.kind == "log":
            return {"id": self.job, "at": self.part[0]}
        return {
            "id": self.job,
            "status": self.status,
            "reason": self.data.decode() or None,
            "task": self.task,
            "queue": self.queue,
            "attempt": self.attempt,
            "at": rfc3339(self.place.ms),
        }


def watch(store: Store) -> Place:
    """Let events be written for the next `WATCHED_FOR` seconds; the place of the last one. Raises StoreUnavailable."""
    return Place.read(store.run("watch", round(WATCHED_FOR * 1000)).decode())


def read_behind(store: Store, place: Place | None) -> Iterator[Event]:
    """The events behind that place that are there now (None: all that are kept). Raises StoreUnavailable."""
    low = f"({place}" if place else "-"
    while True:
        rows = store.call("xrange", store.keys.events(), low, "+", AT_ONCE)
        yield from (Event.of(where, fields) for where, fields in rows)
        if len(rows) < AT_ONCE:
            return
        low = "(" + rows[-1][0].decode()


def is_kept(store: Store, place: Place) -> bool:
    """Whether that event is still there: then nothing behind it is missing. Raises StoreUnavailable."""
    return bool(store.call("xrange", store.keys.events(), str(place), str(place)))


def read_next(client: Any, store: Store, place: Place, seconds: float) -> list[Event]:
    """The next events behind that place, over a client of its own for which the call waits so long at the most.

    Raises StoreUnavailable.
    """
    key = store.keys.events()
    try:
        found = client.xread({key: str(place)}, AT_ONCE, max(1, round(seconds * 1000)))
    except (RedisError, OSError) as problem:
        raise translated(problem) if isinstance(problem, RedisError) else problem from problem
    return [Event.of(where, fields) for _, rows in found for where, fields in rows]


def read_groups(store: Store, jid: str) -> tuple[tuple[str, ...], str]:
    """The tags of a job, and its batch; nothing of one that is gone. Raises StoreUnavailable."""
    tags, batch = store.call("hmget", store.keys.job(jid), "tg", "bt")
    return tuple((tags or b"").decode().split()), (batch or b"").decode()


def read_log(store: Store, jid: str, first: int, last: int | None = None) -> tuple[str, int]:
    """What a job wrote from its byte `first` on (to `last`), and the byte behind that.

    A character belongs to the part in which its last byte lies, so parts that follow each other are whole together.
    What of a long log is left out is named. Raises StoreUnavailable.
    """
    before = max(0, first - _LONGEST_CHARACTER)
    total, head, left_out, from_head, from_tail = store.run("read_log", jid, before, "" if last is None else last)
    end = total if last is None else min(last, total)
    if first < head + left_out < end and left_out:  # around what is left out
        start = _unfinished(from_head[: first - before]) if first < head else b""
        gone = head + left_out - max(first, head)
        text = _whole(start + from_head[first - before :]) + f"\n[… {gone:,} bytes left out …]\n" + _whole(from_tail)
        return text, end
    kept = from_head + from_tail
    begin = min(len(kept), first - before)
    return _whole(_unfinished(kept[:begin]) + kept[begin:]), end


_LONGEST_CHARACTER = 3
"""Bytes of a character that may lie before its last one."""


def _unfinished(text: bytes) -> bytes:
    """The beginning of a character at the end of a text; nothing where it ends with a whole one."""
    for length in range(1, min(_LONGEST_CHARACTER, len(text)) + 1):
        byte = text[-length]
        if byte >= 0xC0:
            size = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return text[-length:] if size > length else b""
        if byte < 0x80:
            break
    return b""


def _whole(text: bytes) -> str:
    """Without the beginning of a character at its end, which the next part brings."""
    cut = _unfinished(text)
    return text[: len(text) - len(cut)].decode(errors="replace")
