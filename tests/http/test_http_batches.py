"""/batches over HTTP: looked at, listed, cancelled, and the results as one table."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs, results, tables
from jobsapi.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

NO_BATCH = "00AbCdEfGhIjKlMnOpQr"


def send(http: FlaskClient, *params: dict[str, Any], **options: Any) -> tuple[str, list[str]]:
    """The id of a batch of `free` jobs, and those of its jobs."""
    body = json.dumps([{"task": "free", "params": each, **options} for each in params])  # as it is, not sorted
    made = http.post("/jobs", data=body).get_json()
    return made["batch"], [each["id"] for each in made["jobs"]]


@pytest.fixture
def finish(store: Store, tmp_path: Path) -> Callable[..., None]:
    """Completes the oldest waiting job with what its function returned and saved."""

    def end(value: Any, saved: dict[str, Any] | None = None, *, at: Store = store) -> None:
        [claim] = jobs.claim_jobs(at, "w", {"default": ["free"]}, 1, 10.0)
        outputs = results.encode(value, saved or {}, tmp_path / claim.id, max_result=1 << 30)
        stored = results.write(at, claim.id, claim.token, outputs)
        jobs.complete_job(at, claim.id, claim.token, stored.descriptor, stored.inline)

    return end


def table(http: FlaskClient, batch: str, query: str = "") -> dict[str, Any]:
    answer = http.get(f"/batches/{batch}/results{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def as_csv(http: FlaskClient, batch: str) -> list[dict[str, str]]:
    answer = http.get(f"/batches/{batch}/results?format=csv")
    assert (answer.status_code, answer.content_type) == (200, "text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_a_list_is_a_batch_that_can_be_looked_at(http: FlaskClient) -> None:
    answer = http.post("/jobs", json=[{"task": "free", "params": {"n": n}} for n in range(3)])
    batch = answer.get_json()["batch"]
    assert answer.headers["Location"] == f"/batches/{batch}"
    found = http.get(answer.headers["Location"]).get_json()
    assert (found["id"], found["total"], found["task"], found["finished"]) == (batch, 3, "free", None)
    assert found["counts"]["submitted"] == sum(found["counts"].values()) == 3
    assert found["links"] == {
        "self": f"/batches/{batch}",
        "jobs": f"/jobs?batch={batch}",
        "results": f"/batches/{batch}/results",
        "cancel": f"/batches/{batch}/cancel",
    }
    job = http.get(f"/jobs/{answer.get_json()['jobs'][0]['id']}").get_json()
    assert (job["batch"], job["links"]["batch"]) == (batch, f"/batches/{batch}")
    assert len(http.get(found["links"]["jobs"]).get_json()["jobs"]) == 3


def test_one_job_is_no_batch_and_a_list_of_one_is(http: FlaskClient) -> None:
    one = http.post("/jobs", json={"task": "free"})
    assert one.get_json()["batch"] is None
    assert "batch" not in one.get_json()["links"]
    assert http.get("/batches").get_json() == {"batches": [], "next": None}
    batch, _ = send(http, {})
    assert [each["id"] for each in http.get("/batches").get_json()["batches"]] == [batch]


def test_the_same_list_under_one_idempotency_key_is_one_batch(http: FlaskClient) -> None:
    first, again = (http.post("/jobs", json=[{"task": "free"}], headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (again.headers["Idempotency-Replayed"], again.headers["Location"]) == ("true", first.headers["Location"])
    assert again.get_json() == first.get_json()
    assert len(http.get("/batches").get_json()["batches"]) == 1


def test_batches_are_listed_newest_first_in_pages(http: FlaskClient) -> None:
    made = [send(http, {})[0] for _ in range(5)]
    found, address = [], "/batches?limit=2"
    for _ in range(3):
        answer = http.get(address)
        found += [each["id"] for each in answer.get_json()["batches"]]
        address = answer.get_json()["next"]
        assert answer.headers.get("Link") == (f'<{address}>; rel="next"' if address else None)
    assert (found, address) == (made[::-1], None)


@pytest.mark.parametrize("place", ["", "/results", "/cancel"])
@pytest.mark.parametrize("batch", [NO_BATCH, "x", "0" * 300, "é"])
def test_an_unknown_batch_is_not_found(http: FlaskClient, refused: Any, batch: str, place: str) -> None:
    ask = http.post if place == "/cancel" else http.get
    refused(ask(f"/batches/{batch}{place}"), 404, "unknown-batch")


@pytest.mark.parametrize("cursor", ["", "b", "1", "j1", "r1", "b-1", "b1.5", "b" + "9" * 17, "b\u0661"])
def test_a_cursor_that_is_none_cannot_be_read(http: FlaskClient, refused: Any, cursor: str) -> None:
    refused(http.get("/batches", query_string={"cursor": cursor}), 400, "unreadable")


def test_cancel_stops_the_batch_and_nothing_else(http: FlaskClient) -> None:
    batch, _ = send(http, {}, {})
    other, _ = send(http, {})
    found = http.post(f"/batches/{batch}/cancel").get_json()
    assert found["counts"]["cancelled"] == 2
    assert found["finished"] is not None
    assert http.get(f"/batches/{other}").get_json()["counts"]["submitted"] == 1


# --- The table ------------------------------------------------------------------------------------------------------


def test_rows_are_in_the_order_sent_with_parameters_and_results(http: FlaskClient, finish: Any) -> None:
    batch, ids = send(http, {"ratio": 0.1, "mode": "a"}, {"ratio": 0.2, "mode": "b"}, {"ratio": 0.3, "more": [1]})
    finish({"score": 1.5, "ratio": None})
    finish(7)
    found = table(http, batch)
    head = ["id", "status", "reason", "ratio", "mode", "more"]
    assert found["columns"] == [*head, "result.score", "result.ratio", "result"]
    empty = dict.fromkeys(found["columns"])
    assert found["rows"] == [
        empty | {"id": ids[0], "status": "complete", "ratio": 0.1, "mode": "a", "result.score": 1.5},
        empty | {"id": ids[1], "status": "complete", "ratio": 0.2, "mode": "b", "result": 7},
        empty | {"id": ids[2], "status": "submitted", "ratio": 0.3, "more": [1]},
    ]
    assert found["next"] is None


def test_csv_is_the_same_table(http: FlaskClient, finish: Any) -> None:
    batch, ids = send(http, {"text": 'a "b",\nc', "n": None}, {"text": "é", "n": True}, {"text": "", "n": [1, {}]})
    finish({"x": {"y": 1}})
    jobs.cancel_job(ids[1], store=http.application.extensions["jobsapi"].get())
    answer = http.get(f"/batches/{batch}/results", headers={"Accept": "text/csv"})
    assert answer.headers["Content-Disposition"] == f"attachment; filename={batch}.csv"
    assert answer.text == (
        "id,status,reason,text,n,result.x\r\n"
        f'{ids[0]},complete,,"a ""b"",\nc",,"{{""y"":1}}"\r\n'
        f"{ids[1]},cancelled,cancelled,é,true,\r\n"
        f'{ids[2]},submitted,,,"[1,{{}}]",\r\n'
    )


def test_files_and_large_values_are_links(http: FlaskClient, finish: Any, tmp_path: Path) -> None:
    batch, ids = send(http, {"n": 0}, {"n": 1}, {"n": 2})
    finish({"summary": {"n": 1}, "plot": b"\x89PNG\r\n\x1a\n"})
    finish(b"bytes")
    finish({"long": "x" * 70_000})
    rows = table(http, batch)["rows"]
    assert rows[0]["result.summary"] == {"n": 1}
    plot = {"href": f"/jobs/{ids[0]}/results/plot", "type": "image/png", "bytes": 8}
    assert rows[0]["result.plot"] == plot
    assert rows[1]["result"]["href"] == f"/jobs/{ids[1]}/results"
    assert rows[2]["result"]["bytes"] > 70_000
    for row, name in zip(as_csv(http, batch), ("result.plot", "result", "result"), strict=True):
        assert http.get(row[name]).status_code == 200
    assert as_csv(http, batch)[0]["result.summary"] == '{"n":1}'


@pytest.mark.parametrize("value", [2**70, -(2**64), {"n": 2**70}, [2**70], "\ud800", 1e300, {}, [], None, "", "=1+1"])
def test_any_value_stands_in_the_table(http: FlaskClient, finish: Any, value: Any) -> None:
    batch, _ = send(http, {})
    finish(value)
    [row] = table(http, batch)["rows"]
    assert row.get("result", row.get("result.n")) == (value["n"] if value and isinstance(value, dict) else value)
    assert len(as_csv(http, batch)) == 1


def test_parameters_that_are_named_like_a_column_are_told_apart(http: FlaskClient, finish: Any) -> None:
    batch, ids = send(http, {"id": 1, "status": 2, "result": 3, "result.x": 4, "params.id": 5, "x": 6})
    finish({"x": 7, "id": 8})
    [row] = table(http, batch)["rows"]
    assert row == {
        "id": ids[0],
        "status": "complete",
        "reason": None,
        "x": 6,
        "params.id": 1,
        "params.status": 2,
        "params.result": 3,
        "params.result.x": 4,
        "params.params.id": 5,
        "result.x": 7,
        "result.id": 8,
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_following_next_walks_over_every_row_once(http: FlaskClient, limit: int) -> None:
    batch, ids = send(http, *({"n": n} for n in range(5)))
    found, address = [], f"/batches/{batch}/results?limit={limit}"
    for _ in range(6):
        answer = http.get(address)
        found += [each["id"] for each in answer.get_json()["rows"]]
        address = answer.get_json()["next"]
        if address is None:
            break
        assert answer.headers["Link"] == f'<{address}>; rel="next"'
    assert found == ids


def test_a_page_of_large_rows_is_shorter(http: FlaskClient, make_app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MOST_PAGE", 100_000)
    batch, ids = send(http, *({"n": n, "text": "x" * 30_000} for n in range(6)))
    first = table(http, batch)
    assert 1 < len(first["rows"]) < 6
    rest = http.get(first["next"]).get_json()
    assert [each["id"] for each in first["rows"] + rest["rows"]] == ids


def test_a_thousand_jobs_are_a_table_read_in_steps(http: FlaskClient, store: Store) -> None:
    batch, ids = send(http, *({"n": n} for n in range(1100)))
    for claim in jobs.claim_jobs(store, "w", {"default": ["free"]}, 1050, 60.0):
        jobs.complete_job(store, claim.id, claim.token, b"", claim.params)
    rows = as_csv(http, batch)
    assert [each["id"] for each in rows] == ids
    assert [each["result.n"] for each in rows] == [str(n) for n in range(1050)] + [""] * 50
    found = table(http, batch)
    assert (len(found["rows"]), len(http.get(found["next"]).get_json()["rows"])) == (1000, 100)
    assert [row["n"] for row in jobs.batch_results(batch, store=store)] == list(range(1100))


def test_a_job_that_completes_while_the_table_is_read_is_told_of_as_it_was(http: FlaskClient, finish: Any) -> None:
    batch, _ = send(http, {}, {})
    finish({"a": 1})
    store = http.application.extensions["jobsapi"].get()
    pieces = tables.csv_pieces(store, batch, "")
    finish({"b": 2})
    lines = b"".join(pieces).decode().splitlines()
    assert [line.partition(",")[2] for line in lines] == ["status,reason,result.a", "complete,,1", "submitted,,"]


def test_results_that_are_gone_are_empty_cells(http: FlaskClient, finish: Any, store: Store, tmp_path: Path) -> None:
    batch, ids = send(http, {"n": 1}, {"n": 2}, {"n": 3})
    shared = Store(store.redis, dataclasses.replace(store.settings, max_stored_result=0, results=str(tmp_path)), "")
    finish("x" * 5000, at=shared)  # in a folder that the API does not have
    finish("x" * 5000)
    token = jobs.get_record(store, ids[1]).token
    store.redis.delete(store.keys.outputs(ids[1], token))
    finish(3)
    jobs.remove_job(ids[2], store=store)
    rows = table(http, batch)["rows"]
    assert [(row["n"], row["status"], row.get("result")) for row in rows] == [
        (1, "complete", None),
        (2, "complete", None),
    ]


def test_the_form_is_chosen_by_the_query_or_by_accept(http: FlaskClient) -> None:
    batch, _ = send(http, {})

    def kind(query: str = "", accept: str | None = None) -> str:
        headers = {"Accept": accept} if accept else {}
        return http.get(f"/batches/{batch}/results{query}", headers=headers).mimetype

    assert kind() == kind(accept="*/*") == kind("?format=json", "text/csv") == "application/json"
    assert kind(accept="text/csv") == kind(accept="text/csv, */*;q=0.1") == kind("?format=csv") == "text/csv"
    assert http.get(f"/batches/{batch}/results", headers={"Accept": "image/png"}).status_code == 406
    assert http.get(f"/batches/{batch}/results?format=xml").status_code == 422


def test_links_hold_where_the_api_is_mounted(make_app: Any, store: Store) -> None:
    from flask import Flask

    from jobsapi.api import blueprint

    make_app()
    app: Flask = Flask("host")
    app.register_blueprint(blueprint(store=store), url_prefix="/api")
    http = app.test_client()
    made = http.post("/api/jobs", json=[{"task": "free"}, {"task": "free"}])
    found = http.get(made.headers["Location"]).get_json()
    assert all(link.startswith("/api/") for link in found["links"].values())
    assert http.get(found["links"]["results"] + "?limit=1").get_json()["next"].startswith("/api/batches/")
