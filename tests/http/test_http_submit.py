"""POST /jobs with one job: what is accepted, and every refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from jobsapi import registry
from jobsapi.caching import Caching
from jobsapi.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from jobsapi.store import Store

PLOT = {"task": "plot", "params": {"start": 1, "end": 2}}
GOOD = b'{"task": "plot", "params": {"start": 1, "end": 2}}'


def pointers(problem: dict[str, Any]) -> dict[str, str]:
    return {each["pointer"]: each["detail"] for each in problem["errors"]}


def test_a_job_is_answered_at_once_with_its_id_and_its_address(http: FlaskClient) -> None:
    answer = http.post("/jobs", json=PLOT)
    assert answer.status_code == 202
    job = answer.get_json()
    assert (job["status"], job["task"], job["params"]) == ("submitted", "plot", {"start": 1, "end": 2})
    assert answer.headers["Location"] == job["links"]["self"] == f"/jobs/{job['id']}"
    assert http.get(answer.headers["Location"]).get_json()["id"] == job["id"]


def test_options_stand_beside_task_and_params(http: FlaskClient) -> None:
    body = {**PLOT, "queue": "night", "priority": 7, "tags": ["a", "b"], "timeout": 1.5, "keep": 60}
    job = http.post("/jobs", json=body).get_json()
    assert (job["queue"], job["priority"], job["tags"]) == ("night", 7, ["a", "b"])


def test_a_task_has_a_queue_of_its_own_unless_the_job_names_one(http: FlaskClient) -> None:
    assert http.post("/jobs", json={"task": "walk", "params": {"points": []}}).get_json()["queue"] == "long"


def test_an_option_that_is_null_is_not_given(http: FlaskClient) -> None:
    assert http.post("/jobs", json={**PLOT, "queue": None, "tags": None}).get_json()["queue"] == "default"


def test_params_may_be_left_out_where_none_is_required(http: FlaskClient) -> None:
    assert http.post("/jobs", json={"task": "measure"}).status_code == 202


@pytest.mark.parametrize(
    "kind", [None, "application/json", "text/plain", "application/x-www-form-urlencoded", "nonsense", "text/csv"]
)
def test_json_is_read_whatever_the_content_type_says(http: FlaskClient, kind: str | None) -> None:
    answer = http.post("/jobs", data=GOOD, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   \n",
        b"hello",
        b"{",
        b'{"task": "plot",}',
        b"{'task': 'plot'}",
        GOOD + b"x",
        GOOD[:-1],
        b'{"task": "plot", "params": {"start": NaN, "end": 2}}',
        b'{"task": "plot", "params": {"start": Infinity, "end": 2}}',
        b'{"task": "plot", "params": {"start": -Infinity, "end": 2}}',
        b'{"task": "free", "params": {"x": 1e400}}',
        b'{"task": "free", "params": {"x": ' + b"9" * 5000 + b"}}",
        b'{"task": "free", "params": {"x": "\\ud800"}}',
        b'{"task": "free", "params": {"x": "\xff"}}',
        b'{"task": "free", "params": {"x": "\xed\xa0\x80"}}',
        b'{"task": "free", "params": {"x": "\x00"}}',
        GOOD.decode().encode("utf-16"),
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b"[" * 10_000,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_what_is_not_json_cannot_be_read(http: FlaskClient, refused: Any, body: bytes) -> None:
    problem = refused(http.post("/jobs", data=body), 400, "unreadable")
    assert "not JSON" in problem["detail"]


@pytest.mark.parametrize("body", ["null", "true", "1", "1.5", '"plot"'])
def test_a_job_is_an_object(http: FlaskClient, refused: Any, body: str) -> None:
    problem = refused(http.post("/jobs", data=body), 422, "invalid")
    assert pointers(problem) == {"": "is not an object"}


@pytest.mark.parametrize("name", ["plto", "", "a b", "\x00", "x" * 100_000])
def test_an_unknown_task_is_refused_with_the_known_ones_named(http: FlaskClient, refused: Any, name: str) -> None:
    answer = http.post("/jobs", json={"task": name})
    assert len(answer.data) < 2000
    problem = refused(answer, 422, "invalid")
    assert list(pointers(problem)) == ["/task"]
    for known in ("plot", "walk", "measure", "free"):
        assert known in problem["detail"]


@pytest.mark.parametrize("task", [None, 1, ["plot"], {"name": "plot"}, True])
def test_a_task_is_named_by_a_text(http: FlaskClient, refused: Any, task: Any) -> None:
    assert list(pointers(refused(http.post("/jobs", json={"task": task}), 422, "invalid"))) == ["/task"]


def test_a_body_without_task_needs_a_default_task(http: FlaskClient, refused: Any) -> None:
    problem = refused(http.post("/jobs", json={"start": 1, "end": 2}), 422, "invalid")
    assert pointers(problem) == {"/task": "is required"}
    assert "plot" in problem["detail"]


def test_a_body_without_task_is_the_parameters_of_the_default_task(
    store: Store, http: FlaskClient, make_app: Callable[..., Flask]
) -> None:
    def sweep(start: int, end: int) -> None: ...

    registry.publish(store, [Task("sweep", sweep, default=True).described()])
    assert http.post("/jobs", json={"start": 1, "end": 2}).get_json()["task"] == "sweep"
    problem = http.post("/jobs", json={"start": 1, "queue": "q"}).get_json()
    assert pointers(problem) == {"/end": "is required", "/queue": "is not a parameter"}


@pytest.mark.parametrize("params", [None, [], [1, 2], "x", 1, True])
def test_parameters_are_an_object(http: FlaskClient, refused: Any, params: Any) -> None:
    problem = refused(http.post("/jobs", json={"task": "free", "params": params}), 422, "invalid")
    assert pointers(problem) == {"/params": "is not an object"}


def test_missing_and_unknown_parameters_are_pointed_at(http: FlaskClient, refused: Any) -> None:
    answer = http.post("/jobs", json={"task": "plot", "params": {"start": 1, "stop": 2, "a/b~c": 3}})
    assert pointers(refused(answer, 422, "invalid")) == {
        "/params/end": "is required",
        "/params/stop": "is not a parameter",
        "/params/a~1b~0c": "is not a parameter",
    }


def test_a_wrong_value_deep_inside_is_pointed_at(http: FlaskClient, refused: Any) -> None:
    points = [{"x": 1}, {"x": 1, "y": "north"}]
    problem = refused(http.post("/jobs", json={"task": "walk", "params": {"points": points}}), 422, "invalid")
    assert list(pointers(problem)) == ["/params/points/1/y"]


@pytest.mark.parametrize("value", ["1.5", '"1"', "true", "null", "[1]", "{}", "1e30", "-1e19"])
def test_what_is_no_integer_is_refused(http: FlaskClient, refused: Any, value: str) -> None:
    body = f'{{"task": "plot", "params": {{"start": {value}, "end": 2}}}}'
    assert list(pointers(refused(http.post("/jobs", data=body), 422, "invalid"))) == ["/params/start"]


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, 10**30, -(10**18) * 1000])
def test_integers_beyond_64_bits_are_refused_and_not_rounded(http: FlaskClient, refused: Any, value: int) -> None:
    for where, pointer in (("plot", "/params/start"), ("free", "/params/start"), ("measure", "/params/start")):
        answer = http.post("/jobs", data=f'{{"task": "{where}", "params": {{"start": {value}, "end": 2}}}}')
        assert pointers(refused(answer, 422, "invalid")) == {pointer: "is an integer beyond 64 bits"}
    answer = http.post("/jobs", data=f'{{"task": "free", "params": {{"a~/": [0, {{"b": {value}}}], "c": 1.5}}}}')
    assert list(pointers(refused(answer, 422, "invalid"))) == ["/params/a~0~1/1/b"]


@pytest.mark.parametrize("value", [2**64 - 1, -(2**63), 0])
def test_integers_of_64_bits_come_back_as_they_were_sent(http: FlaskClient, value: int) -> None:
    body = f'{{"task": "plot", "params": {{"start": {value}, "end": 2}}}}'
    assert http.post("/jobs", data=body).get_json()["params"]["start"] == value


def test_long_digits_that_are_no_integer_pass(http: FlaskClient) -> None:
    params = {"text": "9" * 50, "float": 0.12345678901234567, "large": 1e300, "9" * 30: None}
    assert http.post("/jobs", json={"task": "free", "params": params}).get_json()["params"] == params


def test_an_integer_is_a_number(http: FlaskClient) -> None:
    assert http.post("/jobs", json={"task": "measure", "params": {"share": 1}}).status_code == 202


@pytest.mark.parametrize("share", [-0.1, 1.1, "0.5", True])
def test_bounds_are_kept(http: FlaskClient, refused: Any, share: Any) -> None:
    answer = http.post("/jobs", json={"task": "measure", "params": {"share": share}})
    assert list(pointers(refused(answer, 422, "invalid"))) == ["/params/share"]


def test_an_unknown_option_is_refused_with_the_known_ones_named(http: FlaskClient, refused: Any) -> None:
    problem = refused(http.post("/jobs", json={**PLOT, "pririty": 1, "a/b": 2}), 422, "invalid")
    assert set(pointers(problem)) == {"/pririty", "/a~1b"}
    assert "priority" in problem["detail"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("priority", each) for each in (101, -101, 0.5, "1", True, [1], 1e300)),
        *(("queue", each) for each in ("", "a b", "a/b", 1, ["q"], "q" * 101, "ü", "q\n", "q\x00")),
        *(("timeout", each) for each in (0, -1, 1e10, "1", True, {})),
        *(("keep", each) for each in (0, -1, 1e10, "1")),
        *(("max_deliveries", each) for each in (0, 1001, 1.5, "3", False)),
        *(("max_attempts", each) for each in (0, 1001, 1.5, "3", True)),
        *(("backoff", each) for each in (-1, 1e8, "1", True, [], [1, "2"], [1] * 101, {"bas": 1}, {"factor": 0.5})),
        *(("backoff", {name: each}) for name, each in (("jitter", 2), ("base", -1), ("max", None), ("base", "1"))),
        *(("delay", each) for each in (-1, 1e10, "1", True, [1])),
        *(
            ("run_at", each)
            for each in (1, "", "tomorrow", "2026-01-31", "2026-01-31T12:00:00", "2026-02-30T12:00:00Z")
        ),
        ("run_at", "9999-12-31T23:59:59-05:00"),  # the year 10000 in UTC
        *(("expires_in", each) for each in (0, -1, 1e10, "1", True)),
        *(("key", each) for each in ("", 1, "k" * 201, ["k"])),
        *(("on_conflict", each) for each in ("", "ignore", 1, True, ["return"])),
        *(("after", each) for each in ([], "#0", [1], ["x"], ["#12345"], [None], {})),
        *(
            ("webhook", each)
            for each in ("", 1, "example.org", "ftp://example.org/", "http://127.0.0.1/", ["http://a/"])
        ),
        *(("tags", each) for each in ("a", [1], ["a", "a"], ["a b"], [str(i) for i in range(21)], {"a": 1}, [None])),
    ],
)
def test_an_option_out_of_its_bounds_is_pointed_at(http: FlaskClient, refused: Any, option: str, value: Any) -> None:
    problem = refused(http.post("/jobs", json={**PLOT, option: value}), 422, "invalid")
    assert list(pointers(problem)) == [f"/{option}"]


def test_a_webhook_is_kept_and_shown(http: FlaskClient) -> None:
    url = "https://hooks.example.org/jobs?token=1"
    jid = http.post("/jobs", json={**PLOT, "webhook": url}).get_json()["id"]
    shown = http.get(f"/jobs/{jid}").get_json()["webhook"]
    assert shown == {"url": url, "status": "pending", "tries": 0, "last_error": None}
    assert "webhook" not in http.get(http.post("/jobs", json=PLOT).headers["Location"]).get_json()


def test_every_fault_is_told_at_once(http: FlaskClient, refused: Any) -> None:
    body = {"task": "plot", "params": {"start": "1"}, "priority": 1000, "delay": -3}
    problem = refused(http.post("/jobs", json=body), 422, "invalid")
    assert set(pointers(problem)) == {"/params/start", "/params/end", "/priority", "/delay"}


def test_a_bad_body_does_not_become_a_larger_answer(http: FlaskClient, refused: Any) -> None:
    bodies = [
        {**PLOT, **{f"option{i}": 1 for i in range(50_000)}},
        {"task": "plot", "params": {f"name{i}": 1 for i in range(20_000)}},
        {"task": "walk", "params": {"points": [1] * 300_000}},
        {"task": "plot", "params": {"start": "x" * 500_000, "end": 1}},
    ]
    for body in bodies:
        answer = http.post("/jobs", json=body)
        assert len(answer.data) < 100_000
        assert 1 <= len(refused(answer, 422, "invalid")["errors"]) <= 100


def test_the_last_of_two_equal_keys_counts(http: FlaskClient) -> None:
    body = '{"task": "nothing", "task": "plot", "params": {"start": 9, "start": 1, "end": 2}}'
    assert http.post("/jobs", data=body).get_json()["params"] == {"start": 1, "end": 2}


def test_any_text_comes_back_as_it_was_sent(http: FlaskClient) -> None:
    params = {"nul \x00": "\x00", "emoji": "🙂", "rtl": "\u202e", "": "", "line": "\u2028", "html": "<script>"}
    jid = http.post("/jobs", json={"task": "free", "params": params}).get_json()["id"]
    assert http.get(f"/jobs/{jid}").get_json()["params"] == params


def nested(levels: int, kind: str) -> bytes:
    inner = b"[" * levels + b"]" * levels if kind == "lists" else b'{"a":' * levels + b"1" + b"}" * levels
    return b'{"task": "free", "params": {"x": ' + inner + b"}}"


@pytest.mark.parametrize("kind", ["lists", "objects"])
def test_whatever_nesting_is_accepted_can_be_shown_again(http: FlaskClient, kind: str) -> None:
    accepted = {levels: http.post("/jobs", data=nested(levels, kind)).status_code for levels in range(230, 262)}
    assert accepted[230] == 202
    assert accepted[261] == 422
    listed = http.get("/jobs")
    assert listed.status_code == 200
    assert listed.get_json()["total"] == list(accepted.values()).count(202)


@pytest.mark.parametrize("levels", [300, 900, 990, 1010])
def test_deep_nesting_is_refused_wherever_it_stands(http: FlaskClient, refused: Any, levels: int) -> None:
    deep = b"[" * levels + b"]" * levels
    places = [b'{"task":"free","params":{"x":%b}}', b'{"task":"plot","params":{"start":%b,"end":1}}']
    places += [b'{"task":"free","tags":%b}', b'{"task":%b}', b'{"task":"free","queue":%b}', b"[%b]"]
    places += [b'{"task":"free","params":{"wide":99999999999999999999999,"x":%b}}']
    for place in places:
        answer = http.post("/jobs", data=place % deep)
        refused(answer, *((400, "unreadable") if answer.status_code == 400 else (422, "invalid")))


def test_a_query_parameter_that_means_nothing_is_refused(http: FlaskClient, refused: Any) -> None:
    problem = refused(http.post("/jobs?wait=1", data=GOOD), 422, "invalid")
    assert list(pointers(problem)) == ["/wait"]


def test_expecting_a_continue_changes_nothing(http: FlaskClient) -> None:
    assert http.post("/jobs", data=GOOD, headers={"Expect": "100-continue"}).status_code == 202


@pytest.mark.parametrize("backoff", [0, 1.5, [1, 10.5], {}, {"base": 2, "factor": 3, "max": 60, "jitter": 0.5}])
def test_a_backoff_is_taken_as_the_document_describes_it(http: FlaskClient, backoff: Any) -> None:
    body = {**PLOT, "max_attempts": 3, "backoff": backoff}
    job = http.post("/jobs", json=body).get_json()
    assert (job["status"], job["max_attempts"], job["run_at"]) == ("submitted", 3, None)
    kinds = http.get("/openapi.json").get_json()["components"]["schemas"]["plot.job"]["properties"]
    assert jsonschema_rs.validator_for(kinds["backoff"]).is_valid(backoff)


def test_a_job_for_later_is_scheduled(http: FlaskClient) -> None:
    job = http.post("/jobs", json={**PLOT, "run_at": "2100-01-31T12:00:00+01:00"}).get_json()
    assert (job["status"], job["run_at"]) == ("scheduled", "2100-01-31T11:00:00.000Z")
    assert http.get("/jobs?status=scheduled").get_json()["total"] == 1
    assert http.post(f"/jobs/{job['id']}/cancel").get_json()["status"] == "cancelled"
    job = http.post("/jobs", json={**PLOT, "run_at": "9999-12-31T23:59:59.9999Z"}).get_json()
    assert job["run_at"] == "9999-12-31T23:59:59.999Z"


def test_a_job_has_one_time(http: FlaskClient, refused: Any) -> None:
    body = {**PLOT, "delay": 1, "run_at": "2100-01-31T12:00:00Z"}
    assert pointers(refused(http.post("/jobs", json=body), 422, "invalid")) == {
        "/run_at": "cannot stand beside `delay`"
    }


def test_a_second_active_key_is_refused_with_the_way_to_the_first(http: FlaskClient) -> None:
    keyed = {**PLOT, "key": "report {7}"}
    first = http.post("/jobs", json=keyed).get_json()
    answer = http.post("/jobs", json=keyed)
    assert (answer.status_code, answer.headers["Location"]) == (409, f"/jobs/{first['id']}")
    problem = answer.get_json()
    assert (problem["type"], problem["job"]) == ("urn:jobsapi:problem:key-taken", first["id"])
    assert http.post("/jobs", json=[PLOT, keyed]).status_code == 409
    assert http.get("/jobs").get_json()["total"] == 1


def test_on_conflict_return_answers_with_the_active_job(http: FlaskClient) -> None:
    keyed = {**PLOT, "key": "k", "on_conflict": "return"}
    first = http.post("/jobs", json=keyed)
    again = http.post("/jobs", json={**keyed, "priority": 5})
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.get_json() == {**first.get_json(), "position": None}
    assert again.headers["Location"] == first.headers["Location"]
    both = http.post("/jobs", json=[keyed, PLOT])
    assert both.status_code == 202
    assert both.get_json()["jobs"][0]["id"] == first.get_json()["id"]
    assert http.get("/jobs").get_json()["total"] == 2


def test_a_key_is_free_again_when_its_job_has_ended(http: FlaskClient) -> None:
    keyed = {**PLOT, "key": "k"}
    first = http.post("/jobs", json=keyed).get_json()["id"]
    http.post(f"/jobs/{first}/cancel")
    second = http.post("/jobs", json=keyed)
    assert second.status_code == 202
    retried = http.post(f"/jobs/{first}/retry")
    assert (retried.status_code, retried.get_json()["job"]) == (409, second.get_json()["id"])


def test_two_jobs_of_one_list_cannot_have_one_key(http: FlaskClient, refused: Any) -> None:
    bodies = [PLOT, {**PLOT, "key": "k"}, {**PLOT, "key": "k", "on_conflict": "return"}]
    assert list(pointers(refused(http.post("/jobs", json=bodies), 422, "invalid"))) == ["/2/key"]


def test_a_cached_result_is_answered_with_its_job(store: Store, http: FlaskClient) -> None:
    def square(n: int, m: int = 1) -> None: ...

    registry.publish(store, [Task("square", square, caching=Caching("10m", "3", ["default"])).described()])
    told = http.get("/tasks/square").get_json()["caching"]
    assert told == {"cache": "10m", "version": "3", "datasets": ["default"]}
    body = {"task": "square", "params": {"n": 2}}
    first = http.post("/jobs", json=body)
    again = http.post("/jobs", json=body)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.get_json()["id"] == first.get_json()["id"]
    assert again.headers["Location"] == first.headers["Location"]
    own = http.post("/jobs", json={**body, "cache": False})
    assert (own.status_code, own.get_json()["id"] != first.get_json()["id"]) == (202, True)
    defaults_written_out = http.post("/jobs", json={"task": "square", "params": {"n": 2, "m": 1}})
    assert defaults_written_out.status_code == 202


def test_a_cached_result_and_an_idempotency_key_go_together(store: Store, http: FlaskClient) -> None:
    registry.publish(store, [Task("cached", lambda: None, caching=Caching(60)).described()])
    keys = [{"Idempotency-Key": key} for key in ("one", "two", "two")]
    made = [http.post("/jobs", json={"task": "cached"}, headers=key) for key in keys]
    assert [each.status_code for each in made] == [202, 200, 202]
    assert "Idempotency-Replayed" not in made[1].headers
    assert made[2].headers["Idempotency-Replayed"] == "true"
    assert len({each.get_json()["id"] for each in made}) == 1
