"""Data sets as a whole: load into one, empty one, list them."""

from __future__ import annotations

import contextlib
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from jobsapi import store as stores
from jobsapi.data import building, generations, reading
from jobsapi.data.loading import Load
from jobsapi.data.reader import Reader
from jobsapi.data.segments import META
from jobsapi.names import checked_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jobsapi.data.segments import Generation
    from jobsapi.store import Store

__all__ = ["datasets", "empty", "load"]


def load(
    source: str | Path | bytes | BinaryIO | Iterable[Mapping[str, Any]],
    *,
    dataset: str = "default",
    id: str | None = None,  # noqa: A002 -- the contract's word
    records: str | None = None,
    media_type: str | None = None,
    store: Store | None = None,
) -> dict[str, Any]:
    """Add records to a data set, all of them in one step or none: {"dataset", "loaded", "total"}.

    `source` is a file's path, its bytes, an open binary file, or mappings one after the other; files are JSON, NDJSON
    or CSV, by `media_type`, else by the name, else by how they begin; packed by gzip or not. `records` is the pointer
    of the list in a JSON document. A record's id is its field `id` (where the parameter `id` names none): an integer or
    a text; a record without one is given a number. One whose id comes again is replaced, and stands at the end.

    Raises BadRow, TooLarge, Invalid, Unreadable, UnsupportedMedia, DatasetBusy while another load of the set runs,
    StoreUnavailable; OSError for a path that cannot be read.
    """
    store = store or stores.default()
    checked_name("data set", dataset)
    with _opened(source) as opened, Load(store, dataset, id) as work:
        rows = opened
        if hasattr(opened, "read"):
            if media_type is None and isinstance(source, str | Path):
                media_type = reading.media_type_of(Path(source).name)
            rows = reading.read(opened, media_type or "", pointer=records, most_record=store.settings.max_record)
        for row, record in enumerate(rows, 1):
            work.add(row, record)
        made = work.commit()
    return {"dataset": dataset, "loaded": work.rows, "total": made.total}


def _opened(source: Any) -> contextlib.AbstractContextManager[Any]:
    """The source as an open file or an iterable of mappings."""
    if isinstance(source, str | Path):
        return Path(source).open("rb")
    return contextlib.nullcontext(io.BytesIO(source) if isinstance(source, bytes) else source)


def empty(dataset: str = "default", *, store: Store | None = None) -> dict[str, Any]:
    """Take all records out of a data set, in one step: {"dataset", "removed"}. Raises DatasetBusy."""
    store = store or stores.default()
    with Load(store, checked_name("data set", dataset)) as work:
        removed = work.base.total
        work.empty()
    return {"dataset": dataset, "removed": removed}


def datasets(store: Store | None = None) -> list[dict[str, Any]]:
    """Every data set by its name: {"name", "records": how many, "fields": [{"name", "type"}, …]}.

    `type` is integer, number, boolean, string, null where no record has a value, or mixed. Fields inside objects are
    `outer.inner`; a list counts as its elements.
    """
    store = store or stores.default()
    names = sorted(name.decode() for name in store.call("hkeys", store.keys.datasets()))
    found = [generations.current(store, name) for name in names]
    return [
        {"name": each.dataset, "records": each.total, "fields": list(_fields(store, each))}
        for each in found
        if each.segments
    ]


def _fields(store: Store, generation: Generation) -> Iterator[dict[str, str]]:
    parts = [(segment.name, META) for segment in generation.segments]
    kinds: dict[str, int] = {}
    for its in (
        Reader(store, generation.dataset).parts(parts, lambda data: orjson.loads(zlib.decompress(data))).values()
    ):
        for name, kind in (its or {}).items():
            kinds[name] = kinds.get(name, 0) | kind
    for name, kind in kinds.items():
        yield {"name": name, "type": _TYPES.get(kind & ~building.NULL, "mixed")}


_TYPES = {
    0: "null",
    building.BOOLEAN: "boolean",
    building.INTEGER: "integer",
    building.NUMBER: "number",
    building.INTEGER | building.NUMBER: "number",
    building.STRING: "string",
}
