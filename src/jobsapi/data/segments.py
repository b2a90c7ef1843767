"""Segments and generations: what a data set consists of, and what stands in a segment's hash under which field.

A *segment* is some records, in order, with their index; once it is committed it never changes. A *generation* is a list
of segments, each with the numbers of those of its records that were replaced since. What is here knows no server.
"""

from __future__ import annotations

import base64
import dataclasses
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

import orjson
from pyroaring import BitMap

from jobsapi.data.words import bounded

__all__ = ["CHUNKS", "IDS", "LITERALS", "META", "NUMBERS", "TEXTS", "WORDS", "Generation", "Segment", "column_key"]

META, CHUNKS = b"m", b"s"
"""Fields of the hash: the segment's fields with their types; the first record of each chunk `r0`, `r1`, …"""

WORDS, IDS, NUMBERS, TEXTS, LITERALS = "w", "i", "n", "t", "l"
"""Kinds of columns. `LITERALS` are true, false and null. There is one column of words and one of ids."""


def column_key(kind: str, name: str) -> bytes:
    """The field of the hash where a column's head stands."""
    return f"c{kind}{bounded(name)}".encode()


@dataclass(frozen=True)
class Segment:
    """A segment as one generation sees it; `size` is its records' JSON in bytes."""

    name: str
    count: int
    size: int
    entries: int
    dead: BitMap = field(default_factory=BitMap)

    @property
    def live_count(self) -> int:
        """How many of its records were not replaced."""
        return self.count - len(self.dead)

    @cached_property
    def live(self) -> BitMap:
        """The numbers of those records."""
        return BitMap(range(self.count)) - self.dead

    def without(self, replaced: BitMap) -> Segment:
        """The same with more records replaced."""
        return dataclasses.replace(self, dead=self.dead | replaced)


@dataclass(frozen=True)
class Generation:
    """One state of a data set; `name` is "" where there is no such set. `highest` is its highest number as an id."""

    dataset: str
    name: str = ""
    segments: tuple[Segment, ...] = ()
    highest: int = 0

    @cached_property
    def ends(self) -> list[int]:
        """How many records the segments up to each one have together."""
        return list(accumulate(segment.live_count for segment in self.segments))

    @property
    def total(self) -> int:
        """How many records the data set has."""
        return self.ends[-1] if self.segments else 0

    def packed(self) -> bytes:
        """The manifest."""
        rows = [
            [each.name, each.count, each.size, each.entries, base64.b64encode(each.dead.serialize()).decode()]
            for each in self.segments
        ]
        return zlib.compress(orjson.dumps({"highest": self.highest, "segments": rows}), 3)

    @classmethod
    def unpacked(cls, dataset: str, name: str, manifest: bytes) -> Generation:
        """The generation of a manifest."""
        facts = orjson.loads(zlib.decompress(manifest))
        segments = tuple(
            Segment(its_name, count, size, entries, BitMap.deserialize(base64.b64decode(dead)))
            for its_name, count, size, entries, dead in facts["segments"]
        )
        return cls(dataset, name, segments, facts["highest"])
