"""POST /jobs: sizes, gzip, and many jobs at once."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

GOOD = b'{"task": "plot", "params": {"start": 1, "end": 2}}'
NDJSON = {"Content-Type": "application/x-ndjson"}
GZIP = {"Content-Encoding": "gzip"}


def job(n: int) -> dict[str, Any]:
    return {"task": "plot", "params": {"start": n, "end": n}}


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_a_body_of_just_the_largest_size_passes_and_one_byte_more_does_not(
    make_app: Callable[..., Flask], refused: Any, recorded: Any
) -> None:
    http = make_app(max_body=1000).test_client()
    problem = refused(http.post("/jobs", data=GOOD.ljust(1001)), 413, "too-large")
    assert "JOBSAPI_MAX_BODY" in problem["detail"]
    assert http.post("/jobs", data=GOOD.ljust(1000)).status_code == 202
    assert len(recorded.jobs()) == 1


def test_parameters_have_a_size_of_their_own(make_app: Callable[..., Flask], refused: Any) -> None:
    http = make_app(max_params=100).test_client()
    body = {"task": "free", "params": {"x": "y" * 100}}
    assert "JOBSAPI_MAX_PARAMS" in refused(http.post("/jobs", json=body), 413, "too-large")["detail"]
    assert http.post("/jobs", json={"task": "free", "params": {"x": "y" * 92}}).status_code == 202


def test_a_packed_body_is_unpacked(http: FlaskClient) -> None:
    for packed in (gzip.compress(GOOD, mtime=0), gzip.compress(GOOD[:20], mtime=0) + gzip.compress(GOOD[20:], mtime=0)):
        assert http.post("/jobs", data=packed, headers=GZIP).status_code == 202
    assert http.post("/jobs", data=GOOD, headers={"Content-Encoding": "identity"}).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        gzip.compress(GOOD, mtime=0)[:-4],
        gzip.compress(GOOD, mtime=0)[:12],
        gzip.compress(GOOD, mtime=0)[:-8] + b"\0\0\0\0" + gzip.compress(GOOD, mtime=0)[-4:],
        gzip.compress(GOOD, mtime=0) + b"rest",
        b"\x1f\x8b",
        b"\x1f\x8b\x08" + b"\xff" * 20,
        gzip.compress(b"no json", mtime=0),
        gzip.compress(b"", mtime=0),
        b"",
        zlib.compress(GOOD),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_broken_packed_body_cannot_be_read(http: FlaskClient, refused: Any, body: bytes) -> None:
    refused(http.post("/jobs", data=body, headers=GZIP), 400, "unreadable")


def test_a_small_body_that_unpacks_to_a_large_one_is_too_large(http: FlaskClient, refused: Any) -> None:
    bomb = gzip.compress(b" " * (64 << 20), mtime=0)
    assert len(bomb) < 100_000
    refused(http.post("/jobs", data=bomb, headers=GZIP), 413, "too-large")


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "zstd", "x"])
def test_another_content_coding_is_not_understood(http: FlaskClient, refused: Any, coding: str) -> None:
    refused(http.post("/jobs", data=GOOD, headers={"Content-Encoding": coding}), 415, "unsupported-media-type")


@pytest.mark.parametrize("count", [1, 2, 100, 101, 1001])
def test_a_list_is_accepted_in_the_order_sent(http: FlaskClient, count: int) -> None:
    answer = http.post("/jobs", json=[job(n) for n in range(count)])
    assert answer.status_code == 202
    found = answer.get_json()
    assert set(found) == {"jobs", "batch"}
    assert len(found["jobs"]) == count
    assert {each["status"] for each in found["jobs"]} == {"submitted"}
    newest_first = http.get("/jobs?limit=1000").get_json()["jobs"]
    assert [each["id"] for each in newest_first] == [each["id"] for each in found["jobs"]][::-1][:1000]
    assert http.get(f"/jobs/{found['jobs'][0]['id']}").get_json()["params"]["start"] == 0


def test_a_list_is_accepted_as_a_whole_or_not_at_all(http: FlaskClient, refused: Any) -> None:
    for position in (0, 1, 250, 299):
        bodies: list[Any] = [job(n) for n in range(300)]
        bodies[position] = {"task": "plot", "params": {"start": 1}}
        problem = refused(http.post("/jobs", json=bodies), 422, "invalid")
        assert problem["errors"] == [{"pointer": f"/{position}/params/end", "detail": "is required"}]


@pytest.mark.parametrize("wrong", [None, 1, "plot", [], {"task": "nothing"}, {"task": "plot", "delay": 1}, [job(1)]])
def test_each_of_a_list_is_checked_like_a_single_job(http: FlaskClient, refused: Any, wrong: Any) -> None:
    problem = refused(http.post("/jobs", json=[job(1), wrong]), 422, "invalid")
    assert all(each["pointer"].startswith("/1") for each in problem["errors"])


def test_an_empty_list_is_refused(http: FlaskClient, refused: Any) -> None:
    refused(http.post("/jobs", data=b"[]"), 422, "invalid")
    refused(http.post("/jobs", data=b"\n\n", headers=NDJSON), 422, "invalid")


def test_ten_thousand_jobs_are_accepted_and_one_more_is_not(http: FlaskClient, refused: Any) -> None:
    body = [{"task": "measure"}] * 10_001
    assert "10,000" in refused(http.post("/jobs", json=body), 422, "invalid")["detail"]
    assert len(http.post("/jobs", json=body[1:]).get_json()["jobs"]) == 10_000
    assert http.get("/jobs?limit=1").get_json()["total"] == 10_000


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/jsonl", "application/json", "text/plain", None])
def test_lines_of_json_are_a_list(http: FlaskClient, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    for body in (lines(job(1), job(2), job(3)), lines(job(1)) + b"\r\n\n" + lines(job(2), job(3)).rstrip()):
        found = http.post("/jobs", data=body, headers=headers).get_json()["jobs"]
        starts = [http.get(f"/jobs/{each['id']}").get_json()["params"]["start"] for each in found]
        assert starts == [1, 2, 3]


def test_one_line_is_a_list_of_one_where_the_content_type_says_lines(http: FlaskClient) -> None:
    assert len(http.post("/jobs", data=lines(job(1)), headers=NDJSON).get_json()["jobs"]) == 1
    assert "id" in http.post("/jobs", data=lines(job(1))).get_json()


def test_a_bad_line_is_named_and_nothing_is_recorded(http: FlaskClient, refused: Any) -> None:
    body = lines(job(1)) + b"\n" + b'{"task": \n' + lines(job(2))
    for headers in (NDJSON, {}):
        problem = refused(http.post("/jobs", data=body, headers=headers), 400, "unreadable")
        assert "Line 3" in problem["detail"]


def test_a_line_that_does_not_fit_is_pointed_at(http: FlaskClient, refused: Any) -> None:
    for wrong in ({"start": 1}, {"start": 1, "end": 2**70}, {"start": 1, "end": "2"}):
        body = lines(job(1), {"task": "plot", "params": wrong})
        problem = refused(http.post("/jobs", data=body, headers=NDJSON), 422, "invalid")
        assert [each["pointer"] for each in problem["errors"]] == ["/1/params/end"]


def test_packed_lines_are_a_list(http: FlaskClient) -> None:
    packed = gzip.compress(lines(job(1), job(2)), mtime=0)
    assert len(http.post("/jobs", data=packed, headers=NDJSON | GZIP).get_json()["jobs"]) == 2
