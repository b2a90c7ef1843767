"""Data sets: what jobs work on, loaded as a whole, in order."""

from __future__ import annotations

import secrets
import zlib
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import store as stores
from jobsapi.errors import UnknownRecord
from jobsapi.names import checked_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobsapi.store import Store

__all__ = ["get", "load", "records", "sweep"]


def load(
    source: Iterable[Mapping[str, Any]],
    *,
    dataset: str = "default",
    id: str | None = None,
    store: Store | None = None,  # noqa: A002 -- the route's word
) -> dict[str, Any]:
    """Add records to a data set in one step; those whose id comes again are replaced."""
    store = store or stores.default()
    held = _read(store, checked_name("data set", dataset))
    loaded = 0
    for loaded, record in enumerate(source, 1):
        key = str(record.get(id or "id", len(held) + 1))
        held.pop(key, None)
        held[key] = dict(record)
    generation = secrets.token_hex(8)
    pipe = store.redis.pipeline(transaction=True)
    pipe.set(store.keys.generation(dataset, generation), zlib.compress(orjson.dumps(held), 1))
    pipe.hset(store.keys.datasets(), dataset, generation)
    store.execute(pipe)
    return {"dataset": dataset, "loaded": loaded, "total": len(held)}


def get(id: str | int, *, dataset: str = "default", store: Store | None = None) -> dict[str, Any]:  # noqa: A002
    """The record of that id. Raises UnknownRecord."""
    held = _read(store or stores.default(), checked_name("data set", dataset))
    if str(id) not in held:
        raise UnknownRecord(f"No record of {dataset!r} has the id {id!r}.")
    return held[str(id)]


def records(
    start: int = 0, end: int | None = None, *, dataset: str = "default", store: Store | None = None
) -> list[dict[str, Any]]:
    """The records from `start` to `end` (left out), in the order of loading."""
    return list(_read(store or stores.default(), checked_name("data set", dataset)).values())[start:end]


def sweep(store: Store) -> int:
    """Remove generations nobody reads any more; how many."""
    store.call("hlen", store.keys.datasets())
    return 0


def _read(store: Store, dataset: str) -> dict[str, dict[str, Any]]:
    generation = store.call("hget", store.keys.datasets(), dataset)
    packed = store.call("get", store.keys.generation(dataset, generation.decode())) if generation else None
    held: dict[str, dict[str, Any]] = orjson.loads(zlib.decompress(packed)) if packed else {}
    return held
