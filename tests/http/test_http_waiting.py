"""Replies that are held until a job ends, and logs that are followed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs
from tests.http.streams import Stream
from tests.http.test_http_events import claim, complete, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from jobsapi.store import Store

WAIT = {"Prefer": "respond-async, wait=60"}


def held(ask: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """A request in a thread of its own, and the list that its answer comes into."""
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(ask()))
    thread.start()
    return thread, answers


def end(store: Store, jid: str, ending: str) -> None:
    if ending == "cancel":
        jobs.cancel_job(jid, store=store)
    else:
        complete(store, claim(store))


@pytest.mark.parametrize("ending", ["complete", "cancel"])
def test_a_look_at_a_job_is_answered_when_the_job_ends(store: Store, http: FlaskClient, ending: str) -> None:
    jid = submit(store)
    began = time.monotonic()
    waiting, answers = held(lambda: http.get(f"/jobs/{jid}", headers=WAIT))
    end(store, jid, ending)
    waiting.join(30)
    assert answers[0].get_json()["status"] == {"complete": "complete", "cancel": "cancelled"}[ending]
    assert answers[0].headers["Preference-Applied"] == "wait=60"
    assert answers[0].headers["ETag"]
    assert time.monotonic() - began < 30


def test_a_submit_is_answered_when_its_job_ends(store: Store, http: FlaskClient) -> None:
    body = b'{"task": "free", "params": {}}'
    waiting, answers = held(lambda: http.post("/jobs", data=body, headers=WAIT))
    while not (found := jobs.claim_jobs(store, "w", {"default": ["free"]}, 1, 10.0)):
        time.sleep(0.01)
    complete(store, found[0])
    waiting.join(30)
    assert (answers[0].status_code, answers[0].get_json()["status"]) == (202, "complete")
    assert answers[0].headers["Preference-Applied"] == "wait=60"


def test_a_wait_that_is_over_shows_the_job_as_it_is(store: Store, http: FlaskClient) -> None:
    jid = submit(store)
    answer = http.get(f"/jobs/{jid}", headers={"Prefer": "wait=0"})
    assert (answer.get_json()["status"], answer.headers["Preference-Applied"]) == ("submitted", "wait=0")
    answer = http.get(f"/jobs/{jid}", headers={"Prefer": "wait=soon, return=minimal"})
    assert (answer.status_code, "Preference-Applied" in answer.headers) == (200, False)
    assert http.get("/jobs/00AbCdEfGhIjKlMnOpQr", headers=WAIT).status_code == 404


def test_a_wait_for_which_there_is_no_place_is_answered_at_once_and_says_so(
    store: Store, make_app: Callable[..., Flask]
) -> None:
    http = make_app(max_streams=1).test_client()
    stream = Stream(http, "/events")
    answer = http.post("/jobs", data=b'{"task": "free", "params": {}}', headers=WAIT)
    assert (answer.status_code, "Preference-Applied" in answer.headers) == (202, False)
    assert http.get("/jobs").get_json()["total"] == 1
    stream.close()


def test_many_waits_each_end_with_their_own_job(store: Store, http: FlaskClient) -> None:
    ids = [submit(store) for _ in range(20)]
    waits = [held(lambda jid=jid: http.get(f"/jobs/{jid}", headers=WAIT)) for jid in ids]  # type: ignore[misc]
    for each in jobs.claim_jobs(store, "w", {"default": ["free"]}, 20, 10.0):
        complete(store, each)
    for thread, _ in waits:
        thread.join(30)
    found = [answers[0].get_json() for _, answers in waits]
    assert [(each["id"], each["status"]) for each in found] == [(jid, "complete") for jid in ids]


def test_a_log_is_followed_until_its_job_has_ended(store: Store, http: FlaskClient) -> None:
    jid = submit(store)
    running = claim(store)
    jobs.append_log(store, jid, running.token, 0, b"one\n")
    answer = http.get(f"/jobs/{jid}/logs?follow")
    assert answer.mimetype == "text/plain"
    pieces = (each for each in answer.iter_encoded() if each)
    assert next(pieces) == b"one\n"
    jobs.append_log(store, jid, running.token, 4, b"two\n")
    assert next(pieces) == b"two\n"
    jobs.append_log(store, jid, running.token, 8, b"three\n")
    complete(store, running)
    assert b"".join(pieces) == b"three\n"
    answer.close()
    assert http.get(f"/jobs/{jid}/logs?follow").data == b"one\ntwo\nthree\n"
    assert http.get("/jobs/00AbCdEfGhIjKlMnOpQr/logs?follow").status_code == 404
