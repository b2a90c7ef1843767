"""`records(start, end)`: a part of a data set that is read as it is used."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import orjson

from jobsapi import store as stores
from jobsapi.data import generations
from jobsapi.data.reader import Reader
from jobsapi.errors import SetupError
from jobsapi.names import checked_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.data.segments import Generation, Segment
    from jobsapi.store import Store

__all__ = ["Records", "records"]

_TOUCH_EVERY = 60.0


class Records(Sequence[dict[str, Any]]):
    """Records in the order of loading, in one state of the data set; a sequence that is read in chunks as it is used.

    Slices are such sequences again. A state that was loaded over stays while it is read, and ten minutes longer; after
    that, Unreadable. Within a job it stays as long as the job.
    """

    def __init__(self, store: Store, generation: Generation, numbers: range) -> None:
        self._store, self._generation, self._numbers = store, generation, numbers
        self._touched = time.monotonic()

    def __len__(self) -> int:
        return len(self._numbers)

    def __repr__(self) -> str:
        return f"<{len(self)} records of the data set {self._generation.dataset!r}>"

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for raw in Reader(self._store, self._generation.dataset).raw(self._places()):
            self._touch()
            yield orjson.loads(raw)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Records: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Records:
        if isinstance(index, slice):
            return Records(self._store, self._generation, self._numbers[index])
        number = self._numbers[index]
        return next(iter(Records(self._store, self._generation, range(number, number + 1))))

    def to_pandas(self) -> Any:
        """A pandas data frame, one row a record. Raises SetupError where pandas is not installed."""
        try:
            import pandas as pd
        except ImportError as problem:
            raise SetupError("to_pandas needs pandas: pip install 'jobsapi[frames]'.") from problem
        return pd.DataFrame(list(self))

    def to_polars(self) -> Any:
        """A polars data frame, one row a record. Raises SetupError where polars is not installed."""
        try:
            import polars as pl
        except ImportError as problem:
            raise SetupError("to_polars needs polars: pip install 'jobsapi[frames]'.") from problem
        return pl.DataFrame(list(self), infer_schema_length=None)

    def _places(self) -> Iterator[tuple[Segment, int]]:
        segments, ends = self._generation.segments, self._generation.ends
        for number in self._numbers:
            at = bisect_right(ends, number)
            segment = segments[at]
            within = number - (ends[at - 1] if at else 0)
            yield segment, segment.live[within] if segment.dead else within

    def _touch(self) -> None:
        if time.monotonic() - self._touched >= _TOUCH_EVERY:
            self._touched = time.monotonic()
            generations.touch(self._store, self._generation.dataset, self._generation.name)


def records(start: int = 0, end: int | None = None, *, dataset: str = "default", store: Store | None = None) -> Records:
    """The records from `start` to `end` (left out) in the order of loading, counted from 0, as a slice counts."""
    store = store or stores.default()
    generation = generations.current(store, checked_name("data set", dataset))
    return Records(store, generation, range(generation.total)[start:end])
