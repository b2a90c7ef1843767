"""POST /jobs with a sweep: its grid, as one batch, and every refusal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs
from jobsapi.errors import Invalid

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from jobsapi.store import Store


def sweep(http: FlaskClient, task: str, values: Any, **more: Any) -> Any:
    return http.post("/jobs", data=json.dumps({"task": task, "sweep": values, **more}))


def params(http: FlaskClient, answer: Any) -> list[dict[str, Any]]:
    """The parameters of the jobs that were made, in the order sent."""
    assert answer.status_code == 202, answer.text
    return [http.get(f"/jobs/{each['id']}").get_json()["params"] for each in answer.get_json()["jobs"]]


def pointers(problem: dict[str, Any]) -> dict[str, str]:
    return {each["pointer"]: each["detail"] for each in problem["errors"]}


def test_a_sweep_is_its_grid_with_the_last_name_changing_fastest(http: FlaskClient) -> None:
    answer = sweep(http, "free", {"ratio": [0.1, 0.2], "mode": ["a", "b"]}, params={"seed": 7}, priority=5, tags=["s"])
    assert params(http, answer) == [
        {"seed": 7, "ratio": ratio, "mode": mode} for ratio in (0.1, 0.2) for mode in ("a", "b")
    ]
    batch = http.get(answer.headers["Location"]).get_json()
    assert (batch["total"], batch["task"], batch["sweep"]) == (4, "free", ["ratio", "mode"])
    job = http.get(f"/jobs/{answer.get_json()['jobs'][3]['id']}").get_json()
    assert (job["priority"], job["tags"], job["batch"]) == (5, ["s"], batch["id"])


def test_values_may_be_anything_that_json_has(http: FlaskClient) -> None:
    values = [None, True, "x", [1, 2], {"a": {}}, 1.5]
    assert params(http, sweep(http, "free", {"v": values})) == [{"v": value} for value in values]


@pytest.mark.parametrize(("first", "second"), [(101, 1), (100, 100)])
def test_a_sweep_of_many_jobs_is_accepted_whole(http: FlaskClient, first: int, second: int) -> None:
    answer = sweep(http, "plot", {"start": list(range(first)), "end": list(range(second))})
    found = http.get(answer.headers["Location"]).get_json()
    assert found["total"] == found["counts"]["submitted"] == first * second


def test_more_than_ten_thousand_jobs_are_refused_before_any_is_looked_at(http: FlaskClient, refused: Any) -> None:
    many = list(range(10_000))
    problem = refused(sweep(http, "free", {"a": many, "b": many, "c": many}), 422, "invalid")
    assert pointers(problem) == {"/sweep": "makes 1,000,000,000,000 jobs; one request may make 10,000"}


def test_a_wrong_value_is_pointed_at_where_it_stands_in_the_sweep(http: FlaskClient, refused: Any) -> None:
    answer = sweep(http, "plot", {"start": [1, "two", 3, 4.5], "end": [1, 2]})
    problem = refused(answer, 422, "invalid")
    assert list(pointers(problem)) == ["/sweep/start/1", "/sweep/start/3"]
    answer = sweep(http, "walk", {"points": [[{"x": 1}], [{"x": 1}, {"y": 2}]]}, params={"mode": "fast"})
    assert list(pointers(refused(answer, 422, "invalid"))) == ["/sweep/points/1/1/x"]


def test_common_parameters_names_and_options_are_pointed_at_once(http: FlaskClient, refused: Any) -> None:
    problem = refused(sweep(http, "plot", {"start": [1, 2]}, params={"end": "x"}), 422, "invalid")
    assert list(pointers(problem)) == ["/params/end"]
    problem = refused(sweep(http, "plot", {"start": [1, 2]}), 422, "invalid")
    assert pointers(problem) == {"/params/end": "is required"}
    problem = refused(sweep(http, "plot", {"start": [1], "en~d/": [1, 2]}, params={"end": 1}), 422, "invalid")
    assert pointers(problem) == {"/sweep/en~0d~1": "is not a parameter"}
    assert list(pointers(refused(sweep(http, "free", {"a": [1]}, priority=1000), 422, "invalid"))) == ["/priority"]
    assert list(pointers(refused(sweep(http, "nothing", {"a": [1]}), 422, "invalid"))) == ["/task"]


@pytest.mark.parametrize("values", [1, "x", [], [1], {}, True])
def test_a_sweep_is_an_object_of_lists(http: FlaskClient, refused: Any, values: Any) -> None:
    assert list(pointers(refused(sweep(http, "free", values), 422, "invalid"))) == ["/sweep"]


@pytest.mark.parametrize("values", [1, "abc", [], {}, None])
def test_each_parameter_has_a_list_of_values(http: FlaskClient, refused: Any, values: Any) -> None:
    problem = refused(sweep(http, "free", {"a": [1], "b": values}), 422, "invalid")
    assert pointers(problem) == {"/sweep/b": "is a list of at least one value"}


def test_a_name_stands_in_the_sweep_or_in_params(http: FlaskClient, refused: Any) -> None:
    problem = refused(sweep(http, "free", {"a": [1]}, params={"a": 2}), 422, "invalid")
    assert pointers(problem) == {"/sweep/a": "stands in `params`, too"}


def test_what_cannot_be_common_is_refused(http: FlaskClient, refused: Any) -> None:
    assert list(pointers(refused(sweep(http, "free", {"a": [1]}, key="k"), 422, "invalid"))) == ["/key"]
    assert list(pointers(refused(sweep(http, "free", {"a": [1, 2]}, after=["#0"]), 422, "invalid"))) == ["/after/0"]
    assert list(pointers(refused(sweep(http, "free", {"a": [1]}, params=[1]), 422, "invalid"))) == ["/params"]


def test_a_sweep_in_a_list_or_in_a_schedule_is_refused(http: FlaskClient, refused: Any) -> None:
    problem = refused(http.post("/jobs", json=[{"task": "free", "sweep": {"a": [1]}}]), 422, "invalid")
    assert "not in a list" in pointers(problem)["/0/sweep"]
    made = {"name": "daily", "task": "free", "every": 5, "sweep": {"a": [1]}}
    assert list(pointers(refused(http.post("/schedules", json=made), 422, "invalid"))) == ["/sweep"]


def test_a_sweep_that_is_null_is_not_given_and_a_body_without_task_is_parameters(http: FlaskClient) -> None:
    assert "id" in sweep(http, "free", None).get_json()
    problem = http.post("/jobs", json={"sweep": {"a": [1]}}).get_json()
    assert list(pointers(problem)) == ["/task"]


def test_large_common_parameters_cannot_be_multiplied_without_end(make_app: Any, refused: Any) -> None:
    http = make_app(max_body=100_000).test_client()
    answer = sweep(http, "free", {"n": list(range(100))}, params={"text": "x" * 2000})
    assert "JOBSAPI_MAX_BODY" in refused(answer, 413, "too-large")["detail"]


def test_the_same_sweep_under_one_idempotency_key_is_one_batch(http: FlaskClient) -> None:
    body = {"task": "free", "sweep": {"a": [1, 2, 3]}}
    first, again = (http.post("/jobs", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.get_json() == first.get_json()
    assert again.headers["Location"] == first.headers["Location"]
    assert http.get("/jobs").get_json()["total"] == 3


class Array:
    """As numpy's are: it has `tolist`, and its items are none of Python's own."""

    def tolist(self) -> list[float]:
        return [0.5, 1.5]


@pytest.mark.usefixtures("app")
def test_python_takes_ranges_and_arrays(store: Store) -> None:
    batch = jobs.add_sweep("free", {"n": range(2), "x": Array(), "g": (c for c in "ab")}, {"k": 1}, store=store)
    assert (batch.total, batch.sweep, batch.counts["submitted"]) == (8, ["n", "x", "g"], 8)
    rows = list(jobs.batch_results(batch.id, store=store))
    assert [(row["n"], row["x"], row["g"], row["k"]) for row in rows[:3]] == [
        (0, 0.5, "a", 1),
        (0, 0.5, "b", 1),
        (0, 1.5, "a", 1),
    ]
    with pytest.raises(Invalid) as refusal:
        jobs.add_sweep("plot", {"start": "12"}, {"end": 1}, store=store)
    assert [each.pointer for each in refusal.value.errors] == ["/sweep/start"]
    with pytest.raises(Invalid):
        jobs.add_job("free", {}, sweep={"a": [1]}, store=store)
