"""A server whose memory is nearly used up: new jobs and loads are refused, what is there goes on."""

from __future__ import annotations

import pytest

from jobsapi import data, jobs
from jobsapi.api import create_app
from jobsapi.errors import StoreFull
from jobsapi.store import Store
from tests.system import until

BALLAST = "ballast"
BODY = {"task": "plot", "params": {"start": 1, "end": 2}}


@pytest.fixture
def fill(make_app, store):
    """Lets the server have used that part of its maxmemory."""

    def make(part: float) -> None:
        memory = store.info("memory")[0]
        used = memory["used_memory"] - memory.get("mem_not_counted_for_evict", 0)
        store.redis.config_set("maxmemory", round(used / part))

    make_app()  # the tasks are published
    store.redis.setrange(BALLAST, 64 << 20, b"x")  # beside it what connections take is little
    yield make
    store.redis.config_set("maxmemory", 0)
    store.redis.delete(BALLAST)


def fresh(store: Store) -> Store:
    """The same store as a process sees it that has just connected."""
    return Store(store.redis, store.settings, store.url)


def test_above_the_mark_jobs_are_refused_with_the_time_to_come_again_and_nothing_is_recorded(store, fill, recorded):
    fill(0.95)
    answer = create_app(store=fresh(store)).test_client().post("/jobs", json=BODY)
    assert (answer.status_code, answer.json["type"]) == (503, "urn:jobsapi:problem:store-full")
    assert int(answer.headers["Retry-After"]) > 0
    assert "95%" in answer.json["detail"]
    assert "JOBSAPI_HIGH_WATER" in answer.json["detail"]
    with pytest.raises(StoreFull):
        jobs.add_jobs([BODY] * 200, store=fresh(store))
    assert recorded.jobs() == []
    assert recorded.keys() <= {"ballast"}


def test_above_the_mark_loads_are_refused_and_what_was_loaded_is_still_there(store, fill):
    data.load([{"id": 1, "name": "first"}], store=store)
    fill(0.95)
    with pytest.raises(StoreFull):
        data.load([{"id": 2, "name": "second"}], store=fresh(store))
    assert data.get("1", store=fresh(store))["name"] == "first"
    data.empty("default", store=fresh(store))  # which makes room


def test_below_the_mark_and_without_a_maxmemory_jobs_are_taken(store, fill):
    fill(0.5)
    assert jobs.add_job("plot", BODY["params"], store=fresh(store)).status == "submitted"
    store.redis.config_set("maxmemory", 0)
    assert jobs.add_job("plot", BODY["params"], store=fresh(store)).status == "submitted"


def test_what_was_accepted_runs_to_its_end_above_the_mark(store, fill):
    jid = jobs.add_job("plot", BODY["params"], store=store).id
    fill(0.95)
    late = fresh(store)
    [claim] = jobs.claim_jobs(late, "w1", {"default": ["plot"]}, 1, 10.0)
    jobs.complete_job(late, jid, claim.token, b"", b"1")
    assert jobs.get_job_by_id(jid, store=late).status == "complete"


def test_a_server_that_has_room_again_takes_jobs_again(store, fill):
    fill(0.95)
    http = create_app(store=fresh(store)).test_client()
    assert http.post("/jobs", json=BODY).status_code == 503
    store.redis.config_set("maxmemory", 0)
    until("jobs are taken again", lambda: http.post("/jobs", json=BODY).status_code == 202, 10)
