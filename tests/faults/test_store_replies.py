"""Replies lost after the server had done what was asked: what is sent again is the same, and counts once.

FAULTS_SEED chooses which replies; FAULTS_SECONDS how long jobs come, MODEL_STEPS how many steps of random histories.
"""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs
from jobsapi.client import Client
from jobsapi.store import Store
from jobsapi.store.scripts import script
from tests.conftest import server_binary
from tests.faults.histories import run_histories
from tests.faults.machine import Machine
from tests.faults.rig import Rig, Stream, rig
from tests.system.proxy import Proxy, a_proxy
from tests.system.server import a_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.slow

STEPS = ("submit", "submit_batch", "stage", "stage_alike", "commit", "claim", "renew", "complete", "fail", "cancel")
STEPS += ("retry", "remove", "progress", "log", "wait", "release", "lose")
DONE_BEFORE = ("release", "lose")
"""The second call finds that the claim is gone, and says so; their worker takes that for done."""


class Deaf(Store):
    """A store that misses the first reply to each of the engine's steps and sends it again."""

    def run_many(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        return [self._heard_twice(name, args) for name, args in calls]

    def _heard_twice(self, name: str, args: Sequence[Any]) -> Any:
        [told] = super().run_many([(name, args)])
        if name not in STEPS:
            return told
        [told_again] = super().run_many([(name, args)])
        return told if name in DONE_BEFORE else told_again


def test_random_histories_in_which_every_reply_is_lost_once_are_as_those_in_which_none_is(store):
    chosen = int(os.environ.get("FAULTS_SEED") or random.randrange(10**6))
    print(f"FAULTS_SEED={chosen}")

    class Histories(Machine):
        pass

    Histories.store = Deaf(store.redis, store.settings, store.url)
    run_histories(Histories, chosen, int(os.environ.get("MODEL_STEPS", "2000")) // 2)


@pytest.fixture
def link(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    """A way to a server of the test's own, on which every script is known already."""
    with a_server(server_binary(request.config)) as server, a_proxy(server.socket) as proxy:
        for name in (*STEPS, "admit"):
            server.call("SCRIPT", "LOAD", script(name).source)
        yield proxy


@pytest.fixture
def system(link: Proxy, tmp_path: Path) -> Iterator[Rig]:
    """A system whose every process goes that way."""
    with rig(link.url, tmp_path) as made:
        yield made


def lose(link: Proxy, *names: str) -> None:
    """The next reply to each of these scripts is lost."""
    for name in names:
        link.lose_reply(script(name).sha.encode())


MANY = [{"task": "work"}] * 250
MIXED = [*MANY[:200], {"task": "work", "tags": ["x"]}]
FEW = ["submit_batch"]
IN_STEPS = ["stage", "commit", "admit", "admit"]  # all stages go together; what is sent again lets the next ones in
ALIKE = ["stage_alike", "commit", "admit", "admit"]


@pytest.mark.parametrize(("jobs_", "steps"), [(MANY[:1], FEW), (MANY[:50], FEW), (MANY, ALIKE), (MIXED, IN_STEPS)])
def test_a_submit_from_python_whose_replies_are_lost_is_recorded_once(link, system, jobs_, steps):
    worker = system.worker()
    worker.kill()  # its tasks stay known
    lose(link, *steps)
    made = jobs.add_jobs(jobs_, store=system.store)
    assert link.lost == len(steps)
    assert [job.status for job in made] == ["submitted"] * len(jobs_)
    assert system.known() == {job.id: job.status for job in made}


@pytest.mark.parametrize(("jobs_", "steps"), [(MANY[:1], FEW), (MANY, ALIKE), (MIXED, IN_STEPS)])
def test_a_submit_over_http_whose_replies_from_the_store_are_lost_is_recorded_once(link, system, jobs_, steps):
    system.worker().kill()
    client = system.api()
    lose(link, *steps)
    link.lose_reply(b"EX\r\n")  # of the note that the submit's Idempotency-Key leaves
    made = client.add_jobs(jobs_)
    assert link.lost == len(steps) + 1
    assert set(system.known()) == {job.id for job in made}


def test_the_client_library_sends_a_submit_again_whose_replies_from_the_api_were_lost(link, system):
    system.worker().kill()
    system.api()
    with a_proxy(int(system.environment["JOBSAPI_PORT"])) as road:
        client = Client(f"http://127.0.0.1:{road.port}")
        road.lose_reply(b"POST /jobs", times=2)
        road.lose_reply(b"POST /jobs")
        job = client.add_job("work", {})
        made = client.add_jobs(MANY)
        client.close()
    assert road.lost == 3
    assert set(system.known()) == {job.id, *(each.id for each in made)}


def test_a_submit_that_was_answered_with_503_though_it_was_heard_is_the_same_job_when_it_is_sent_again(link, system):
    system.worker().kill()
    system.api()
    link.lose_reply(script("submit").sha.encode(), times=2)  # redis-py's second try, too
    status, headers, problem = system.post(key="some-key")
    assert (status, problem["type"]) == (503, "urn:jobsapi:problem:store-unavailable")
    assert int(headers["Retry-After"]) > 0
    status, headers, job = system.post(key="some-key")
    assert (status, headers["Idempotency-Replayed"]) == (202, "true")
    assert set(system.known()) == {job["id"]}


def test_the_client_library_sends_a_submit_again_that_was_answered_with_503_and_it_is_recorded_once(link, system):
    system.worker().kill()
    client = system.api()
    link.lose_reply(script("submit").sha.encode(), times=2)  # which the API tells
    job = client.add_job("work", {})
    assert link.lost == 2
    assert set(system.known()) == {job.id}


def test_a_cancel_a_retry_and_a_removal_whose_replies_are_lost_are_done_once_and_not_refused(link, system):
    system.worker().kill()
    client = system.api()
    [mine, theirs] = system.submit(count=2)
    for verb, status in (("cancel", "cancelled"), ("retry", "submitted"), ("cancel", "cancelled")):
        lose(link, verb)
        assert getattr(jobs, f"{verb}_job")(mine, store=system.store).status == status
        lose(link, verb)
        assert getattr(client, f"{verb}_job")(theirs).status == status
    lose(link, "remove")
    jobs.remove_job(mine, store=system.store)
    lose(link, "remove")
    client.remove_job(theirs)
    assert link.lost == 8
    assert system.known() == {}


def test_a_worker_that_misses_replies_runs_each_job_once_and_records_its_end_once(link, system):
    lose(link, *["claim", "complete", "renew"] * 5)
    system.worker()
    ids = system.submit(count=20, seconds=0.3)
    system.check_promise(ids)
    assert link.lost >= 11
    assert all(len(system.runs(jid)) == 1 for jid in ids)
    assert not any(system.job(jid).deliveries_lost for jid in ids)


def test_a_failure_whose_reply_is_lost_is_one_attempt(link, system):
    system.worker()
    lose(link, "fail", "fail")
    jid = jobs.add_job("work", {"seconds": -1}, max_attempts=2, backoff=0.1, store=system.store).id
    [job] = system.until_ended([jid])
    assert link.lost == 2
    assert (job.status, job.reason, len(system.runs(jid))) == ("failed", "error", 2)
    assert [each["outcome"] for each in job.attempts] == ["error", "error"]


def test_with_one_reply_in_ten_lost_and_connections_cut_every_job_is_recorded_once_and_completed_once(link, system):
    chosen = int(os.environ.get("FAULTS_SEED") or random.randrange(2**32))
    print(f"FAULTS_SEED={chosen}")
    chance = random.Random(chosen)
    for _ in range(2):
        system.worker()
    streams = [Stream(system.api(), seconds=0.01), Stream(system.another_store(), seconds=0.01)]
    link.lose_replies(0.1, b"EVALSHA", chosen)
    until_ = time.monotonic() + float(os.environ.get("FAULTS_SECONDS", "10"))
    cuts = 0
    while time.monotonic() < until_:
        time.sleep(chance.uniform(0.1, 1.0))  # the instant is what is random
        link.cut()
        cuts += 1
    link.lose_replies(0, b"", chosen)
    answered = {jid for each in streams for jid in each.stop()}
    refused = sum(len(each.refused) for each in streams)
    known = system.check_everything()
    print(f"{cuts} cuts, {link.lost} replies lost, {len(answered):,} jobs answered, {refused} refused")
    assert answered <= known.keys()
    assert len(known) <= len(answered) + refused
