"""One segment under way: its records compressed in chunks as they come, its index in memory until the end."""

from __future__ import annotations

import zlib
from array import array
from typing import TYPE_CHECKING, Any

import orjson
from pyroaring import BitMap

from jobsapi.data import columns
from jobsapi.data.segments import CHUNKS, IDS, LITERALS, META, NUMBERS, TEXTS, WORDS, Segment, column_key
from jobsapi.data.words import bounded, words

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BOOLEAN", "INTEGER", "NULL", "NUMBER", "STRING", "Builder", "weight"]

_CHUNK = 16 * 1024
_LEVEL = 3

MOST_RECORDS = 1 << 16
"""A record's number in its segment fits 16 bits."""

MOST_ENTRIES = 500_000
"""Distinct values and words of one segment: about 100 MB of memory while it is built."""

MOST_BYTES = 32 << 20
"""JSON of one segment's records."""

NULL, BOOLEAN, INTEGER, NUMBER, STRING = 1, 2, 4, 8, 16


def weight(count: int, size: int, entries: int) -> float:
    """How much of a segment's room so many records, bytes of JSON and entries of the index take."""
    return max(count / MOST_RECORDS, size / MOST_BYTES, entries / MOST_ENTRIES)


class Builder:
    """Takes records in and gives out what is to be stored, as (field of the segment's hash, bytes)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ids: dict[str, int] = {}
        """The record of each id; one that was replaced within this segment is in `dead`."""
        self.dead: list[int] = []
        self.count = 0
        self.size = 0
        self.entries = 0
        self._columns: dict[tuple[str, str], dict[Any, int | array[int]]] = {}
        self._fields: dict[str, int] = {}
        self._chunk: list[bytes] = []
        self._chunk_size = 0
        self._starts = array("H")

    @property
    def weight(self) -> float:
        """How full it is; 1 is full."""
        return weight(self.count, self.size, self.entries)

    def add(self, key: str, raw: bytes, record: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
        """Take one record in; `raw` is its JSON. Gives a chunk whenever one is full."""
        number = self.count
        if key in self.ids:
            self.dead.append(self.ids[key])
        self.ids[key] = number
        self._index(number, record)
        if not self._chunk:
            self._starts.append(number)
        self._chunk.append(raw)
        self._chunk_size += len(raw)
        self.size += len(raw)
        self.count += 1
        if self._chunk_size >= _CHUNK:
            yield self._cut()

    def finish(self) -> Iterator[tuple[bytes, bytes]]:
        """The rest: the last chunk, the index, the segment's description."""
        if self._chunk:
            yield self._cut()
        self._columns[IDS, ""] = dict(self.ids)
        block = piece = 0
        for (kind, name), entries in self._columns.items():
            head, blocks, pieces = columns.encode(entries, block, piece)
            yield column_key(kind, name), head
            for data in blocks:
                yield columns.block_key(block), data
                block += 1
            for data in pieces:
                yield columns.piece_key(piece), data
                piece += 1
        yield CHUNKS, self._starts.tobytes()
        yield META, zlib.compress(orjson.dumps(self._fields), _LEVEL)

    def segment(self) -> Segment:
        """What a generation's manifest says of it."""
        return Segment(self.name, self.count, self.size, self.entries, BitMap(self.dead))

    def _cut(self) -> tuple[bytes, bytes]:
        number = len(self._starts) - 1
        data = zlib.compress(b"\n".join(self._chunk), _LEVEL)
        self._chunk, self._chunk_size = [], 0
        return b"r%d" % number, data

    def _index(self, number: int, record: dict[str, Any]) -> None:
        for path, value in _leaves(record):
            if isinstance(value, str):
                self._note(path, STRING)
                self._put(TEXTS, path, bounded(value), number)
                found = words(value)
            elif value is None or isinstance(value, bool):
                self._note(path, NULL if value is None else BOOLEAN)
                literal = "null" if value is None else "true" if value else "false"
                self._put(LITERALS, path, literal, number)
                found = () if value is None else (literal,)
            else:
                self._note(path, INTEGER if isinstance(value, int) else NUMBER)
                self._put(NUMBERS, path, value, number)
                found = _number_words(value)
            for word in found:
                self._put(WORDS, "", word, number)

    def _note(self, path: str, kind: int) -> None:
        self._fields[path] = self._fields.get(path, 0) | kind

    def _put(self, kind: str, name: str, value: Any, number: int) -> None:
        column = self._columns.get((kind, name))
        if column is None:
            column = self._columns[kind, name] = {}
        held = column.get(value)
        if held is None:
            column[value] = number
            self.entries += 1
        elif isinstance(held, int):
            if held != number:
                column[value] = array("H", (held, number))
        elif held[-1] != number:
            held.append(number)


def _leaves(record: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each text, number, boolean and null with its field; those inside objects as `outer.inner`, lists by element."""
    waiting: list[tuple[str, Any]] = list(record.items())
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(path, inner) for inner in value]
        else:
            yield path, value


def _number_words(value: float) -> tuple[str, ...]:
    """A number's words as it is written; a whole one also without its `.0`."""
    text = orjson.dumps(value).decode()
    return words(text) + ((text[:-2].lstrip("-"),) if text.endswith(".0") else ())
