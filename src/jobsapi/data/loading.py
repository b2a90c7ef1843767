"""Loads: new segments beside the old ones, then one small script that makes them the current generation."""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
from pyroaring import BitMap

from jobsapi.data import generations
from jobsapi.data.building import Builder
from jobsapi.data.conditions import fitting, ids_of, with_ids
from jobsapi.data.merging import runs_to_merge
from jobsapi.data.reader import Reader
from jobsapi.data.segments import Generation, Segment
from jobsapi.data.words import bounded
from jobsapi.errors import BadRow, JobsApiError, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobsapi.store import Store

__all__ = ["Load"]

_BATCH = 512 * 1024
"""Bytes that one script writes: about a millisecond of the server's time."""

_BATCH_FIELDS = 200
_FEW = 100
"""Up to so many ids are looked up one by one; with more, all ids of a segment are read."""

_HIGHEST = 1 << 53
"""Integers above are ids like texts: no number is given above them."""


class Load:
    """One load of a data set, the only one at its time: a context that abandons what was not committed.

    Raises DatasetBusy where another load is running, or this one was stopped for longer than its lease.
    """

    def __init__(self, store: Store, dataset: str, id_field: str | None = None) -> None:
        self._store, self._dataset = store, dataset
        self._id_field = id_field
        self._token = secrets.token_hex(8)
        self._lease = round(store.settings.lease * 1000)
        self._reader = Reader(store, dataset)
        self.rows = 0
        """How many rows came in."""
        self._made = 0
        self._fresh_ids: list[str] = []
        self._waiting: list[bytes] = []
        self._waiting_size = 0

    def __enter__(self) -> Load:
        self._begin()
        return self

    def _begin(self) -> None:
        self._store.run("data_begin", self._dataset, self._token, self._lease)
        try:
            self._base = generations.latest(self._store, self._dataset)
        except BaseException:
            self._abandon()
            raise
        self._segments = list(self._base.segments)
        self._highest = self._base.highest
        self._builder = self._next_builder()
        self._done = threading.Event()
        threading.Thread(target=self._renew, name="data-load-lease", daemon=True).start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._done.set()
        if kind is not None:
            self._abandon()

    def add(self, row: int, record: Mapping[str, Any]) -> None:
        """Take in one record; `row` is its number from 1. Raises BadRow, TooLarge."""
        self.rows = row
        raw, read = self._checked(row, record)
        key = self._id(row, read)
        if self._builder.weight >= 1:
            self._flush()
        self._put(self._builder, self._builder.add(key, raw, read))

    def commit(self) -> Generation:
        """Make what was added part of the data set, in one step."""
        if not self.rows:
            self._abandon()
            return self._base
        self._flush()
        for start, end in runs_to_merge(self._segments):
            self._segments[start:end] = self._merged(self._segments[start:end])
        segments = tuple(segment for segment in self._segments if segment.live_count)
        made = Generation(self._dataset, secrets.token_hex(8), segments, self._highest)
        return self._commit(made)

    def empty(self) -> Generation:
        """Make the data set empty, in one step."""
        return self._commit(Generation(self._dataset))

    @property
    def base(self) -> Generation:
        """What the load began with."""
        return self._base

    def _commit(self, made: Generation) -> Generation:
        if not made.segments:
            made = Generation(self._dataset)
        manifest = made.packed() if made.name else b""
        names = " ".join(segment.name for segment in made.segments)
        keep = round(generations.KEPT * 1000)
        self._store.run("data_commit", self._dataset, self._token, self._base.name, made.name, keep, manifest, names)
        generations.pin(self._store, made)
        return made

    def _abandon(self) -> None:
        with suppress(JobsApiError):  # the store is away: the sweep does it
            self._store.run("data_abandon", self._dataset, self._token, "")

    def _renew(self) -> None:
        while not self._done.wait(self._lease / 3000):
            with suppress(JobsApiError):  # away: the next time; no longer ours: whoever writes is told
                self._store.run("data_put", self._dataset, self._token, self._lease, "")

    def _checked(self, row: int, record: Mapping[str, Any]) -> tuple[bytes, dict[str, Any]]:
        """The record as JSON and as it reads back, so that it is indexed as it will be seen."""
        try:
            raw = orjson.dumps(dict(record), option=orjson.OPT_SERIALIZE_NUMPY)
            read: dict[str, Any] = orjson.loads(raw)
        except (TypeError, ValueError) as problem:
            raise BadRow(row, f"it cannot be kept as JSON: {problem}.") from problem
        most = self._store.settings.max_record
        if len(raw) > most:
            raise TooLarge(f"Row {row} has {len(raw)} bytes; JOBSAPI_MAX_RECORD allows {most}.")
        return raw, read

    def _id(self, row: int, record: dict[str, Any]) -> str:
        field = self._id_field or "id"
        value = record.get(field)
        if value is None and self._id_field is None:
            self._highest += 1
            return str(self._highest)
        if value is None:
            raise BadRow(row, f"it has no {field!r}, which is to be its id.")
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # 3.0 is the integer 3, as JSON Schema has it
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise BadRow(row, f"its {field!r} is to be its id, so it must be an integer or a text.")
        key = str(value)
        if key.isascii() and key.isdigit() and len(key) < 17 and int(key) <= _HIGHEST:
            self._highest = max(self._highest, int(key))
        self._fresh_ids.append(bounded(key))
        return bounded(key)

    def _next_builder(self) -> Builder:
        self._made += 1
        return Builder(f"{self._token}-{self._made}")

    def _flush(self) -> None:
        """Write the rest of the segment under way; what it replaces in others counts no longer."""
        if not self._builder.count:
            return
        self._replace(self._fresh_ids)
        self._segments.append(self._finished(self._builder))
        self._fresh_ids, self._builder = [], self._next_builder()

    def _replace(self, ids: list[str]) -> None:
        if not ids:
            return
        if len(ids) <= _FEW:
            dead = fitting(self._reader, self._segments, [with_ids(ids)])
        else:
            wanted = set(ids)
            held = (ids_of(self._reader, segment) for segment in self._segments)
            dead = [BitMap([number for key, number in its.items() if key in wanted]) for its in held]
        pairs = zip(self._segments, dead, strict=True)
        self._segments = [segment.without(replaced) if replaced else segment for segment, replaced in pairs]

    def _merged(self, segments: list[Segment]) -> list[Segment]:
        """The same records in as few segments as hold them, without those that were replaced."""
        made = []
        builder = self._next_builder()
        for segment in segments:
            ids = {number: key for key, number in ids_of(self._reader, segment).items()}
            numbers = list(segment.live)
            for number, raw in zip(numbers, self._reader.raw((segment, n) for n in numbers), strict=True):
                if builder.weight >= 1:
                    made.append(self._finished(builder))
                    builder = self._next_builder()
                self._put(builder, builder.add(ids[number], raw, orjson.loads(raw)))
        if builder.count:
            made.append(self._finished(builder))
        return made

    def _finished(self, builder: Builder) -> Segment:
        self._put(builder, builder.finish())
        self._write(builder)
        return builder.segment()

    def _put(self, builder: Builder, parts: Iterator[tuple[bytes, bytes]]) -> None:
        for field, data in parts:
            self._waiting += [field, data]
            self._waiting_size += len(data)
            if self._waiting_size >= _BATCH or len(self._waiting) >= 2 * _BATCH_FIELDS:
                self._write(builder)

    def _write(self, builder: Builder) -> None:
        if self._waiting:
            self._store.refuse_if_full()
            self._store.run("data_put", self._dataset, self._token, self._lease, builder.name, *self._waiting)
            self._waiting, self._waiting_size = [], 0
