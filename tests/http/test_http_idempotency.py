"""`Idempotency-Key`: a request that is sent again is the same request."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.serving import make_server

from jobsapi import Client, jobs
from jobsapi.idempotency import submit_once
from jobsapi.submission import Sent, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

    from jobsapi.store import Store

PLOT = {"task": "plot", "params": {"start": 1, "end": 2}}


def post(http: FlaskClient, body: Any, key: str = "one") -> Any:
    return http.post("/jobs", json=body, headers={"Idempotency-Key": key})


def test_the_same_request_again_gets_the_same_job(http: FlaskClient) -> None:
    first, again = post(http, PLOT), post(http, PLOT)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.get_json()["id"] == first.get_json()["id"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert http.get("/jobs").get_json()["total"] == 1
    assert post(http, PLOT, "another").get_json()["id"] != first.get_json()["id"]


def test_the_answer_to_a_replay_tells_the_job_as_it_is_now(http: FlaskClient) -> None:
    jid = post(http, PLOT).get_json()["id"]
    http.post(f"/jobs/{jid}/cancel")
    assert post(http, PLOT).get_json()["status"] == "cancelled"


@pytest.mark.parametrize("count", [2, 250])
def test_a_list_is_replayed_as_a_whole(http: FlaskClient, count: int) -> None:
    first, again = (post(http, [PLOT] * count) for _ in range(2))
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.get_json() == first.get_json()
    assert http.get("/jobs").get_json()["total"] == count


def test_another_body_under_the_same_key_is_refused(http: FlaskClient) -> None:
    post(http, PLOT)
    answer = post(http, {**PLOT, "priority": 1})
    assert (answer.status_code, answer.get_json()["type"]) == (422, "urn:jobsapi:problem:invalid")
    assert http.get("/jobs").get_json()["total"] == 1


def test_a_refused_request_leaves_its_key_free(http: FlaskClient, recorded: Any) -> None:
    assert post(http, {"task": "plot"}).status_code == 422
    assert recorded.keys() == set()
    holder = http.post("/jobs", json={**PLOT, "key": "k"}).get_json()["id"]
    assert post(http, {**PLOT, "key": "k"}).status_code == 409
    http.post(f"/jobs/{holder}/cancel")
    assert post(http, {**PLOT, "key": "k"}).status_code == 202


def test_a_key_that_is_none_is_refused(http: FlaskClient, refused: Any) -> None:
    for key in ("", "a b", "k" * 256):
        refused(post(http, PLOT, key), 400, "unreadable")


def test_a_job_that_was_removed_is_not_made_again(http: FlaskClient) -> None:
    jid = post(http, PLOT).get_json()["id"]
    http.post(f"/jobs/{jid}/cancel")
    http.delete(f"/jobs/{jid}")
    assert post(http, PLOT).status_code == 409
    assert http.get("/jobs").get_json()["total"] == 0


@pytest.mark.parametrize("count", [1, 30, 130])
def test_two_at_the_same_moment_make_one(app: Flask, http: FlaskClient, count: int) -> None:
    body = [PLOT] * count
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(app.test_client(), body), range(8)))
    made = {tuple(job["id"] for job in answer.get_json()["jobs"]) for answer in answers if answer.status_code == 202}
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {202, 503}
    assert http.get("/jobs").get_json()["total"] == count


def test_what_was_noted_by_a_sender_that_died_before_it_recorded_its_jobs_is_recorded_now(
    http: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "submit_jobs", die)
        with pytest.raises(SystemExit):
            post(http, PLOT)
    assert store.redis.exists(store.keys.idempotency("one"))
    assert post(http, PLOT).status_code == 202
    assert len(jobs.list_jobs(store=store)[0]) == 1


def test_a_key_is_kept_for_a_day(http: FlaskClient, store: Store) -> None:
    post(http, PLOT)
    assert 86_000 < store.redis.ttl(store.keys.idempotency("one")) <= 86_400


@pytest.fixture
def cutting(app: Flask) -> Iterator[tuple[str, list[bytes]]]:
    """The API behind a relay that loses the reply to the first request; its address, and what came."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    relay = socket.create_server(("127.0.0.1", 0))
    came: list[bytes] = []

    def run() -> None:
        while True:
            try:
                caller, _ = relay.accept()
            except OSError:
                return
            with caller, socket.create_connection(("127.0.0.1", server.port)) as api:
                request = caller.recv(65536)
                while b"\r\n\r\n" not in request or not request.endswith(b"}"):
                    request += caller.recv(65536)
                came.append(request)
                api.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                answer = b"".join(iter(lambda: api.recv(65536), b""))
                if len(came) > 1:
                    caller.sendall(answer)

    threading.Thread(target=run, daemon=True).start()
    yield f"http://127.0.0.1:{relay.getsockname()[1]}", came
    relay.close()
    server.shutdown()


def test_a_submit_whose_reply_was_lost_is_sent_again_and_makes_one_job(
    cutting: tuple[str, list[bytes]], http: FlaskClient
) -> None:
    url, came = cutting
    job = Client(url).add_job("plot", {"start": 1, "end": 2})
    assert len(came) == 2
    assert http.get("/jobs").get_json()["total"] == 1
    assert http.get(f"/jobs/{job.id}").status_code == 200


@pytest.mark.usefixtures("app")
def test_what_refuses_the_second_of_two_at_the_same_moment_does_not_undo_the_first(store: Store) -> None:
    parent = jobs.add_job("plot", PLOT["params"], store=store).id
    jobs.cancel_job(parent, store=store)

    def prepared() -> Sent:
        return Sent([prepare(store, "plot", PLOT["params"], {"after_any": [parent]}, "", "/params")])

    def prepared_while_the_other_is_quicker() -> Sent:
        mine = prepared()
        made.append(submit_once(store, "one", b"body", prepared))
        jobs.remove_job(parent, store=store)
        return mine

    made: list[Any] = []
    made.append(submit_once(store, "one", b"body", prepared_while_the_other_is_quicker))
    made.append(submit_once(store, "one", b"body", prepared))
    assert len({each.records[0].id for each in made}) == 1
    assert [each.is_replayed for each in made] == [False, True, True]
