"""/data and /datasets: load records, search them, look at one, empty a set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Response, request

from jobsapi import data
from jobsapi.data.histograms import MOST_BINS
from jobsapi.errors import FieldError, Invalid, Unreadable, UnsupportedMedia
from jobsapi.names import checked_name
from jobsapi.web.common import address, page_limit, query, reply, the_settings, the_store

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["blueprint"]

blueprint = Blueprint("data", __name__)

_TAKEN = ("dataset", "search", "limit", "cursor")


@blueprint.post("/data")
def load() -> Response:
    """Load records, all or none: JSON, NDJSON or CSV, as the body or a file of a form."""
    given = query("dataset", "id", "records")
    dataset = _dataset(given)
    if given.get("id") == "":
        raise _at("id", "is empty; it names the field that holds a record's id")
    loaded = data.load(_sent(given.get("records")), dataset=dataset, id=given.get("id"), store=the_store())
    return reply(loaded, 201)


def _sent(pointer: str | None) -> Iterator[dict[str, Any]]:
    """The records of the request's body, as they come in."""
    from jobsapi.data import reading

    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise UnsupportedMedia(f"The content coding {coding!r} is not understood; gzip is.")
    body = _WholeBody()
    stream = reading.unpacked(body) if coding.endswith("gzip") else body
    return reading.read(stream, request.content_type or "", pointer=pointer, most_record=the_settings().max_record)


class _WholeBody:
    """The request's body, or an error: the server ends one that the client broke off like any other.

    Of a body sent in chunks it does not tell, and no length does: there JSON and forms show that their end is missing,
    NDJSON and CSV that lack whole lines do not.
    """

    def __init__(self) -> None:
        self._stream = request.stream
        self._left = request.content_length

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes. Raises Unreadable where the client has sent less than it said."""
        some = self._stream.read(size)
        if self._left is not None:
            self._left -= len(some)
            if not some and size and self._left > 0:
                raise Unreadable("The body broke off: it is shorter than its Content-Length.")
        return some


@blueprint.get("/data")
def search() -> Response:
    """A page of the records that fit, in the order of loading."""
    given = _once()
    dataset = _dataset(given)
    limit = page_limit(given.get("limit"))
    where = {name: value for name, value in given.items() if name not in _TAKEN}
    page = data.search_raw(
        given.get("search", ""),
        dataset=dataset,
        where=where,
        limit=limit,
        cursor=given.get("cursor"),
        store=the_store(),
    )
    body: dict[str, Any] = {
        "records": [orjson.Fragment(each) for each in page.records],
        "next": None,
        "total": page.total,
    }
    if page.next is None:
        return reply(body)
    body["next"] = address("/data?" + urlencode(given | {"limit": str(limit), "cursor": page.next}))
    return reply(body, headers={"Link": f'<{body["next"]}>; rel="next"'})


def _once() -> dict[str, str]:
    """The query's parameters, whatever their names, each at most once."""
    values = {}
    for name, given in request.args.lists():
        if not name:
            raise _at(name, "names no field; a field without a name is `where.`")
        if len(given) > 1:
            raise _at(name, "is given more than once")
        values[name] = given[0]
    return values


@blueprint.get("/data/<path:id>", merge_slashes=False)
def show(id: str) -> Response:  # noqa: A002 - the parameter's name in the description of the API
    """One record, as it was loaded."""
    dataset = _dataset(query("dataset"))
    return Response(data.get_raw(id, dataset=dataset, store=the_store()) + b"\n", mimetype="application/json")


@blueprint.delete("/data")
def empty() -> Response:
    """Empty a data set."""
    return reply(data.empty(_dataset(query("dataset")), store=the_store()))


@blueprint.get("/datasets")
def datasets() -> Response:
    """Every data set, with its records counted and its fields."""
    query()
    return reply({"datasets": data.datasets(store=the_store())})


@blueprint.get("/datasets/<name>/histogram")
def histogram(name: str) -> Response:
    """How a field is spread, in the set or a search."""
    given = _once()
    field, bins = given.get("field"), given.get("bins", "12")
    if field is None:
        raise _at("field", "is missing; it names the field to look at")
    if not (bins.isascii() and bins.isdigit() and 1 <= int(bins[:9]) <= MOST_BINS):
        raise _at("bins", f"is a number from 1 to {MOST_BINS}")
    where = {name: value for name, value in given.items() if name not in ("field", "bins", "search")}
    dataset = _dataset({"dataset": name})
    told = data.histogram(
        field, given.get("search", ""), dataset=dataset, where=where, bins=int(bins), store=the_store()
    )
    return reply(told)


def _dataset(given: dict[str, str]) -> str:
    try:
        return checked_name("data set", given.get("dataset", "default"))
    except ValueError as cause:
        raise _at("dataset", f"does not fit: {cause}") from None


def _at(name: str, detail: str) -> Invalid:
    pointer = f"/{name.replace('~', '~0').replace('/', '~1')}"
    return Invalid(f"The query parameter {name!r} {detail}.", errors=[FieldError(pointer, detail)])
