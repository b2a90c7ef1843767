"""schemathesis: whatever is sent, the answer is one that /openapi.json describes."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from jobsapi import jobs, results
from jobsapi.names import new_id
from jobsapi.web.operations import OPERATIONS

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from jobsapi.store import Store

SEED = 20261
EXAMPLES = 40
"""Generated requests for each operation, of each mode."""

NO_SCHEMA_TELLS = {("GET", "/data"): {"cursor"}, ("POST", "/data"): {"id", "records"}}
"""Parameters that name something in the data at hand: a generated one fits its schema, and leads nowhere."""

REQUIRED = {"plot": {"start", "end"}, "walk": {"points"}}
"""Parameters that a sweep must have, in itself or beside it."""

UNTYPED = {
    "/data": {"dataset", "search", "limit", "cursor"},
    "/datasets/{name}/histogram": {"field", "bins", "search"},
}
"""Where any other name in the query is a field, whose value is text whatever was meant: nothing there can be wrong."""

SCHEMA = ("GET", "/openapi.json")  # what schemathesis reads, it does not test

ENDLESS = {("GET", "/events"), ("GET", "/jobs/{id}/events")}
"""Answers that go on; tests/http/test_http_events.py reads them."""


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_answer_to_a_generated_request_is_a_described_one(app: Flask, mode: GenerationMode) -> None:
    asked = set()
    for operation in _operations(app):
        if (operation.method.upper(), operation.path) in ENDLESS:
            continue
        asked.add((operation.method.upper(), operation.path))
        try:
            _ask(operation, mode)
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # nothing about this operation can be wrong
    assert asked == set(OPERATIONS) - {SCHEMA} - ENDLESS


def test_every_answer_about_a_known_job_is_a_described_one(store: Store, app: Flask, tmp_path: Path) -> None:
    about_jobs = [each for each in _operations(app) if "{id}" in each.path and not each.path.startswith("/data")]
    about_jobs = [each for each in about_jobs if (each.method.upper(), each.path) not in ENDLESS]
    assert len(about_jobs) > 8
    for operation in about_jobs:
        for jid in _one_of_each_status(store, tmp_path):
            operation.Case(path_parameters={"id": jid, "name": "plot"}).call_and_validate()


def _operations(app: Flask) -> list[Any]:
    return [found.ok() for found in schemathesis.openapi.from_wsgi("/openapi.json", app).get_all_operations()]


def _ask(operation: Any, mode: GenerationMode) -> None:
    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def ask(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            for name in NO_SCHEMA_TELLS.get((operation.method.upper(), operation.path), ()):
                case.query.pop(name, None)
            assume(not re.search("[0-9]{19}", json.dumps(case.body, default=str)))  # integers have 64 bits at most
            assume(operation.path != "/data" or _may_be_records(case))
            assume(operation.path != "/jobs" or _may_be_jobs(case.body))
            if case.headers and "Idempotency-Key" in case.headers:
                case.headers["Idempotency-Key"] = new_id()  # the same one with another body is refused
            assume(
                operation.path != "/schedules"
                or not isinstance(case.body, dict)
                or not {"cron", "timezone"} & case.body.keys()
            )
        elif operation.method.upper() == "GET" and operation.path in UNTYPED:
            assume(set(case.query) <= UNTYPED[operation.path])
        for given_names, name in ((case.headers, "Prefer"), (case.query, "follow")):
            (given_names or {}).pop(name, None)  # nobody works here: the reply would be held for all its time
        case.call_and_validate()

    ask()


def _may_be_jobs(body: Any) -> bool:
    """Whether all fits that no schema tells: ids of other jobs, days of a month, equal keys, the whole of a sweep."""
    found = [each for each in (body if isinstance(body, list) else [body]) if isinstance(each, dict)]
    if isinstance(body, dict) and "task" in body and isinstance(body.get("sweep"), dict):
        given = set(body.get("params") or {})
        is_fit = not given & set(body["sweep"]) and REQUIRED.get(body["task"], set()) <= given | set(body["sweep"])
        if not is_fit or math.prod(map(len, body["sweep"].values())) > 1000:
            return False
    keys = [each["key"] for each in found if each.get("key")]
    names_jobs = any(each.get("after") or each.get("after_any") for each in found)
    has_time = any(each.get("run_at") is not None for each in found)  # a pattern lets February have 30 days
    return not names_jobs and not has_time and len(set(keys)) == len(keys)


def _may_be_records(case: Any) -> bool:
    """Whether a body is one that its schema tells in full: of other types it is any bytes, and 1.0 is an integer."""
    if case.media_type is None:
        return True
    is_json = case.media_type == "application/json"
    return is_json and not any(isinstance(each.get("id"), float) for each in case.body)


def _one_of_each_status(store: Store, folder: Path) -> list[str]:
    queue = new_id()  # of their own: the jobs of the last round wait elsewhere
    ids = [jobs.add_job("free", {"n": 1}, store=store, queue=queue)["id"] for _ in range(5)]
    cancelled, _progressing, complete, failed, _waiting = ids
    jobs.cancel_job(cancelled, store=store)
    tokens = {each.id: each.token for each in jobs.claim_jobs(store, "w", {queue: ["free"]}, 3, 10.0)}
    outputs = results.encode({"n": 1}, {"plot": b"\x89PNG\r\n\x1a\n"}, folder, max_result=1 << 20)
    stored = results.write(store, complete, tokens[complete], outputs)
    jobs.complete_job(store, complete, tokens[complete], stored.descriptor, stored.inline)
    error = {"type": "ValueError", "message": "no", "traceback": "…"}
    jobs.fail_job(store, failed, tokens[failed], "error", error)
    return ids
