"""Which neighbouring segments a load rewrites as one, so that many small loads do not make many segments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jobsapi.data.building import MOST_RECORDS, weight

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobsapi.data.segments import Segment

__all__ = ["runs_to_merge"]

_FACTOR = 8
"""So many small segments become one about so many times as large: a record is rewritten five times at the most."""

_FULL = 0.25
"""A segment at least that full is left alone."""


def runs_to_merge(segments: Sequence[Segment]) -> list[tuple[int, int]]:
    """The runs of segments, as (start, end), last first, each to be rewritten as one.

    The last segments, when there are eight about as small; and each that lost more than half of its records.
    """
    start = _small_run(segments)
    runs = [(start, len(segments))] if start < len(segments) else []
    thin = [i for i, each in enumerate(segments[:start]) if 0 < each.live_count < each.count / 2]
    return runs + [(i, i + 1) for i in reversed(thin)]


def _small_run(segments: Sequence[Segment]) -> int:
    """Where the run at the end begins that is to be merged; the number of segments for none."""
    levels = [_level(each) for each in segments]
    for level in range(_level_of(_FULL) + 1):
        start = len(segments)
        while start and levels[start - 1] <= level:
            start -= 1
        if len(segments) - start >= _FACTOR:
            return start
    return len(segments)


def _level(segment: Segment) -> float:
    share = segment.live_count / segment.count
    fullness = share * weight(segment.count, segment.size, segment.entries)
    return math.inf if fullness >= _FULL else _level_of(fullness)


def _level_of(fullness: float) -> int:
    return int(math.log(max(1.0, fullness * MOST_RECORDS), _FACTOR))
