"""How the values of a field are spread, over a whole data set or what a search finds: counted by the index alone."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from jobsapi import store as stores
from jobsapi.data import columns, generations
from jobsapi.data.conditions import asked, fitting
from jobsapi.data.reader import Reader
from jobsapi.data.segments import LITERALS, NUMBERS, TEXTS, column_key
from jobsapi.names import checked_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pyroaring import BitMap

    from jobsapi.data.columns import Block, Head, Piece
    from jobsapi.data.segments import Segment
    from jobsapi.store import Store

__all__ = ["MOST_BINS", "histogram"]

MOST_BINS = 50
_MOST_DIFFERENT = 5_000
"""How many different texts are counted one by one."""

_MOST_COUNTED = 2_000_000
"""How many values are looked at where not all records count: about a tenth of a second for each million."""


def histogram(
    field: str,
    text: str = "",
    *,
    dataset: str = "default",
    where: Mapping[str, Any] | None = None,
    bins: int = 12,
    store: Store | None = None,
) -> dict[str, Any]:
    """How the values of a field are spread among the records that `search` would find with `text` and `where`.

    {"field", "total": how many records fit, "numbers", "values"}. `numbers` is {"low", "high", "counts"}: how many have
    a number in each of `bins` equal ranges between both, each without its end but the last; of all records they are the
    least and the greatest number there is. `values` is {"different", "top"}: how many different texts, or true and
    false, there are, and the most frequent of them, [value, how many] each; long texts are cut. Each is None where
    there are none, or too many to be counted. A record whose field is a list counts once for each of its values.
    """
    store = store or stores.default()
    generation = generations.current(store, checked_name("data set", dataset))
    reader, conditions = Reader(store, dataset), asked(text, where or {})
    found = fitting(reader, generation.segments, conditions)
    is_all = not conditions and not any(segment.dead for segment in generation.segments)
    numbers, texts, literals = (
        _Column(reader, generation.segments, kind, field, None if is_all else found)
        for kind in (NUMBERS, TEXTS, LITERALS)
    )
    values = texts.counted()
    if values is not None:
        values.update({word: count for word, count in (literals.counted() or {}).items() if word != "null"})
    top = [[value, count] for value, count in values.most_common(bins)] if values else None
    return {
        "field": field,
        "total": sum(map(len, found)),
        "numbers": numbers.spread(bins),
        "values": {"different": len(values), "top": top} if values else None,
    }


class _Column:
    """One column in all segments; `found`: the records that count in each, None for all of them."""

    def __init__(
        self, reader: Reader, segments: Sequence[Segment], kind: str, field: str, found: Sequence[BitMap] | None
    ) -> None:
        key = column_key(kind, field)
        heads = reader.parts([(segment.name, key) for segment in segments], columns.decode_head)
        self._reader = reader
        self._its: list[tuple[str, Head, BitMap | None]] = [
            (segment.name, head, None if found is None else found[i])
            for i, segment in enumerate(segments)
            if (head := heads[segment.name, key])
        ]

    @property
    def _is_too_much(self) -> bool:
        looked_at = sum(head.total for _, head, found in self._its if found is not None)
        return looked_at > _MOST_COUNTED

    def spread(self, bins: int) -> dict[str, Any] | None:
        """How many numbers lie in each of so many equal ranges."""
        if not self._its or self._is_too_much:
            return None
        low, high = self._bounds()
        counts = self._between(_edges(low, high, bins))
        for _ in range(_NARROWINGS):  # what is found may lie close together
            filled = [i for i, count in enumerate(counts) if count]
            if not filled:
                return None
            if len(counts) == 1 or 2 * (filled[-1] - filled[0] + 1) > bins:
                break
            edges = _edges(low, high, bins)
            low, high = edges[filled[0]], edges[filled[-1] + 1]
            counts = self._between(_edges(low, high, bins))
        return {"low": low, "high": high, "counts": counts}

    def counted(self) -> Counter[str] | None:
        """How many records have each value; None where there are too many different ones."""
        if sum(len(head.fences) - 1 for _, head, _ in self._its) * columns.BLOCK > _MOST_DIFFERENT or self._is_too_much:
            return None
        counts: Counter[str] = Counter()
        blocks = self._blocks(lambda head: range(len(head.fences)))
        pieces = self._pieces()
        for name, head, found in self._its:
            for number in range(len(head.fences)):
                block = head.only_block or blocks[name, head.block_key(number)]
                for value, (start, end) in zip(block.values, pairwise(block.starts), strict=True):
                    counts[value] += _count(head, start, end, found, _of(pieces, name))
        return +counts

    def _bounds(self) -> tuple[Any, Any]:
        blocks = self._blocks(lambda head: [len(head.fences) - 1])
        last = [head.only_block or blocks[name, head.block_key(len(head.fences) - 1)] for name, head, _ in self._its]
        return min(head.fences[0] for _, head, _ in self._its), max(block.values[-1] for block in last)

    def _between(self, edges: Sequence[Any]) -> list[int]:
        """How many values lie between two edges, the upper one left out but for the last one."""
        blocks = self._blocks(lambda head: {number for edge in edges for number in head.blocks_for(edge, edges[-1])})
        pieces, counts = self._pieces(), [0] * (len(edges) - 1)
        for name, head, found in self._its:
            places = list(_places(head, edges, _of(blocks, name)))
            for i, (start, end) in enumerate(pairwise(places)):
                counts[i] += _count(head, start, end, found, _of(pieces, name))
        return counts

    def _blocks(self, wanted: Callable[[Head], Iterable[int]]) -> dict[tuple[str, bytes], Block]:
        keys = [
            (name, head.block_key(number))
            for name, head, _ in self._its
            if head.only_block is None
            for number in wanted(head)
        ]
        return self._reader.parts(keys, columns.decode_block)

    def _pieces(self) -> dict[tuple[str, bytes], Piece]:
        """All of them, where not all records count."""
        keys = [
            (name, head.piece_key(number))
            for name, head, found in self._its
            if found is not None and head.only_piece is None
            for number in range(len(head.places))
        ]
        return self._reader.parts(keys, columns.decode_piece, growth=3)


_NARROWINGS = 3
_Part = TypeVar("_Part")


def _of(parts: Mapping[tuple[str, bytes], _Part], name: str) -> Callable[[bytes], _Part]:
    """What gives a segment's part under a key."""
    return lambda key: parts[name, key]


def _edges(low: Any, high: Any, bins: int) -> list[Any]:
    if low == high:
        return [low, high]
    return [low, *(low * (1 - i / bins) + high * (i / bins) for i in range(1, bins)), high]


def _places(head: Head, edges: Sequence[Any], block: Callable[[bytes], Block]) -> Iterator[int]:
    for edge in edges[:-1]:
        yield head.span(edge, None, block)[0]
    yield head.span(None, edges[-1], block)[1]


def _count(head: Head, start: int, end: int, found: BitMap | None, piece: Callable[[bytes], Piece]) -> int:
    if found is None or start >= end:
        return max(0, end - start)
    return head.records(start, end, piece).intersection_cardinality(found)
