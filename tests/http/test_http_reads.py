"""Reading and changing jobs over HTTP: pages, filters, entity tags, ids, methods, headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs, registry

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from jobsapi.store import Store

NO_JOB = "00AbCdEfGhIjKlMnOpQr"

ABOUT_A_JOB = [
    *(("GET", f"/jobs/{{}}{rest}") for rest in ("", "/results", "/results/name", "/logs", "/children")),
    *(("POST", f"/jobs/{{}}/{rest}") for rest in ("cancel", "retry")),
    *(("GET", f"/{word}/{{}}") for word in ("results", "download")),
    ("DELETE", "/jobs/{}"),
]


@pytest.fixture
def seven(store: Store, http: FlaskClient) -> list[str]:
    """The ids of seven jobs, the oldest first: three of `plot`, then four of `free` on the queue `q`, tagged `t`."""
    plots = [jobs.add_job("plot", {"start": n, "end": n}, store=store)["id"] for n in range(3)]
    frees = [jobs.add_job("free", {"n": n}, store=store, queue="q", tags=["t", f"n{n}"])["id"] for n in range(4)]
    return plots + frees


def ids(answer: Any) -> list[str]:
    return [each["id"] for each in answer.get_json()["jobs"]]


def test_no_jobs_are_an_empty_page(http: FlaskClient) -> None:
    answer = http.get("/jobs")
    assert answer.get_json() == {"jobs": [], "next": None, "total": 0}
    assert "Link" not in answer.headers


def test_jobs_are_listed_newest_first(http: FlaskClient, seven: list[str]) -> None:
    assert ids(http.get("/jobs")) == seven[::-1]


def test_jobs_are_found_by_when_they_were_made(store: Store, http: FlaskClient) -> None:
    made = []
    for second in range(6):
        store.now = 1_700_000_000_000 + 10_000 * second
        made.append(jobs.add_job("free", {}, store=store)["id"])
    times = "since=2023-11-14T22:13:30Z&until=2023-11-14T23:14:00%2B01:00"
    page = http.get(f"/jobs?{times}&limit=2")
    assert (ids(page), page.get_json()["total"]) == ([made[4], made[3]], None)
    assert ids(http.get(page.get_json()["next"])) == [made[2], made[1]]
    refused = http.get("/jobs?since=now")
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "/since")


def test_a_list_shows_a_job_as_its_own_address_does(http: FlaskClient, store: Store, seven: list[str]) -> None:
    for shown in http.get("/jobs").get_json()["jobs"]:
        alone = http.get(f"/jobs/{shown['id']}").get_json()
        assert alone == jobs.get_job_by_id(shown["id"], store=store)
        assert shown == {name: alone[name] for name in shown} | {"position": None}
        assert alone.keys() - shown.keys() == {"attempts"}


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_following_next_walks_over_every_job_once(http: FlaskClient, seven: list[str], limit: int) -> None:
    found, address = [], f"/jobs?limit={limit}"
    for _ in range(20):
        answer = http.get(address)
        page = answer.get_json()
        assert len(page["jobs"]) <= limit
        assert page["total"] == 7
        found += ids(answer)
        if page["next"] is None:
            assert "Link" not in answer.headers
            break
        address = page["next"]
        assert answer.headers["Link"] == f'<{address}>; rel="next"'
    assert found == seven[::-1]


def test_the_next_page_keeps_the_filters(http: FlaskClient, seven: list[str]) -> None:
    page = http.get("/jobs?status=submitted&queue=q&limit=3").get_json()
    assert ids(http.get(page["next"])) == [seven[3]]


def test_filters(http: FlaskClient, seven: list[str]) -> None:
    jobs_of = {
        "task=plot": seven[2::-1],
        "queue=q": seven[:2:-1],
        "tag=t": seven[:2:-1],
        "tag=n2": [seven[5]],
        "status=submitted": seven[::-1],
        "status=in_progress": [],
        "status=in+progress": [],
        "task=free&tag=n0": [seven[3]],
        "task=plot&tag=t": [],
        "task=none": [],
        "queue=%00": [],
        "tag=%F0%9F%99%82": [],
        "tag=%FF%FE": [],
    }
    for filters, expected in jobs_of.items():
        assert ids(http.get(f"/jobs?{filters}")) == expected, filters


def test_the_total_is_exact_for_one_filter_and_null_for_combinations(http: FlaskClient, seven: list[str]) -> None:
    assert http.get("/jobs?task=plot&limit=1").get_json()["total"] == 3
    assert http.get("/jobs?task=plot&status=submitted&limit=1").get_json()["total"] is None


@pytest.mark.parametrize("status", ["done", "SUBMITTED", "in-progress", "submitted,failed", "%00"])
def test_an_unknown_status_is_refused_with_the_known_ones_named(http: FlaskClient, refused: Any, status: str) -> None:
    problem = refused(http.get(f"/jobs?status={status}"), 422, "invalid")
    assert problem["errors"][0]["pointer"] == "/status"
    assert "in progress" in problem["detail"]


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.5", "", "x", "1e2", "٣", "9" * 50, "+1", " 1"])
def test_a_limit_is_a_number_from_1_to_1000(http: FlaskClient, refused: Any, limit: str) -> None:
    problem = refused(http.get("/jobs", query_string={"limit": limit}), 422, "invalid")
    assert problem["errors"][0]["pointer"] == "/limit"


@pytest.mark.parametrize(
    "cursor", ["", "x", "1", "j", "j-1", "j1.5", "J1", "j" + "9" * 40, "j٣", "j1 ", "j1\n", "+inf"]
)
def test_a_cursor_that_was_not_given_out_cannot_be_read(http: FlaskClient, refused: Any, cursor: str) -> None:
    assert "next" in refused(http.get("/jobs", query_string={"cursor": cursor}), 400, "unreadable")["detail"]


def test_a_cursor_behind_the_end_is_an_empty_page(http: FlaskClient, seven: list[str]) -> None:
    assert http.get("/jobs?cursor=j0").get_json() == {"jobs": [], "next": None, "total": 7}


@pytest.mark.parametrize(
    "address", ["/jobs", f"/jobs/{NO_JOB}", "/tasks", "/tasks/plot", "/queues", "/workers", "/results/x"]
)
def test_a_query_parameter_nobody_knows_is_refused(http: FlaskClient, refused: Any, address: str) -> None:
    problem = refused(http.get(f"{address}?colour=red"), 422, "invalid")
    assert problem["errors"] == [{"pointer": "/colour", "detail": problem["errors"][0]["detail"]}]


def test_a_query_parameter_is_given_once(http: FlaskClient, refused: Any) -> None:
    assert "once" in refused(http.get("/jobs?limit=1&limit=2"), 422, "invalid")["detail"]


@pytest.mark.parametrize(("method", "address"), ABOUT_A_JOB)
@pytest.mark.parametrize("jid", ["x", NO_JOB, "0" * 20, "%00", "..", "%2e%2e", "é" * 20, "1", "x" * 5000, "{}", "*"])
def test_an_id_that_is_none_is_not_found(http: FlaskClient, refused: Any, method: str, address: str, jid: str) -> None:
    answer = http.open(address.format(jid), method=method)
    assert refused(answer, 404, "unknown-job")


def test_an_entity_tag_saves_sending_a_job_again_until_it_changes(http: FlaskClient, seven: list[str]) -> None:
    address = f"/jobs/{seven[0]}"
    tag = http.get(address).headers["ETag"]
    again = http.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert http.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
    http.post(f"{address}/cancel")
    changed = http.get(address, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    assert changed.headers["Cache-Control"] == "no-cache"


def test_a_waiting_job_tells_its_position(http: FlaskClient, seven: list[str]) -> None:
    assert [http.get(f"/jobs/{jid}").get_json()["position"] for jid in seven[:3]] == [0, 1, 2]


def test_a_cancelled_job_says_so_and_cannot_be_cancelled_again(http: FlaskClient, seven: list[str]) -> None:
    job = http.post(f"/jobs/{seven[0]}/cancel").get_json()
    assert (job["status"], job["reason"]) == ("cancelled", "cancelled")
    again = http.post(f"/jobs/{seven[0]}/cancel")
    assert (again.status_code, again.get_json()["type"]) == (409, "urn:jobsapi:problem:wrong-status")
    assert "cancelled" in again.get_json()["detail"]


def test_an_ended_job_can_be_retried_and_an_active_one_cannot(http: FlaskClient, seven: list[str]) -> None:
    assert http.post(f"/jobs/{seven[0]}/retry").status_code == 409
    http.post(f"/jobs/{seven[0]}/cancel")
    job = http.post(f"/jobs/{seven[0]}/retry").get_json()
    assert (job["id"], job["status"], job["reason"], job["error"]) == (seven[0], "submitted", None, None)


def test_delete_cancels_an_active_job_and_removes_an_ended_one(http: FlaskClient, seven: list[str]) -> None:
    assert http.delete(f"/jobs/{seven[0]}").get_json()["status"] == "cancelled"
    assert http.get(f"/jobs/{seven[0]}").status_code == 200
    assert http.delete(f"/jobs/{seven[0]}").get_json()["status"] == "cancelled"
    assert http.get(f"/jobs/{seven[0]}").status_code == 404
    assert http.delete(f"/jobs/{seven[0]}").status_code == 404


def test_a_log_is_plain_text_in_a_sandbox(store: Store, http: FlaskClient, seven: list[str]) -> None:
    claim = jobs.claim_jobs(store, "w", {"q": ["free"]}, 1, 10.0)[0]
    jobs.append_log(store, claim.id, claim.token, 0, "<script>über\n".encode())
    answer = http.get(f"/jobs/{claim.id}/logs")
    assert answer.text == "<script>über\n"
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")


def test_results_that_are_not_there_yet_say_when_to_come_back(http: FlaskClient, seven: list[str]) -> None:
    answer = http.get(f"/jobs/{seven[0]}/results")
    assert (answer.status_code, answer.get_json()["type"]) == (404, "urn:jobsapi:problem:result-not-ready")
    assert int(answer.headers["Retry-After"]) >= 1


def test_tasks_are_listed_with_the_schema_of_their_parameters(http: FlaskClient) -> None:
    found = {each["name"]: each for each in http.get("/tasks").get_json()["tasks"]}
    assert set(found) == {"plot", "walk", "measure", "free"}
    assert found["plot"]["schema"]["required"] == ["start", "end"]
    assert found["walk"]["queue"] == "long"
    assert http.get("/tasks/plot").get_json() == found["plot"]


def test_an_unknown_task_is_not_found_and_the_known_ones_are_named(http: FlaskClient, refused: Any) -> None:
    assert "measure" in refused(http.get("/tasks/none"), 404, "unknown-task")["detail"]


def test_a_paused_queue_is_shown_as_paused_until_it_is_resumed(http: FlaskClient, seven: list[str]) -> None:
    def queue() -> dict[str, Any]:
        return next(each for each in http.get("/queues").get_json()["queues"] if each["name"] == "q")

    assert (queue()["paused"], queue()["submitted"]) == (False, 4)
    assert http.post("/queues/q/pause").get_json() == {"name": "q", "paused": True}
    assert queue()["paused"] is True
    assert http.post("/queues/q/resume").get_json() == {"name": "q", "paused": False}
    assert queue()["paused"] is False


def test_a_queue_tells_what_waits_and_how_many_workers_take_it(
    store: Store, http: FlaskClient, seven: list[str]
) -> None:
    def waiting(name: str) -> list[tuple[str, int, int]]:
        found = next(each for each in http.get("/queues").get_json()["queues"] if each["name"] == name)
        return [(each["task"], each["jobs"], each["workers"]) for each in found["waiting"]]

    assert waiting("q") == [("free", 4, 0)]
    facts: dict[str, str | int | float] = {"host": "h", "pid": 1, "started": 0, "concurrency": 2, "state": "running"}
    registry.beat(store, "h:1:x", {**facts, "queues": "default", "tasks": "plot free", "running": ""}, 10)
    assert (waiting("q"), waiting("default")) == ([("free", 4, 0)], [("plot", 3, 1)])
    registry.beat(store, "h:1:y", {**facts, "queues": "q default", "tasks": "free", "running": ""}, 10)
    assert (waiting("q"), waiting("default")) == ([("free", 4, 1)], [("plot", 3, 1)])
    registry.drain(store, "h:1:y")
    assert waiting("q") == [("free", 4, 0)]


def test_a_queue_tells_how_fast_it_goes_and_when_it_may_be_empty(
    store: Store, http: FlaskClient, seven: list[str]
) -> None:
    def queue() -> dict[str, Any]:
        return next(each for each in http.get("/queues").get_json()["queues"] if each["name"] == "q")

    assert (queue()["pace"], queue()["empty_in"]) == (0.0, None)
    began, its_store = store.time_ms(), http.application.extensions["jobsapi"].get()
    for claim in jobs.claim_jobs(store, "w", {"q": ["free"]}, 2, 10):
        jobs.complete_job(store, claim.id, claim.token, b"", b"1")
    its_store.now = began + 20_000
    assert queue()["pace"] == pytest.approx(2 / 20, rel=0.1)
    assert queue()["empty_in"] == pytest.approx(2 / queue()["pace"])
    its_store.now = began + 3_600_000
    assert queue()["pace"] == 0.0


@pytest.mark.parametrize("name", ["a b", "x" * 101, "ü", "a:b", "%0A"])
def test_a_queue_has_a_fit_name(http: FlaskClient, refused: Any, name: str) -> None:
    refused(http.post(f"/queues/{name}/pause"), 422, "invalid")


def test_workers_are_listed_while_they_live(store: Store, http: FlaskClient) -> None:
    assert http.get("/workers").get_json() == {"workers": []}
    facts: dict[str, str | int | float] = {"host": "h", "pid": 1, "started": 0, "concurrency": 2, "state": "running"}
    registry.beat(store, "h:1:x", {**facts, "queues": "default q", "tasks": "plot", "running": ""}, 10)
    (worker,) = http.get("/workers").get_json()["workers"]
    assert (worker["id"], worker["queues"], worker["tasks"], worker["running"]) == (
        "h:1:x",
        ["default", "q"],
        ["plot"],
        [],
    )


def test_metrics_count_jobs_for_prometheus(http: FlaskClient, seven: list[str]) -> None:
    http.post(f"/jobs/{seven[0]}/cancel")
    text = http.get("/metrics").text
    assert 'jobsapi_jobs{queue="q",status="submitted",task="free"} 4.0' in text
    assert re.search(r'jobsapi_jobs_ended_total\{outcome="cancelled",task="plot"\} 1\.0', text)


@pytest.mark.parametrize(
    "address",
    ["/nowhere", "/job", "/jobs/", "/jobs/x/y", "/tasks/x/y", "/%00", "/..", "/é", "/favicon.ico", "/static/x"],
)
def test_an_unknown_route_is_a_problem_document(http: FlaskClient, refused: Any, address: str) -> None:
    refused(http.get(address), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "address"),
    [("PUT", "/jobs"), ("PATCH", "/jobs/x"), ("DELETE", "/jobs"), ("POST", "/"), ("BREW", "/jobs")],
)
def test_a_method_that_a_route_does_not_have_is_refused_with_those_it_has(
    http: FlaskClient, refused: Any, method: str, address: str
) -> None:
    answer = http.open(address, method=method)
    refused(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]


def test_head_is_get_without_a_body(http: FlaskClient, seven: list[str]) -> None:
    for address in ("/", "/jobs", f"/jobs/{seven[0]}", "/tasks", "/openapi.json", "/docs", "/healthz"):
        head, get = http.head(address), http.get(address)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
        assert head.content_type == get.content_type


def test_options_names_the_methods(http: FlaskClient) -> None:
    answer = http.options("/jobs")
    assert (answer.status_code, answer.data) == (200, b"")
    assert {"GET", "POST", "HEAD", "OPTIONS"} == set(answer.headers["Allow"].split(", "))
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]


def test_no_reply_may_be_taken_for_another_type_than_it_says(http: FlaskClient, seven: list[str]) -> None:
    addresses = ["/", "/help", "/docs", "/openapi.json", "/jobs", f"/jobs/{seven[0]}", f"/jobs/{seven[0]}/logs", "/x"]
    addresses += ["/metrics", "/healthz", f"/results/{seven[0]}"]
    answers = [http.get(address) for address in addresses] + [http.post("/jobs", data=b"x"), http.put("/jobs")]
    answers.append(http.get("/", headers={"Host": "evil.example"}))
    assert {answer.headers["X-Content-Type-Options"] for answer in answers} == {"nosniff"}
