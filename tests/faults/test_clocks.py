"""The clock of a worker's and an API's machine is stepped by an hour while jobs run: time is the server's.

What these processes take from the C library as the time of day is shifted; the clock of the server stays right.
"""

from __future__ import annotations

import datetime
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import Client, jobs, registry, schedules
from jobsapi.audit import audit
from jobsapi.errors import JobsApiError
from tests.faults.stream import Resender
from tests.faults.verdict import made_at
from tests.system import System, free_port, until
from tests.system.clock import SteppedClock
from tests.system.preload import IS_POSSIBLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobsapi.record import Job
    from jobsapi.store import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not IS_POSSIBLE, reason="a clock is stepped by a library that needs a C compiler, and Linux"),
]

HOUR = 3600
SOON = 6.0
"""Seconds that a job may be late on a machine that does much else; far less than an hour."""


class Stepped(System):
    """A system with one worker and one API on the machine whose clock is stepped, and a worker on another machine."""

    def __init__(self, store: Store, environment: dict[str, str], folder: Path) -> None:
        super().__init__(store, environment, folder)
        self.clock = SteppedClock(folder)
        port = free_port()
        self.start("api", "--port", str(port), **self.clock.environment)
        self.worker("--name", "stepped", **self.clock.environment)
        self.worker("--name", "right")
        self.client = Client(f"http://127.0.0.1:{port}")
        until("the API answers", self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.client.tasks())
        except JobsApiError:
            return False


@pytest.fixture
def system(store: Store, environment: dict[str, str], tmp_path: Path) -> Iterator[Stepped]:
    made = Stepped(store, environment, tmp_path)
    yield made
    made.client.close()
    made.close()


def moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def after(seconds: float) -> str:
    """The right time, so many seconds from now."""
    now = datetime.datetime.now(datetime.UTC)
    return (now + datetime.timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def jumps(clock: SteppedClock, by: int, stopped: threading.Event) -> None:
    """There and back, again and again."""
    while not stopped.is_set():
        for seconds in (by, 0):
            clock.set(seconds)
            stopped.wait(0.7)


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["ahead", "back"])
def test_a_step_of_an_hour_loses_no_lease_and_moves_no_delay_and_no_expiry(system: Stepped, by: int) -> None:
    send = system.client.add_job
    long = [send("clock", {"seconds": 4}) for _ in range(4)]  # twice as long as a lease
    until("all of them run", lambda: all(system.runs(job.id) for job in long))
    system.clock.set(by)
    waiting = [send("work", {"seconds": 0}, delay=3), send("work", {"seconds": 0}, run_at=after(3))]
    far = [send("work", {"seconds": 0}, delay=HOUR / 2), send("work", {"seconds": 0}, run_at=after(HOUR / 2))]
    patient = send("work", {"seconds": 0}, expires_in=HOUR / 2)
    expiring = send("work", {"seconds": 0}, delay=HOUR / 4, expires_in=2)
    retried = send("flaky", {"failures": 2}, max_attempts=3, backoff=1)
    in_time = send("clock", {"seconds": 2}, timeout=30)
    late = send("work", {"seconds": 60}, timeout=1)

    ended = system.until_ended([job.id for job in [*long, *waiting, patient, expiring, retried, in_time, late]])
    assert [job.deliveries_lost for job in ended] == [0] * len(ended)
    assert {job.id: job.reason for job in ended if job.reason} == {expiring.id: "expired", late.id: "timeout"}
    for job in ended:
        assert len(system.runs(job.id)) == {expiring.id: 0, retried.id: 3}.get(job.id, 1), dict(job)
    check_times(system, waiting, expiring)
    assert [system.job(job.id).status for job in far] == ["scheduled"] * 2
    seen = [jobs.get_results(job.id, store=system.store) for job in long]
    assert any(abs(end - begin - by) < HOUR / 2 for begin, end in seen), "no job saw the clock jump"
    made = made_at(patient.id) / 1000 - moment(patient.created)
    assert abs(made - by) < HOUR / 2, "the API did not see the clock jump"
    assert audit(system.store) == []


def check_times(system: Stepped, waiting: list[Job], expiring: Job) -> None:
    """As the server's clock tells them."""
    for sent in waiting:
        job = system.job(sent.id)
        assert moment(job.run_at) <= moment(job.started) < moment(job.run_at) + SOON
        assert 2 < moment(job.run_at) - moment(job.created) < 3.5
    job = system.job(expiring.id)
    assert 2 <= moment(job.finished) - moment(job.created) < 2 + SOON


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["ahead", "back"])
def test_while_the_clock_jumps_again_and_again_jobs_go_on_and_no_run_is_lost(system: Stepped, by: int) -> None:
    options: dict[str, Any] = {"tags": ["schedule"], "misses": "all"}
    schedules.add_schedule("beat", "work", {"seconds": 0}, every=1, store=system.store, **options)
    stopped = threading.Event()
    jumping = threading.Thread(target=jumps, args=[system.clock, by, stopped])
    jumping.start()
    sent = []
    deadline = time.monotonic() + 12
    while time.monotonic() < deadline:
        sent += system.client.add_jobs([{"task": "work", "params": {"seconds": 0.1}}] * 4)
        sent.append(system.client.add_job("work", {"seconds": 3}))
        system.until_ended([job.id for job in sent[-5:-1]])
    schedules.remove_schedule("beat", store=system.store)
    stopped.set()
    jumping.join()
    scheduled, _, _ = jobs.list_jobs(tag="schedule", limit=1000, store=system.store)
    assert 10 <= len(scheduled) <= 15
    ids = [job.id for job in [*sent, *scheduled]]
    system.check_promise(ids)
    assert [jid for jid in ids if len(system.runs(jid)) != 1] == []
    assert len(registry.workers(system.store)) == 2
    assert audit(system.store) == []


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["ahead", "back"])
def test_an_idempotency_key_is_known_again_after_a_step(system: Stepped, by: int) -> None:
    http = Resender([system.client.url], random.Random(0))
    request = {"task": "work", "params": {"seconds": 0}}
    answers = [http.post("/jobs", request, **{"Idempotency-Key": "k"})]
    for seconds in (by, -by, 0):
        system.clock.set(seconds)
        answers.append(http.post("/jobs", request, **{"Idempotency-Key": "k"}))
    assert [code for code, _ in answers] == [202] * 4
    assert len({job["id"] for _, job in answers}) == 1


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["ahead", "back"])
def test_a_worker_that_starts_with_a_wrong_clock_works_like_any_other(system: Stepped, by: int) -> None:
    system.clock.set(by)
    system.worker("--name", "new", **system.clock.environment)
    known = registry.workers(system.store)
    ages = [system.store.time_ms() / 1000 - int(each["started"]) / 1000 for each in known]
    assert len(ages) == 3
    assert all(0 <= age < HOUR / 2 for age in ages)
    ids = [job.id for job in system.client.add_jobs([{"task": "work", "params": {"seconds": 0.3}}] * 12)]
    system.check_promise(ids)
