"""What a search asks for, and which records of which segments fit: a few parts of the index, and bitmaps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from operator import and_, or_
from typing import TYPE_CHECKING, Any

import orjson
from pyroaring import BitMap

from jobsapi.data import columns
from jobsapi.data.segments import IDS, LITERALS, NUMBERS, TEXTS, WORDS, column_key
from jobsapi.data.words import LONGEST, bounded, sought
from jobsapi.errors import FieldError, Invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jobsapi.data.reader import Reader
    from jobsapi.data.segments import Segment

__all__ = ["Span", "asked", "fitting", "ids_of", "with_ids"]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Span:
    """The values of one column from `low` to `high`, both included; None is open."""

    kind: str
    name: str
    low: Any
    high: Any


Condition = tuple[Span, ...]
"""A record fits where it has a value in one of the spans."""


def asked(text: str, where: Mapping[str, Any]) -> list[Condition]:
    """The conditions of a search, all of which must hold. Raises Invalid for a value that is no JSON scalar."""
    found: list[Condition] = [(_word(word, is_beginning=beginning),) for word, beginning in sought(text)]
    ranges: dict[str, dict[str, str]] = {}
    for name, value in where.items():
        its_text = _as_text(name, value)
        field, _, end = name.rpartition(".")
        if name.startswith("where."):
            found.append(_equal(name.removeprefix("where."), its_text))
        elif field and end in ("gte", "lte"):
            ranges.setdefault(field, {})[end] = its_text
        else:
            found.append(_equal(name, its_text))
    return found + [_range(field, ends.get("gte"), ends.get("lte")) for field, ends in ranges.items()]


def with_ids(ids: Iterable[str]) -> Condition:
    """The records with these ids."""
    return tuple(Span(IDS, "", key, key) for key in map(bounded, ids))


def fitting(reader: Reader, segments: Sequence[Segment], conditions: Sequence[Condition]) -> list[BitMap]:
    """The records, not replaced ones, that fit all conditions, segment by segment: three round trips at the most."""
    if not conditions:
        return [segment.live for segment in segments]
    spans = {span for condition in conditions for span in condition}
    found = _resolve(reader, [segment.name for segment in segments], spans)
    return [
        reduce(and_, [reduce(or_, [found[segment.name, span] for span in condition]) for condition in conditions])
        - segment.dead
        for segment in segments
    ]


def _resolve(reader: Reader, names: Sequence[str], spans: set[Span]) -> dict[tuple[str, Span], BitMap]:
    """The records of each segment in each span, replaced ones among them: heads, then blocks, then pieces."""
    keys = {span: column_key(span.kind, span.name) for span in spans}
    wanted = [(name, span) for name in names for span in spans]
    heads = reader.parts([(name, keys[span]) for name, span in wanted], columns.decode_head)
    present = [(name, span, heads[name, keys[span]]) for name, span in wanted if heads[name, keys[span]] is not None]
    blocks = reader.parts(
        [
            (name, head.block_key(number))
            for name, span, head in present
            if head.only_block is None
            for number in head.blocks_for(span.low, span.high)
        ],
        columns.decode_block,
    )
    places = [
        (name, span, head, *head.span(span.low, span.high, lambda key, name=name: blocks[name, key]))
        for name, span, head in present
    ]
    pieces = reader.parts(
        [
            (name, head.piece_key(number))
            for name, _, head, start, end in places
            if head.only_piece is None
            for number in head.pieces_for(start, end)
        ],
        columns.decode_piece,
        growth=3,
    )
    found = {each: BitMap() for each in wanted}
    for name, span, head, start, end in places:
        found[name, span] = head.records(start, end, lambda key, name=name: pieces[name, key])
    return found


def ids_of(reader: Reader, segment: Segment) -> dict[str, int]:
    """Every id of a segment and its record; what an id had before in the same segment is left out."""
    part = (segment.name, column_key(IDS, ""))
    head: columns.Head = reader.parts([part], columns.decode_head)[part]
    block_keys = [(segment.name, head.block_key(number)) for number in range(len(head.fences))]
    piece_keys = [(segment.name, head.piece_key(number)) for number in range(len(head.places))]
    blocks = [head.only_block] if head.only_block else reader.parts(block_keys, columns.decode_block).values()
    pieces = [head.only_piece] if head.only_piece else reader.parts(piece_keys, columns.decode_piece).values()
    keys = chain.from_iterable(block.values for block in blocks)
    return dict(zip(keys, chain.from_iterable(piece.records for piece in pieces), strict=True))


def _word(word: str, *, is_beginning: bool) -> Span:
    if not is_beginning:
        return Span(WORDS, "", word, word)
    beginning = word[: LONGEST + 1]  # a longer word ends in its digest
    return Span(WORDS, "", beginning, beginning + _LAST)


def _equal(field: str, text: str) -> Condition:
    spans = [Span(TEXTS, field, bounded(text), bounded(text))]
    if text in ("true", "false", "null"):
        spans.append(Span(LITERALS, field, text, text))
    if (number := _as_number(text)) is not None:
        spans.append(Span(NUMBERS, field, number, number))
    return tuple(spans)


def _range(field: str, low: str | None, high: str | None) -> Condition:
    """One value between both ends: texts by their order (so ISO dates by time), numbers where the ends are numbers."""
    least, most = low, high
    if low is not None and len(low) > LONGEST:  # long texts that begin alike are equal as far as the index tells
        least = f"{low[:LONGEST]}\0"
    if high is not None and len(high) > LONGEST:
        most = f"{high[:LONGEST]}\0{_LAST}"
    spans = [Span(TEXTS, field, least, most)]
    numbers = [None if end is None else _as_number(end) for end in (low, high)]
    if numbers.count(None) == (low, high).count(None):
        spans.append(Span(NUMBERS, field, *numbers))
    return tuple(spans)


def _as_number(text: str) -> int | float | None:
    if not _NUMBER.fullmatch(text):
        return None
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _as_text(name: str, value: Any) -> str:
    """A text as it is; numbers, booleans, None and dates as JSON writes them."""
    if isinstance(value, str):
        return value
    try:
        read = orjson.loads(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))
    except TypeError as problem:
        raise _unfit(name) from problem
    if isinstance(read, dict | list) or (read is None) != (value is None):  # NaN and infinity are null in JSON
        raise _unfit(name)
    return read if isinstance(read, str) else orjson.dumps(read).decode()


def _unfit(name: str) -> Invalid:
    detail = "is compared with a text, a number, a boolean, a date or None"
    return Invalid(f"The field {name!r} {detail}.", errors=[FieldError(f"/{name}", detail)])
