"""/jobs: submit, list, look at, cancel, retry, remove, read the log."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Response, request

from jobsapi import jobs
from jobsapi.documents import of_record
from jobsapi.errors import FieldError, Invalid, JobsApiError, Unreadable, WrongStatus
from jobsapi.idempotency import Submitted, submit_once
from jobsapi.names import new_id
from jobsapi.submission import Sent
from jobsapi.submission import read_body as read_submission
from jobsapi.sweeps import read_sweep
from jobsapi.web.common import (
    address,
    cursor,
    following,
    linked,
    page_limit,
    query,
    read_body,
    read_json,
    reply,
    reply_text,
    the_settings,
    the_store,
)
from jobsapi.web.waiting import applied, follow_log, wait_as_preferred

if TYPE_CHECKING:
    from jobsapi.store import Store

__all__ = ["blueprint"]

blueprint = Blueprint("jobs", __name__)

_LINES = {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
_FILTERS = ("status", "task", "queue", "tag", "batch")
_TIMES = ("since", "until")


@blueprint.post("/jobs")
def submit() -> Response:
    """One job, or with an array, NDJSON or a sweep many; answered once recorded."""
    query()
    sent = read_body(the_settings().max_body)
    body = _submitted(sent)
    made = _made(sent, body)
    headers = {"Idempotency-Replayed": "true"} if made.is_replayed else {}
    if made.batch:
        shown = [{"id": record.id, "status": record.status.value} for record in made.records]
        headers["Location"] = address(f"/batches/{made.batch}")
        return reply({"jobs": shown, "batch": made.batch}, 202, headers)
    record = made.records[0]
    headers["Location"] = address(f"/jobs/{record.id}")
    text = of_record(record, address(""))
    if (waited := wait_as_preferred(record.id)) is not None:
        headers |= applied(waited)
        with contextlib.suppress(JobsApiError):  # it is recorded, whatever comes now
            text = jobs.get_document(the_store(), record.id, address(""))
    return reply_text(text + b"\n", 200 if made.is_other and not made.is_replayed else 202, headers)


def _made(sent: bytes, body: Any) -> Submitted:
    """The jobs of a body, or those that it made before under the same Idempotency-Key."""
    store = the_store()
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None:
        return submit_once(store, key, sent, lambda: _asked(store, body))
    asked = _asked(store, body)
    records = jobs.submit_jobs(store, asked.submissions, asked.batch, asked.sweep)
    return Submitted(asked.batch, records, is_other=records[0].id != asked.submissions[0].id)


def _asked(store: Store, body: Any) -> Sent:
    if isinstance(body, dict) and "task" in body and body.get("sweep") is not None:
        return read_sweep(store, body)
    if not isinstance(body, list):
        return Sent([read_submission(store, body)])
    if not body:
        raise Invalid("The list holds no job.", errors=[FieldError("", "holds no job")])
    if len(body) > jobs.MOST_AT_ONCE:
        detail = f"holds {len(body):,} jobs; one request may hold {jobs.MOST_AT_ONCE:,}"
        raise Invalid(f"The list {detail}.", errors=[FieldError("", detail)])
    return Sent([read_submission(store, each, f"/{i}") for i, each in enumerate(body)], new_id())


def _submitted(body: bytes) -> Any:
    """The JSON value of a body, or the list of its lines' values where it is NDJSON."""
    if request.mimetype not in _LINES:
        try:
            return read_json(body)
        except Unreadable:
            lines = body.splitlines()
            if len(lines) < 2 or not lines[0].lstrip().startswith(b"{") or not _is_json(lines[0]):
                raise
    values: list[Any] = []
    for number, line in enumerate(body.splitlines(), 1):
        if line.strip():
            values.append(read_json(line, f"/{len(values)}", f"Line {number}"))
    return values


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


@blueprint.get("/jobs")
def list_all() -> Response:
    """A page of jobs, newest first."""
    return _page("/jobs", query(*_FILTERS, *_TIMES, "limit", "cursor"))


@blueprint.get("/jobs/<jid>/children")
def children(jid: str) -> Response:
    """A page of the jobs that came after this one, newest first."""
    given = query("status", "limit", "cursor")
    jobs.refuse_unknown(the_store(), jid)
    return _page(f"/jobs/{jid}/children", given, parent=jid)


def _page(path: str, given: dict[str, str], **more: str) -> Response:
    """The page of a list that these arguments of the address `path` ask for; `more`: what else the jobs fit."""
    limit = page_limit(given.pop("limit", None))
    filters = {name: given[name] for name in (*_FILTERS, *_TIMES) if given.get(name)}
    below = cursor("j", given.get("cursor"))
    found, last, total = jobs.list_documents(the_store(), {**filters, **more}, limit, below, address(""))
    page: dict[str, Any] = {"jobs": orjson.Fragment(b"[%b]" % b",".join(found)), "next": None, "total": total}
    if last is None:
        return reply(page)
    page["next"] = address(f"{path}?" + urlencode({**filters, "limit": limit, "cursor": f"j{last}"}))
    return reply(page, headers=following(page["next"]))


@blueprint.get("/jobs/<jid>")
def show(jid: str) -> Response:
    """One job, with an ETag; `Prefer: wait=N` waits so many seconds for its end."""
    query()
    waited = wait_as_preferred(jid)
    text = jobs.get_document(the_store(), jid, address("")) + b"\n"
    tag = hashlib.blake2b(text, digest_size=12).hexdigest()
    answer = reply_text(text, headers={"ETag": f'"{tag}"', "Cache-Control": "no-cache", **applied(waited)})
    if not _CONDITIONS.isdisjoint(request.environ):
        answer.make_conditional(request)
    return answer


_CONDITIONS = {"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"}


@blueprint.post("/jobs/<jid>/cancel")
def cancel(jid: str) -> Response:
    """Stop a job wherever it is."""
    query()
    return reply(linked(jobs.cancel_job(jid, store=the_store())))


@blueprint.post("/jobs/<jid>/retry")
def retry(jid: str) -> Response:
    """A fresh set of attempts for an ended job."""
    query()
    return reply(linked(jobs.retry_job(jid, store=the_store())))


@blueprint.delete("/jobs/<jid>")
def remove(jid: str) -> Response:
    """Cancel a job that is active, remove one that has ended."""
    query()
    store = the_store()
    job = jobs.get_job_by_id(jid, store=store)
    try:
        return reply(linked(jobs.cancel_job(jid, store=store)))
    except WrongStatus:  # it has ended
        jobs.remove_job(jid, store=store)
        return reply(linked(job))


@blueprint.get("/jobs/<jid>/logs")
def logs(jid: str) -> Response:
    """What the job wrote so far; with `?follow` it goes on until the job has ended."""
    follow = query("follow").get("follow")
    if follow in (None, "0", "false"):
        answer = Response(jobs.get_logs(jid, store=the_store()), mimetype="text/plain")
    else:
        pieces, close = follow_log(jid)
        answer = Response(pieces, mimetype="text/plain")
        answer.call_on_close(close)
        answer.headers["X-Accel-Buffering"] = "no"
    answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer
