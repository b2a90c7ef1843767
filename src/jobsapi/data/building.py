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

_CHUNK = 4 * 1024
_LEVEL = 3

MOST_RECORDS = 1 << 16
"""A record's number in its segment fits 16 bits."""

MOST_ENTRIES = 1_000_000
"""Distinct values and words of one segment: about 150 MB of memory while it is built."""

MOST_BYTES = 32 << 20
"""JSON of one segment's records."""

NULL, BOOLEAN, INTEGER, NUMBER, STRING = 1, 2, 4, 8, 16


def weight(count: int, size: int, entries: int) -> float:
    """How much of a segment's room so many records, bytes of JSON and entries of the index take."""
    return max(count / MOST_RECORDS, size / MOST_BYTES, entries / MOST_ENTRIES)


Entries = dict[Any, "int | array[int]"]
"""A column: value → the record, or the ascending records, that have it."""


class _Field:
    """One field's columns: what its texts, its numbers, and true, false and null lead to."""

    __slots__ = ("kinds", "literals", "numbers", "texts")

    def __init__(self) -> None:
        self.kinds = 0
        self.texts: Entries = {}
        self.numbers: Entries = {}
        self.literals: Entries = {}


class Builder:
    """Takes records in and gives out what is to be stored, as (field of the segment's hash, bytes)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0
        self._ids: dict[str, int] = {}
        self._dead: list[int] = []
        self._size = 0
        self._entries = 0
        self._words: Entries = {}
        self._fields: dict[str, _Field] = {}
        self._chunk: list[bytes] = []
        self._chunk_size = 0
        self._starts = array("H")

    @property
    def weight(self) -> float:
        """How full it is; 1 is full."""
        return weight(self.count, self._size, self._entries)

    def add(self, key: str, raw: bytes, record: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
        """Take one record in; `raw` is its JSON. Gives a chunk whenever one is full."""
        number = self.count
        if key in self._ids:
            self._dead.append(self._ids[key])
        self._ids[key] = number
        self._index(number, record)
        if not self._chunk:
            self._starts.append(number)
        self._chunk.append(raw)
        self._chunk_size += len(raw)
        self._size += len(raw)
        self.count += 1
        if self._chunk_size >= _CHUNK:
            yield self._cut()

    def finish(self) -> Iterator[tuple[bytes, bytes]]:
        """The rest: the last chunk, the index, the segment's description."""
        if self._chunk:
            yield self._cut()
        block = piece = 0
        for kind, name, entries in self._columns():
            head, blocks, pieces = columns.encode(entries, block, piece)
            yield column_key(kind, name), head
            for data in blocks:
                yield columns.block_key(block), data
                block += 1
            for data in pieces:
                yield columns.piece_key(piece), data
                piece += 1
        yield CHUNKS, self._starts.tobytes()
        kinds = {name: its.kinds for name, its in self._fields.items()}
        yield META, zlib.compress(orjson.dumps(kinds), _LEVEL)

    def segment(self) -> Segment:
        """What a generation's manifest says of it; a record that was replaced within it is dead."""
        return Segment(self.name, self.count, self._size, self._entries, BitMap(self._dead))

    def _columns(self) -> Iterator[tuple[str, str, Entries]]:
        """Kind, name and entries of each column that has any."""
        yield IDS, "", dict(self._ids)
        if self._words:
            yield WORDS, "", self._words
        for name, its in self._fields.items():
            for kind, entries in ((TEXTS, its.texts), (NUMBERS, its.numbers), (LITERALS, its.literals)):
                if entries:
                    yield kind, name, entries

    def _cut(self) -> tuple[bytes, bytes]:
        number = len(self._starts) - 1
        data = zlib.compress(b"\n".join(self._chunk), _LEVEL)
        self._chunk, self._chunk_size = [], 0
        return b"r%d" % number, data

    def _index(self, number: int, record: dict[str, Any]) -> None:
        for path, value in _leaves(record):
            its = self._fields.get(path)
            if its is None:
                its = self._fields[path] = _Field()
            found: tuple[str, ...] = ()
            if isinstance(value, str):
                its.kinds |= STRING
                self._put(its.texts, bounded(value), number)
                found = words(value)
            elif value is None:
                its.kinds |= NULL
                self._put(its.literals, "null", number)
            elif isinstance(value, bool):
                its.kinds |= BOOLEAN
                found = ("true",) if value else ("false",)
                self._put(its.literals, found[0], number)
            else:
                its.kinds |= INTEGER if isinstance(value, int) else NUMBER
                self._put(its.numbers, value, number)
                found = _number_words(value)
            for word in found:
                self._put(self._words, word, number)

    def _put(self, column: Entries, value: Any, number: int) -> None:
        held = column.get(value)
        if held is None:
            column[value] = number
            self._entries += 1
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
    if isinstance(value, int):
        return (str(abs(value)),)
    text = orjson.dumps(abs(value)).decode()
    if "e" in text:
        return words(text)
    return (text, text[:-2]) if text.endswith(".0") else (text,)
