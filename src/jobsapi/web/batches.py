"""/batches: list, look at, cancel, and the results as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from jobsapi import jobs, tables
from jobsapi.errors import FieldError, Invalid, NotAcceptable
from jobsapi.web.common import address, cursor, following, linked, page_limit, query, reply, the_store

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["blueprint"]

blueprint = Blueprint("batches", __name__)

_FORMS = {"json": "application/json", "csv": "text/csv"}


@blueprint.get("/batches")
def list_all() -> Response:
    """A page of batches, newest first."""
    given = query("limit", "cursor")
    limit = page_limit(given.get("limit"))
    found, last = jobs.list_batches(limit=limit, below=cursor("b", given.get("cursor")), store=the_store())
    shown = [linked(each) for each in found]
    if last is None:
        return reply({"batches": shown, "next": None})
    page = address("/batches?" + urlencode({"limit": limit, "cursor": f"b{last}"}))
    return reply({"batches": shown, "next": page}, headers=following(page))


@blueprint.get("/batches/<batch>")
def show(batch: str) -> Response:
    """One batch, its jobs counted by status."""
    query()
    return reply(linked(jobs.get_batch(batch, store=the_store())))


@blueprint.post("/batches/<batch>/cancel")
def cancel(batch: str) -> Response:
    """Stop every job of the batch that has not ended."""
    query()
    return reply(linked(jobs.cancel_batch(batch, store=the_store())))


@blueprint.get("/batches/<batch>/results")
def results(batch: str) -> Response:
    """A batch's results as one table, a row a job; as CSV all of it, as JSON a page."""
    given = query("format", "limit", "cursor")
    limit, start = page_limit(given.get("limit"), 1000), cursor("r", given.get("cursor"))
    if _form(given) == "csv":
        return _csv(batch)
    columns, rows, last = tables.page(the_store(), batch, start or 0, limit, address(""))
    page = address(f"/batches/{batch}/results?" + urlencode({"format": "json", "limit": limit, "cursor": f"r{last}"}))
    body = {"columns": columns, "rows": rows, "next": None if last < 0 else page}
    answer = Response(tables.dumps(body) + b"\n", mimetype="application/json")
    answer.headers.update({} if last < 0 else following(page))
    answer.headers["Vary"] = "Accept"
    return answer


def _csv(batch: str) -> Response:
    answer = Response(tables.csv_pieces(the_store(), batch, address("")), content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{batch}.csv")
    answer.headers["Vary"] = "Accept"
    return answer


def _form(given: Mapping[str, str]) -> str:
    """`json` or `csv`, by the query or else by what the reader accepts."""
    if (form := given.get("format", "")) in _FORMS:
        return form
    if form:
        raise Invalid("`format` is json or csv.", errors=[FieldError("/format", "is json or csv")])
    if not request.accept_mimetypes:
        return "json"
    best = request.accept_mimetypes.best_match(_FORMS.values())
    if best is None:
        raise NotAcceptable(f"This table can be had as {' or '.join(_FORMS.values())}.")
    return next(form for form, kind in _FORMS.items() if kind == best)
