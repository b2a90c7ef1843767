"""Reads parts of segments, several in one round trip, and keeps those that searches come back to."""

from __future__ import annotations

import threading
import zlib
from array import array
from bisect import bisect_right
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Any

from jobsapi.data.segments import CHUNKS
from jobsapi.errors import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from jobsapi.data.segments import Segment
    from jobsapi.store import Store

    Part = tuple[str, bytes]  # a segment's name and the field of its hash

__all__ = ["Reader"]

_MOST_KEPT = 64 << 20
"""Bytes of parts that a process keeps, as they take in memory, roughly."""

_GROWTH = 8
"""How much larger a part is in memory than in the store, roughly: texts become objects."""

_AT_ONCE = 64
"""Chunks of records that are read in one go: 4 KiB of JSON each, or one large record."""


class _Kept:
    """Decoded parts, the least recently used dropped first. A part never changes, so none is ever wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: OrderedDict[tuple[str, Part], tuple[Any, int]] = OrderedDict()
        self._size = 0

    def get(self, key: tuple[str, Part]) -> tuple[Any] | None:
        with self._lock:
            if key not in self._parts:
                return None
            self._parts.move_to_end(key)
            return (self._parts[key][0],)

    def put(self, key: tuple[str, Part], value: Any, size: int) -> None:
        with self._lock:
            if key in self._parts:
                return
            self._parts[key] = value, size
            self._size += size
            while self._size > _MOST_KEPT:
                self._size -= self._parts.popitem(last=False)[1][1]


_kept = _Kept()


class Reader:
    """The segments of one data set in the store."""

    def __init__(self, store: Store, dataset: str) -> None:
        self._store, self._dataset = store, dataset
        self._place = f"{store.url} {store.keys.prefix}{dataset}"

    def parts(
        self, wanted: Iterable[Part], decode: Callable[[bytes], Any], *, growth: int = _GROWTH
    ) -> dict[Part, Any]:
        """The decoded parts; None for one that is not there."""
        found: dict[Part, Any] = {}
        missing: dict[str, list[bytes]] = {}
        for part in wanted:
            kept = _kept.get((self._place, part))
            if kept:
                found[part] = kept[0]
            elif part not in found:
                found[part] = None
                missing.setdefault(part[0], []).append(part[1])
        for part, data in self._fetch(missing):
            value = None if data is None else decode(data)
            found[part] = value
            _kept.put((self._place, part), value, 200 + growth * len(data or b""))
        return found

    def raw(self, places: Iterable[tuple[Segment, int]]) -> Iterator[bytes]:
        """The JSON of the records with these numbers in these segments, in the order asked for, some at a time.

        Raises Unreadable where their generation was removed meanwhile.
        """
        rest = iter(places)
        while some := list(islice(rest, 1000)):
            yield from self._raw(some)

    def _raw(self, places: Sequence[tuple[Segment, int]]) -> Iterator[bytes]:
        starts = self.parts({(segment.name, CHUNKS) for segment, _ in places}, lambda data: array("H", data))
        located = []
        for segment, number in places:
            begins = self._there(starts[segment.name, CHUNKS])
            chunk = bisect_right(begins, number) - 1
            located.append(((segment.name, b"r%d" % chunk), number - begins[chunk]))
        at = 0
        while at < len(located):
            chunks: set[Part] = set()
            end = at
            while end < len(located) and (located[end][0] in chunks or len(chunks) < _AT_ONCE):
                chunks.add(located[end][0])
                end += 1
            lines = self._lines(chunks)
            yield from [lines[chunk][line] for chunk, line in located[at:end]]
            at = end

    def _lines(self, chunks: Iterable[Part]) -> dict[Part, list[bytes]]:
        fields: dict[str, list[bytes]] = {}
        for name, chunk in chunks:
            fields.setdefault(name, []).append(chunk)
        return {part: zlib.decompress(self._there(data)).split(b"\n") for part, data in self._fetch(fields)}

    def _fetch(self, fields: dict[str, list[bytes]]) -> Iterator[tuple[Part, bytes | None]]:
        if not fields:
            return
        pipe = self._store.redis.pipeline(transaction=False)
        for name, its in fields.items():
            pipe.hmget(self._store.keys.segment(self._dataset, name), its)
        for (name, its), values in zip(fields.items(), self._store.execute(pipe), strict=True):
            for field, data in zip(its, values, strict=True):
                yield (name, field), data

    @staticmethod
    def _there(value: Any) -> Any:
        if value is None:
            raise Unreadable("This state of the data set is no longer kept: it was replaced too long ago.")
        return value
