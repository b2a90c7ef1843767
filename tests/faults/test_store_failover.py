"""The primary killed while jobs come and run: the system goes on at the replica that Sentinel names, by itself.

FAULTS_KILLS says how often, FAULTS_SEED at which instants.
"""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from jobsapi import jobs
from jobsapi.errors import StoreUnavailable, UnknownJob
from tests.conftest import server_binary
from tests.faults.rig import Losses, Rig, Stream, rig
from tests.system import free_port, until
from tests.system.failover import Family, a_family

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("FAULTS_KILLS", "2"))


@pytest.fixture
def family(request: pytest.FixtureRequest) -> Iterator[Family]:
    with a_family(server_binary(request.config), [free_port() for _ in range(4)]) as made:
        yield made


def kill_primaries_while_jobs_come(system: Rig, family: Family, *, needs_replica: bool = False) -> Losses:
    chosen = int(os.environ.get("FAULTS_SEED") or random.randrange(2**32))
    print(f"FAULTS_SEED={chosen}")
    chance = random.Random(chosen)
    system.worker()
    system.worker()
    streams = [Stream(system.api(), seconds=0.01), Stream(system.another_store(), seconds=0.01)]
    killed_at = []
    for _ in range(KILLS):
        until_answered(streams)
        time.sleep(chance.uniform(0.0, 2.0))  # the instant is what is random
        was = family.kill_primary()
        killed_at.append(time.monotonic())
        family.until_failover(was)
        if needs_replica:
            family.restart(was)
        until_answered(streams)
        print(f"answered again {time.monotonic() - killed_at[-1]:.1f} s after the kill")
        if not needs_replica:
            family.restart(was)
    answered = {jid: at for each in streams for jid, at in each.stop().items()}
    return Losses(answered, system.check_everything(may_lose=True), killed_at)


def until_answered(streams: list[Stream]) -> None:
    before = [len(each.answered) for each in streams]
    until("both ways answer", lambda: all(len(s.answered) > n for s, n in zip(streams, before, strict=True)), 60)


def test_the_system_goes_on_at_the_replica_and_what_was_answered_is_there_but_for_the_last_moment(family, tmp_path):
    with rig(family.url, tmp_path) as system:
        assert kill_primaries_while_jobs_come(system, family).oldest < 2


def test_with_a_replica_that_must_have_it_no_submit_that_was_answered_is_lost(family, tmp_path):
    with rig(family.url, tmp_path, JOBSAPI_REPLICAS="1") as system:
        assert not kill_primaries_while_jobs_come(system, family, needs_replica=True).lost


def test_an_idle_worker_hears_of_a_job_that_comes_after_a_failover(family, tmp_path):
    with rig(family.url, tmp_path) as system:
        system.worker()
        family.until_failover(family.kill_primary())
        until("the new primary answers", lambda: is_answering(system))
        [jid] = system.submit()
        assert system.until_ended([jid], 15)[0].status == "complete"


def is_answering(system: Rig) -> bool:
    try:
        return bool(system.store.call("ping"))
    except StoreUnavailable:
        return False


def test_a_submit_that_the_replica_does_not_have_in_time_is_refused_with_503_and_is_one_job_when_sent_again(
    family, tmp_path
):
    with rig(family.url, tmp_path, JOBSAPI_REPLICAS="1") as system:
        system.worker().kill()
        system.api()
        replica = family.servers[1]
        family.stop(replica)
        for _ in range(2):
            status, headers, problem = system.post(key="one")
            assert (status, problem["type"]) == (503, "urn:jobsapi:problem:store-unavailable")
            assert int(headers["Retry-After"]) > 0
        with pytest.raises(StoreUnavailable):
            system.submit()
        family.go_on(replica)
        until("it is answered", lambda: system.post("one")[0] == 202)
        _, headers, job = system.post("one")
        assert headers["Idempotency-Replayed"] == "true"
        assert job["id"] in system.known()
        assert len(system.known()) == 2


def test_what_a_replica_has_is_lost_all_the_same_where_another_one_takes_over(request, tmp_path):
    with (
        a_family(server_binary(request.config), [free_port() for _ in range(5)]) as family,
        rig(family.url, tmp_path, JOBSAPI_REPLICAS="1") as system,
    ):
        system.worker().kill()
        primary, has_it, has_not = family.servers
        family.stop(has_not)
        primary.call("CLIENT", "KILL", "TYPE", "replica")  # of what comes now nothing is on its way to that one
        until("the other one is back", lambda: family.is_in_sync(has_it))
        [jid] = system.submit()  # one replica has it
        primary.kill()
        has_it.kill()
        family.go_on(has_not)
        family.until_failover(primary)
        until("the new primary answers", lambda: is_answering(system))
        with pytest.raises(UnknownJob):
            jobs.get_job_by_id(jid, store=system.store)
