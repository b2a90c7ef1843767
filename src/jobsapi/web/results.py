"""/jobs/<id>/results, /results/<id>, /download/<id>: outputs in their own media types, whole or by range."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from jobsapi import jobs, results
from jobsapi.results.kinds import suffix_of
from jobsapi.web.common import query, the_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.results import Opened

__all__ = ["blueprint"]

blueprint = Blueprint("results", __name__)

_SANDBOX = "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'"
_IN_ONE_PIECE = 256 * 1024


@blueprint.get("/jobs/<jid>/results")
@blueprint.get("/results/<jid>")
def whole(jid: str) -> Response:
    """The output in its own media type, or the object of the named ones."""
    opened = _open(jid)
    return _send(opened, "inline" if opened.filename else "", opened.filename or "")


@blueprint.get("/jobs/<jid>/results/<path:name>")
def output(jid: str, name: str) -> Response:
    """One named output."""
    query()
    store = the_store()
    job = jobs.with_results(jobs.get_record(store, jid))
    opened = results.open_output(
        store, jid, job.token, job.descriptor, job.inline, name=name, accept=request.headers.get("Accept")
    )
    return _send(opened, "inline", opened.filename or name)


@blueprint.get("/download/<jid>")
def download(jid: str) -> Response:
    """The output as an attachment with a file name."""
    opened = _open(jid)
    return _send(opened, "attachment", opened.filename or jid + suffix_of(opened.media_type))


def _open(jid: str) -> Opened:
    query()
    store = the_store()
    job = jobs.with_results(jobs.get_record(store, jid))
    base = url_for(".output", jid=jid, name="-").removesuffix("/-")
    accept = request.headers.get("Accept")
    return results.open_result(store, jid, job.token, job.descriptor, job.inline, accept=accept, base=base)


def _send(opened: Opened, disposition: str, filename: str) -> Response:
    """The reply: all of it, one range of it (206), or word that the asker has it already (304)."""
    start, end, status = 0, opened.size, 200
    if request.if_none_match.contains_weak(opened.etag):
        answer = Response(status=304)
    else:
        wanted = _wanted_range(opened)
        if wanted is not None:
            start, end, status = *wanted, 206
        body = b"" if request.method == "HEAD" else _body(opened, start, end)
        answer = Response(body, status, content_type=opened.media_type)
        answer.headers["Content-Length"] = str(end - start)
        if status == 206:
            answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{opened.size}"
        if disposition:
            answer.headers.set("Content-Disposition", disposition, **_names(filename))
    answer.set_etag(opened.etag)
    answer.headers["Accept-Ranges"] = "bytes"
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Content-Security-Policy"] = _SANDBOX
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if opened.negotiated:
        answer.headers["Vary"] = "Accept"
    return answer


def _wanted_range(opened: Opened) -> tuple[int, int] | None:
    """(first byte, byte after the last) of the one range that is asked for; None: send everything.

    Several ranges, other units and what is no range are passed over, as HTTP allows, and so is the range of
    somebody whose `If-Range` names another version. Raises RequestedRangeNotSatisfiable.
    """
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    if "If-Range" in request.headers and request.if_range.etag != opened.etag:
        return None
    first, end = asked.ranges[0]
    first = max(first + opened.size, 0) if first < 0 else first  # the last so many bytes, or all where there are fewer
    if first >= opened.size:
        raise RequestedRangeNotSatisfiable(length=opened.size)
    return first, opened.size if end is None else min(end, opened.size)


def _body(opened: Opened, start: int, end: int) -> bytes | Iterator[bytes]:
    """The first piece is read at once, so that what is not there any more is an error and not a broken stream."""
    pieces = opened.read(start, end)
    if end - start <= _IN_ONE_PIECE:
        return b"".join(pieces)
    return _with_rest(next(pieces), pieces)


def _with_rest(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _names(filename: str) -> dict[str, str]:
    """A file name for Content-Disposition: one for every reader, and the exact one where that differs."""
    exact = re.sub(r"[\x00-\x1f\x7f/\\\\]", "_", filename)
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", exact)
    names = {"filename": plain}
    if plain != exact:
        names["filename*"] = "UTF-8''" + quote(exact, safe="")
    return names
