"""/data and /datasets: what is loaded can be found; what cannot be loaded leaves no trace."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from jobsapi import data
from jobsapi.data.loading import Load

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from jobsapi.store import Store

STORMS = [
    {"id": "a/1", "name": "Café Zoë", "mag": 2, "where": {"state": "Texas"}, "felt": None, "tags": ["x", "red"]},
    {"id": "a/2", "name": "Rain on Mars", "mag": 2.5, "where": {"state": "Ohio"}, "felt": 7, "tags": []},
    {"id": "a/3", "name": "rainy day", "mag": -1, "where": {"state": "Texas"}, "felt": None, "tags": ["red"]},
]
CSV = b'id,name,mass (g)\n1,Aachen,21\n2,"Alt\norf",\n5,Abee,0.5\n'


@pytest.fixture
def storms(http: FlaskClient) -> FlaskClient:
    assert http.post("/data", json=STORMS).status_code == 201
    return http


def found(http: FlaskClient, query: str) -> list[str]:
    answer = http.get(f"/data?{query}")
    assert answer.status_code == 200, answer.text
    page = answer.get_json()
    assert page["total"] == len(page["records"])
    assert page["next"] is None
    return [each["id"] for each in page["records"]]


def test_a_histogram_is_of_the_whole_set_or_of_a_search(storms: FlaskClient) -> None:
    told = storms.get("/datasets/default/histogram?field=mag&bins=2").get_json()
    assert told == {"field": "mag", "total": 3, "values": None, "numbers": {"low": -1, "high": 2.5, "counts": [1, 2]}}
    found = storms.get("/datasets/default/histogram?field=where.state&search=rain*&mag.gte=0").get_json()
    assert (found["total"], found["values"]) == (1, {"different": 1, "top": [["Ohio", 1]]})
    assert storms.get("/datasets/other/histogram?field=mag").get_json()["total"] == 0
    for wrong in ("", "?field=mag&bins=0", "?field=mag&bins=51", "?field=mag&bins=x", "?field=mag&field=name"):
        assert storms.get(f"/datasets/default/histogram{wrong}").status_code == 422
    assert storms.get("/datasets/a%20b/histogram?field=mag").status_code == 422


# --- Loading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (json.dumps(STORMS).encode(), "application/json"),
        (json.dumps({"n": 3, "docs": STORMS}).encode(), "application/geo+json"),
        (b"\n".join(json.dumps(each).encode() for each in STORMS), "application/x-ndjson"),
        (json.dumps(STORMS).encode(), "application/x-www-form-urlencoded"),
        (json.dumps(STORMS).encode(), None),
        (CSV, "text/csv"),
        (CSV, None),
        (gzip.compress(CSV, mtime=0), None),
    ],
)
def test_a_load_answers_with_its_counts(http: FlaskClient, body: bytes, media_type: str | None) -> None:
    answer = http.post("/data", data=body, content_type=media_type)
    assert (answer.status_code, answer.get_json()) == (201, {"dataset": "default", "loaded": 3, "total": 3})
    assert http.get("/data").get_json()["total"] == 3


def test_a_packed_body_says_so_in_its_header(http: FlaskClient) -> None:
    for body in (gzip.compress(CSV, mtime=0), gzip.compress(gzip.compress(CSV, mtime=0), mtime=0)):
        answer = http.post("/data", data=body, headers={"Content-Encoding": "gzip", "Content-Type": "text/csv"})
        assert answer.get_json()["loaded"] == 3, answer.text


def test_a_form_brings_a_file(http: FlaskClient) -> None:
    answer = http.post("/data?dataset=meteorites", data={"file": (io.BytesIO(CSV), "x.csv")})
    assert answer.get_json() == {"dataset": "meteorites", "loaded": 3, "total": 3}
    record = http.get("/data/5?dataset=meteorites")
    assert record.get_json() == {"id": 5, "name": "Abee", "mass (g)": 0.5}


def test_an_id_that_comes_again_replaces_and_ids_that_are_given_count_from_1(http: FlaskClient) -> None:
    assert http.post("/data", json=[{"x": 1}, {"x": 2}]).get_json()["total"] == 2
    assert http.get("/data/2").get_json() == {"x": 2}
    assert http.post("/data", json=[{"id": 2, "x": 3}]).get_json() == {"dataset": "default", "loaded": 1, "total": 2}
    assert http.get("/data/2").get_json() == {"id": 2, "x": 3}


def test_the_address_names_the_id_field_and_the_list(http: FlaskClient) -> None:
    body = {"response": {"docs": [{"code": "x1", "n": 1}], "more": [{"code": "x2"}]}}
    assert http.post("/data?id=code&records=/response/docs", json=body).get_json()["loaded"] == 1
    assert http.get("/data/x1").get_json() == {"code": "x1", "n": 1}


@pytest.mark.parametrize(
    ("address", "body", "media_type", "row"),
    [
        ("/data", b"a,b\n1,2\n\n3,4\n5\n", "text/csv", 3),
        ("/data", b'{"a":1}\n{"a":\n', "application/x-ndjson", 2),
        ("/data", b'[{"a":1},[]]', "application/json", 2),
        ("/data", b'[{"a":123456789012345678901}]', "application/json", 1),
        ("/data?id=b", b'[{"b":1},{"a":1}]', "application/json", 2),
        ("/data", b'[{"id":1},{"id":2},{"id":[]}]', "application/json", 3),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_loaded(
    http: FlaskClient, refused: Any, *, address: str, body: bytes, media_type: str, row: int
) -> None:
    problem = refused(http.post(address, data=body, content_type=media_type), 422, "bad-row")
    assert problem["row"] == row
    assert f"Row {row}:" in problem["detail"]


def test_a_refused_load_leaves_what_was_there_before(storms: FlaskClient) -> None:
    assert storms.post("/data", data=b'[{"id":"a/1"},{"id":"new"},3]').status_code == 422
    assert storms.get("/data").get_json()["records"] == STORMS


def test_two_lists_that_could_be_meant_are_named(http: FlaskClient, refused: Any) -> None:
    problem = refused(http.post("/data", json={"a": [{"x": 1}], "b": {"c": [{"x": 2}]}}), 422, "invalid")
    assert [each["pointer"] for each in problem["errors"]] == ["/a", "/b/c"]
    assert "records=/a" in problem["detail"]


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({}, b"", 400, "unreadable"),
        ({}, b'[{"a":1}', 400, "unreadable"),
        ({"Content-Type": "text/csv"}, b"a\n\xff\n", 400, "unreadable"),
        ({"Content-Encoding": "gzip"}, b"[{}]", 400, "unreadable"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b'[{"a":1}]', mtime=0)[:-5], 400, "unreadable"),
        ({"Content-Encoding": "br"}, b"[{}]", 415, "unsupported-media-type"),
        ({"Content-Type": "image/png"}, b"[{}]", 415, "unsupported-media-type"),
        ({}, b"\x89PNG\r\n\x1a\n\0", 415, "unsupported-media-type"),
        ({"Content-Type": "text/csv"}, b"a,a\n1,2\n", 422, "invalid"),
        ({}, b'{"a":1}', 422, "invalid"),
    ],
)
def test_what_cannot_be_loaded_is_refused(
    http: FlaskClient, refused: Any, *, headers: dict[str, str], body: bytes, status: int, code: str
) -> None:
    refused(http.post("/data", data=body, headers=headers), status, code)


@pytest.mark.parametrize("body", [b'[{"a":"' + b"x" * 100 + b'"}]', b"a\n" + b"x" * 100, b'{"a":"' + b"x" * 5000])
def test_a_record_has_a_largest_size_packed_or_not(make_app: Callable[..., Flask], refused: Any, body: bytes) -> None:
    http = make_app(max_record=100).test_client()
    media_type = "application/x-ndjson" if body.startswith(b"{") else None
    for each in (body, gzip.compress(body, mtime=0)):
        problem = refused(http.post("/data", data=each, content_type=media_type), 413, "too-large")
        assert "JOBSAPI_MAX_RECORD" in problem["detail"]


def test_a_second_load_at_the_same_time_is_refused_and_readers_go_on(store: Store, storms: FlaskClient) -> None:
    with Load(store, "default") as load:
        load.add(1, {"id": "new"})
        answer = storms.post("/data", json=[{"x": 1}])
        assert (answer.status_code, answer.get_json()["type"]) == (409, "urn:jobsapi:problem:dataset-busy")
        assert storms.delete("/data").status_code == 409
        assert storms.get("/data").get_json()["records"] == STORMS
        assert storms.post("/data?dataset=other", json=[{"x": 1}]).status_code == 201
        load.commit()
    assert storms.get("/data/new").status_code == 200


# --- Searching ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["a/1", "a/2", "a/3"]),
        ("search=rain", ["a/2"]),
        ("search=rain*", ["a/2", "a/3"]),
        ("search=RAIN+mars", ["a/2"]),
        ("search=cafe+zoe", ["a/1"]),
        ("search=texas+red", ["a/1", "a/3"]),
        ("search=7", ["a/2"]),
        ("search=nothing", []),
        ("mag=2", ["a/1"]),
        ("mag.gte=2", ["a/1", "a/2"]),
        ("mag.gte=-1&mag.lte=2.0", ["a/1", "a/3"]),
        ("name=rainy+day", ["a/3"]),
        ("name=rainy", []),
        ("where.where.state=Texas", ["a/1", "a/3"]),
        ("tags=red", ["a/1", "a/3"]),
        ("id=a/2", ["a/2"]),
        ("search=texas&mag.lte=0", ["a/3"]),
    ],
)
def test_records_are_found_by_words_fields_and_ranges(storms: FlaskClient, query: str, ids: list[str]) -> None:
    assert found(storms, query) == ids


def test_a_field_whose_name_is_taken_is_reached_through_where(http: FlaskClient) -> None:
    names = ["search", "limit", "cursor", "dataset", "a.gte", "where.x"]
    records: list[dict[str, Any]] = [{"id": name, name: 5} for name in names]
    assert http.post("/data", json=records).status_code == 201
    for name in names:
        assert found(http, f"where.{name}=5") == [name]
    assert found(http, "limit.gte=4") == ["limit"]


def test_pages_follow_each_other_through_the_state_they_began_in(http: FlaskClient) -> None:
    http.post("/data?dataset=n", json=[{"a b": "x&y", "n": n} for n in range(25)])
    address, seen = "/data?dataset=n&a+b=x%26y&n.gte=3&limit=10", []
    while address:
        answer = http.get(address)
        page = answer.get_json()
        assert page["total"] == 22
        assert len(page["records"]) <= 10
        seen += [each["n"] for each in page["records"]]
        address = page["next"]
        assert answer.headers.get("Link") == (f'<{address}>; rel="next"' if address else None)
        http.post("/data?dataset=n", json=[{"a b": "x&y", "n": 100}])
    assert seen == list(range(3, 25))


@pytest.mark.parametrize("cursor", ["x", "", "%00", "W10", "bnVsbA"])
def test_a_cursor_that_was_never_given_out_cannot_be_read(http: FlaskClient, refused: Any, cursor: str) -> None:
    refused(http.get(f"/data?cursor={cursor}"), 400, "unreadable")


def test_a_cursor_goes_with_its_own_search(http: FlaskClient) -> None:
    http.post("/data", json=[{"n": n} for n in range(5)])
    address = http.get("/data?limit=2").get_json()["next"]
    assert http.get(f"{address}&n=1").status_code == 400


@pytest.mark.parametrize(
    ("method", "address", "pointer"),
    [
        ("GET", "/data?limit=0", "/limit"),
        ("GET", "/data?limit=1001", "/limit"),
        ("GET", "/data?limit=x", "/limit"),
        ("GET", "/data?n=1&n=2", "/n"),
        ("GET", "/data?dataset=a/b", "/dataset"),
        ("GET", "/data?dataset=", "/dataset"),
        ("GET", "/data/1?x=1", "/x"),
        ("POST", "/data?dataset=é", "/dataset"),
        ("POST", "/data?limit=1", "/limit"),
        ("POST", "/data?id=", "/id"),
        ("POST", "/data?records=a", "/records"),
        ("POST", "/data?records=/b", "/records"),
        ("DELETE", "/data?search=x", "/search"),
        ("GET", "/datasets?dataset=x", "/dataset"),
    ],
)
def test_parameters_that_do_not_fit_are_named(
    http: FlaskClient, refused: Any, method: str, address: str, pointer: str
) -> None:
    problem = refused(http.open(address, method=method, json={"a": [{}]} if method == "POST" else None), 422, "invalid")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]


# --- One record, and sets as a whole --------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["a/1", "a//b", "a b?c#d", "é%2F", "..", "x/", "00", "-7"])
def test_a_record_is_had_by_its_id_whatever_that_is(http: FlaskClient, key: str) -> None:
    record = {"id": key, "text": "é", "number": 1.0, "none": None}
    assert http.post("/data", json=[record]).status_code == 201
    answer = http.get(f"/data/{quote(key, safe='/')}")
    assert (answer.status_code, answer.content_type, answer.get_json()) == (200, "application/json", record)


def test_a_number_and_its_text_are_the_same_id(http: FlaskClient) -> None:
    http.post("/data", json=[{"id": 7, "x": 1}, {"id": "7", "x": 2}])
    assert http.get("/data").get_json()["records"] == [{"id": "7", "x": 2}]
    assert http.get("/data/7").get_json() == {"id": "7", "x": 2}


@pytest.mark.parametrize(
    "address", ["/data/none", "/data/a/4", "/data/a", "/data/1?dataset=none", "/data/" + "x" * 3000]
)
def test_an_unknown_record_is_404(storms: FlaskClient, address: str) -> None:
    answer = storms.get(address)
    assert (answer.status_code, answer.get_json()["type"]) == (404, "urn:jobsapi:problem:unknown-record")


def test_sets_are_listed_with_their_counts_and_fields_and_emptied_one_by_one(http: FlaskClient) -> None:
    assert http.get("/datasets").get_json() == {"datasets": []}
    http.post("/data?dataset=b", data=CSV)
    http.post("/data?dataset=a", json=[{"x": {"y": True}}])
    first, second = http.get("/datasets").get_json()["datasets"]
    assert (first["name"], first["records"], first["fields"]) == ("a", 1, [{"name": "x.y", "type": "boolean"}])
    assert (second["name"], second["records"]) == ("b", 3)
    types = {each["name"]: each["type"] for each in second["fields"]}
    assert types == {"id": "integer", "name": "string", "mass (g)": "number"}
    assert http.delete("/data?dataset=b").get_json() == {"dataset": "b", "removed": 3}
    assert [each["name"] for each in http.get("/datasets").get_json()["datasets"]] == ["a"]
    assert http.get("/data?dataset=b").get_json() == {"records": [], "next": None, "total": 0}
    assert http.delete("/data?dataset=b").get_json()["removed"] == 0


def test_what_comes_over_http_is_what_python_has(store: Store, storms: FlaskClient) -> None:
    assert list(data.records(1, 3, store=store)) == STORMS[1:]
    data.load([{"id": "p"}], store=store)
    assert storms.get("/data/p").get_json() == {"id": "p"}
