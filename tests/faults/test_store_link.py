"""A link to the server that is slow, or lets nothing through for longer than a lease: no job is lost or done twice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from jobsapi import jobs
from tests.conftest import server_binary
from tests.faults.rig import Rig, Stream, rig
from tests.system import is_alive, until
from tests.system.proxy import Proxy, a_proxy
from tests.system.server import Server, a_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

LEASE = 2.0
"""Seconds, as every system of tests has it."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with a_server(server_binary(request.config)) as made:
        yield made


@pytest.fixture
def link(server: Server) -> Iterator[Proxy]:
    with a_proxy(server.socket) as made:
        yield made


@pytest.fixture
def system(server: Server, tmp_path: Path) -> Iterator[Rig]:
    """A system whose own store is near; its processes go the way that REDIS_URL says when they start."""
    with rig(server.url, tmp_path) as made:
        yield made


def test_over_a_link_of_200_ms_jobs_come_and_run_as_over_any(link, system):
    link.delay = 0.1  # each way
    system.environment["REDIS_URL"] = link.url
    system.worker()
    stream = Stream(system.api(), seconds=0.3)
    until("some are answered", lambda: len(stream.answered) >= 10, 60)
    answered = stream.stop()
    known = system.check_everything()
    assert answered.keys() == known.keys()
    assert not any(system.job(jid).deliveries_lost for jid in known)


def test_a_stall_of_everything_for_longer_than_a_lease_costs_no_run_and_no_job(link, system):
    system.environment["REDIS_URL"] = link.url
    for _ in range(2):
        system.worker()
    client = system.api()
    ids = [client.add_job("work", {"seconds": seconds}).id for seconds in (1, 2, 4, 8)]
    until("all run", lambda: all(system.runs(jid) for jid in ids))
    link.stall()
    stream = Stream(client, seconds=0.01)  # its submits hang, and come late
    time.sleep(2.5 * LEASE)  # so long nothing gets through: that is the fault
    link.resume()
    until("submits are answered again", lambda: stream.answered, 60)
    stream.stop()
    system.check_everything()
    assert [len(system.runs(jid)) for jid in ids] == [1] * 4


def test_a_worker_that_is_cut_off_for_longer_than_its_lease_loses_its_jobs_to_another_and_is_refused(link, system):
    system.environment["REDIS_URL"] = link.url
    system.worker()
    ids = system.submit(count=2, seconds=3)
    until("both run", lambda: all(system.runs(jid) for jid in ids))
    link.stall()
    system.environment["REDIS_URL"] = system.store.url
    system.worker()
    until("another worker runs them", lambda: all(len(system.runs(jid)) == 2 for jid in ids), 60)
    link.resume()
    system.check_everything()
    assert [system.job(jid).deliveries_lost for jid in ids] == [1, 1]


def test_while_nothing_comes_through_a_job_is_still_stopped_when_its_time_is_over(link, system):
    system.environment["REDIS_URL"] = link.url
    system.worker()
    jid = jobs.add_job("work", {"seconds": 300}, timeout=3, store=system.store).id
    [(_, pid)] = until("it runs", lambda: system.runs(jid))
    link.stall()
    until("its process is gone", lambda: not is_alive(pid), 30)
    link.resume()
    [job] = system.until_ended([jid])
    assert (job.status, job.reason, job.deliveries_lost) == ("failed", "timeout", 0)
