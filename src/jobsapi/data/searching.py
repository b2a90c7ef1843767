"""One record by its id, and pages of a search."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import store as stores
from jobsapi.data import generations
from jobsapi.data.conditions import asked, fitting, with_ids
from jobsapi.data.reader import Reader
from jobsapi.errors import UnknownRecord, Unreadable
from jobsapi.names import checked_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyroaring import BitMap

    from jobsapi.data.segments import Generation
    from jobsapi.store import Store

__all__ = ["Page", "get", "get_raw", "search", "search_raw"]


@dataclass(frozen=True)
class Page:
    """Some of the records that fit, in the order of loading; `next` is the cursor to go on with, None at the end.

    `total` is how many fit, exactly. `records` are objects; from `search_raw` each one's JSON.
    """

    records: list[Any]
    next: str | None
    total: int


def get(id: str | int, *, dataset: str = "default", store: Store | None = None) -> dict[str, Any]:  # noqa: A002 -- the contract's word
    """The record with that id; 1 and "1" are the same id. Raises UnknownRecord."""
    record: dict[str, Any] = orjson.loads(get_raw(id, dataset=dataset, store=store))
    return record


def get_raw(id: str | int, *, dataset: str = "default", store: Store | None = None) -> bytes:  # noqa: A002
    """The same as JSON, as it is stored."""
    store = store or stores.default()
    generation = generations.current(store, checked_name("data set", dataset))
    reader = Reader(store, dataset)
    found = fitting(reader, generation.segments, [with_ids([str(id)])])
    places = [(segment, number) for segment, its in zip(generation.segments, found, strict=True) for number in its]
    for raw in reader.raw(places):
        return raw
    raise UnknownRecord(f"The data set {dataset!r} has no record with the id {str(id)!r}.")


def search(
    text: str = "",
    *,
    dataset: str = "default",
    where: Mapping[str, Any] | None = None,
    limit: int = 100,
    cursor: str | None = None,
    store: Store | None = None,
) -> Page:
    """A page of the records in which every word of `text` occurs and every condition of `where` holds.

    A word matches whole words of any field, whatever case and accents; `word*` is the beginning of one.
    `where` maps `FIELD` to a value it equals, `FIELD.gte` and `FIELD.lte` to ends of a range (included), numbers by
    size and texts by order; a field whose own name ends so is `where.FIELD`. `cursor` is an earlier page's `next`, of
    the same search: it goes on in the state of the data set in which that began.

    Raises Unreadable for a cursor that is none, or of another search, or expired; Invalid.
    """
    page = search_raw(text, dataset=dataset, where=where, limit=limit, cursor=cursor, store=store)
    return Page([orjson.loads(raw) for raw in page.records], page.next, page.total)


def search_raw(
    text: str = "",
    *,
    dataset: str = "default",
    where: Mapping[str, Any] | None = None,
    limit: int = 100,
    cursor: str | None = None,
    store: Store | None = None,
) -> Page:
    """The same with each record as JSON, as it is stored."""
    store = store or stores.default()
    checked_name("data set", dataset)
    conditions = asked(text, where or {})
    digest = hashlib.blake2b(repr(conditions).encode(), digest_size=6).hexdigest()
    if cursor is None:
        generation, start = generations.current(store, dataset), (0, 0)
    else:
        name, start = _read_cursor(cursor, digest)
        generation = generations.named(store, dataset, name)
    reader = Reader(store, dataset)
    found = fitting(reader, generation.segments, conditions)
    places = list(islice(_from(found, start), limit + 1))
    shown, following = places[:limit], places[limit:]
    records = list(reader.raw((generation.segments[at], number) for at, number in shown))
    going_on = _cursor(generation, following[0], digest) if following else None
    return Page(records, going_on, sum(map(len, found)))


def _from(found: list[BitMap], start: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """(segment, number) of the records found from `start` on."""
    for at in range(start[0], len(found)):
        for number in found[at].iter_equal_or_larger(start[1] if at == start[0] else 0):
            yield at, number


def _cursor(generation: Generation, place: tuple[int, int], digest: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([generation.name, *place, digest])).decode().rstrip("=")


def _read_cursor(cursor: str, digest: str) -> tuple[str, tuple[int, int]]:
    try:
        name, at, number, its_digest = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        is_one = name.isalnum() and 0 <= at < 1 << 32 and 0 <= number < 1 << 16
    except (binascii.Error, ValueError, TypeError, AttributeError):
        is_one = False
    if not is_one or not isinstance(at, int) or not isinstance(number, int):
        raise Unreadable("This is no cursor; begin again without one.")
    if its_digest != digest:
        raise Unreadable("The cursor belongs to another search; begin again without one.")
    return name, (at, number)
