"""How one column of a segment's index is laid out in bytes, and read again.

A column holds, for each of its distinct values in order, the records that have it. The values stand in *blocks* of
some hundred, each value with its place in the column's list of records; that list, records by value, is cut into
*pieces*. A value that very many records have has a piece of its own, a bitmap. The *head* holds the first value of each
block and the first place of each piece, so that an exact value, a prefix or a range needs the head, at most two
blocks, and the pieces between. Whatever has only one block or piece has it inside its head.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson
from pyroaring import BitMap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "BLOCK",
    "Block",
    "Head",
    "Piece",
    "block_key",
    "decode_block",
    "decode_head",
    "decode_piece",
    "encode",
    "piece_key",
]

_LEVEL = 3
BLOCK = 256
_PIECE = 4096
_SOLID = 1024
"""How many records must have a value for it to be kept as a bitmap of its own."""

_LIST, _BITMAP = b"l", b"b"


def _pack(*parts: bytes) -> bytes:
    """Several byte strings as one, compressed."""
    return zlib.compress(struct.pack(f"<{len(parts)}I", *map(len, parts)) + b"".join(parts), _LEVEL)


def _unpack(data: bytes, count: int) -> list[bytes]:
    """The `count` byte strings of `pack`."""
    raw = zlib.decompress(data)
    at, parts = 4 * count, []
    for size in struct.unpack_from(f"<{count}I", raw):
        parts.append(raw[at : at + size])
        at += size
    return parts


@dataclass(frozen=True)
class Block:
    """Values in order; those of `values[i]` have the places from `starts[i]` to `starts[i + 1]`."""

    values: list[Any]
    starts: array[int]


class Piece:
    """Part of a column's list of records, or a bitmap of all the records of one value."""

    def __init__(self, records: array[int], whole: BitMap | None = None) -> None:
        self.records = records
        if whole is not None:
            self.whole = whole

    @cached_property
    def whole(self) -> BitMap:
        """All of it as a bitmap, made once: most pieces of a wide range are used whole."""
        return BitMap(array("I", self.records))

    def part(self, start: int, end: int) -> BitMap:
        """The records from `start` to `end` in it."""
        if start <= 0 and end >= len(self.records):
            return self.whole
        return BitMap(array("I", self.records[max(0, start) : end]))


@dataclass(frozen=True)
class Head:
    """What leads to a column's blocks and pieces; `block` and `piece` are the numbers of the first in the segment."""

    fences: list[Any]
    block: int
    places: list[int]
    piece: int
    total: int
    only_block: Block | None
    only_piece: Piece | None

    def block_key(self, number: int) -> bytes:
        """The field of the segment's hash with a block of this column."""
        return block_key(self.block + number)

    def piece_key(self, number: int) -> bytes:
        """The field of the segment's hash with a piece of this column."""
        return piece_key(self.piece + number)

    def blocks_for(self, low: Any, high: Any) -> set[int]:
        """The blocks that say where the values from `low` to `high` begin and end; None is open."""
        return {self._low_block(low), self._high_block(high)}

    def span(self, low: Any, high: Any, block: Callable[[bytes], Block]) -> tuple[int, int]:
        """The places of the values from `low` to `high`, both included; `block` gives the block under a key."""
        start, end = 0, self.total
        if low is not None:
            its = self.only_block or block(self.block_key(self._low_block(low)))
            start = its.starts[bisect_left(its.values, low)]
        if high is not None:
            its = self.only_block or block(self.block_key(self._high_block(high)))
            end = its.starts[bisect_right(its.values, high)]
        return start, max(start, end)

    def pieces_for(self, start: int, end: int) -> range:
        """The pieces that hold these places."""
        if start == end:
            return range(0)
        return range(bisect_right(self.places, start) - 1, bisect_left(self.places, end))

    def records(self, start: int, end: int, piece: Callable[[bytes], Piece]) -> BitMap:
        """The records at the places from `start` to `end`; `piece` gives the piece under a key."""
        found = BitMap()
        for number in self.pieces_for(start, end):
            its = self.only_piece or piece(self.piece_key(number))
            found |= its.part(start - self.places[number], end - self.places[number])
        return found

    def _low_block(self, low: Any) -> int:
        return 0 if low is None else max(0, bisect_left(self.fences, low) - 1)

    def _high_block(self, high: Any) -> int:
        return len(self.fences) - 1 if high is None else max(0, bisect_right(self.fences, high) - 1)


def block_key(number: int) -> bytes:
    """The field of a segment's hash with that block."""
    return b"b%d" % number


def piece_key(number: int) -> bytes:
    """The field of a segment's hash with that piece."""
    return b"p%d" % number


def encode(entries: Mapping[Any, int | array[int]], block: int, piece: int) -> tuple[bytes, list[bytes], list[bytes]]:
    """A column's head, its blocks and its pieces; `block` and `piece` are the first free numbers in the segment.

    `entries` leads from each value to the record or the ascending records that have it.
    """
    values = sorted(entries)
    pieces = _Pieces()
    starts = array("I")
    for value in values:
        starts.append(pieces.total)
        pieces.add(entries[value])
    starts.append(pieces.total)
    pieces.cut()
    cuts = range(0, len(values), BLOCK)
    blocks = [_pack(orjson.dumps(values[i : i + BLOCK]), starts[i : i + BLOCK + 1].tobytes()) for i in cuts]
    only_block = blocks.pop() if len(blocks) == 1 else b""
    only_piece = pieces.done.pop() if len(pieces.done) == 1 else b""
    facts = [values[::BLOCK], block, pieces.places, piece, pieces.total]
    return _pack(orjson.dumps(facts), only_block, only_piece), blocks, pieces.done


class _Pieces:
    """The pieces of a column under way."""

    def __init__(self) -> None:
        self.done: list[bytes] = []
        self.places: list[int] = []
        self.total = 0
        self._waiting = array("H")

    def add(self, records: int | array[int]) -> None:
        if isinstance(records, int):
            self._waiting.append(records)
            self.total += 1
        elif len(records) < _SOLID:
            self._waiting.extend(records)
            self.total += len(records)
        else:
            self.cut()
            whole = BitMap(array("I", records))
            whole.run_optimize()
            self._close(_BITMAP, whole.serialize(), self.total)
            self.total += len(records)
        if len(self._waiting) >= _PIECE:
            self.cut()

    def cut(self) -> None:
        if self._waiting:
            self._close(_LIST, self._waiting.tobytes(), self.total - len(self._waiting))
            self._waiting = array("H")

    def _close(self, kind: bytes, data: bytes, place: int) -> None:
        self.places.append(place)
        self.done.append(kind + zlib.compress(data, _LEVEL))


def decode_head(data: bytes) -> Head:
    """The head that `encode` made."""
    facts, only_block, only_piece = _unpack(data, 3)
    fences, block, places, piece, total = orjson.loads(facts)
    inner_block = decode_block(only_block) if only_block else None
    inner_piece = decode_piece(only_piece) if only_piece else None
    return Head(fences, block, places, piece, total, inner_block, inner_piece)


def decode_block(data: bytes) -> Block:
    """A block that `encode` made."""
    values, starts = _unpack(data, 2)
    return Block(orjson.loads(values), array("I", starts))


def decode_piece(data: bytes) -> Piece:
    """A piece that `encode` made."""
    raw = zlib.decompress(data[1:])
    return Piece(array("H"), BitMap.deserialize(raw)) if data[:1] == _BITMAP else Piece(array("H", raw))
