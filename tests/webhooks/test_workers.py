"""Real workers send webhooks of real jobs, whatever dies."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from jobsapi import jobs, schedules
from tests.system import until

if TYPE_CHECKING:
    from tests.system import System


def told(system: System, jid: str) -> str:
    return str(system.job(jid)["webhook"]["status"])


def test_the_end_of_a_job_is_told_while_others_run(system, receiver):
    system.worker()
    slow = jobs.add_job("nap", {"seconds": 30}, store=system.store)
    made = jobs.add_job("nap", {}, webhook=receiver.url, store=system.store)
    failed = jobs.add_job("flaky", {"failures": 9, "kind": "KeyError"}, webhook=receiver.url, store=system.store)
    receiver.until(2)
    assert {job["id"]: job["status"] for job in receiver.jobs()} == {made.id: "complete", failed.id: "failed"}
    until("it is recorded", lambda: told(system, made.id) == told(system, failed.id) == "delivered")
    jobs.cancel_job(slow.id, store=system.store)


def test_a_receiver_that_does_not_answer_holds_neither_jobs_nor_leases_up(system, receiver):
    worker = system.worker()
    receiver.may_answer.clear()
    for _ in range(6):  # more than are sent at once
        jobs.add_job("nap", {}, webhook=receiver.url, store=system.store)
    receiver.until(4)
    running = system.submit("nap", seconds=3)
    jobs_after = system.until_ended(system.submit("nap", 20) + running)
    assert {job.deliveries_lost for job in jobs_after} == {0}
    assert worker.poll() is None
    receiver.may_answer.set()
    receiver.until(6)


def test_a_worker_that_is_killed_in_the_middle_of_sending_is_followed_by_another(system, receiver):
    receiver.may_answer.clear()
    first = system.worker()
    jid = jobs.add_job("nap", {}, webhook=receiver.url, store=system.store).id
    receiver.until(1)
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    receiver.may_answer.set()
    assert told(system, jid) == "pending"
    system.store.redis.zadd(system.store.keys.webhooks(), {jid: 1})  # the time of the dead one's lease is over
    system.worker()
    came = receiver.until(2)
    assert len({headers["webhook-id"] for _, headers, _ in came}) == 1, "the receiver can tell that it is the same"
    until("it is recorded", lambda: told(system, jid) == "delivered")
    assert system.job(jid)["webhook"]["tries"] == 2


def test_a_worker_that_is_told_to_stop_sends_what_is_due_first(system, receiver):
    worker = system.worker()
    jid = jobs.add_job("nap", {"seconds": 1}, webhook=receiver.url, store=system.store).id
    until("it runs", lambda: system.job(jid).status == "in progress")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert [job["id"] for job in receiver.jobs()] == [jid]


def test_the_jobs_of_a_schedule_have_its_webhook(system, receiver):
    system.worker()
    schedules.add_schedule("often", "nap", every=0.5, webhook=receiver.url, store=system.store)
    receiver.until(2)
    schedules.remove_schedule("often", store=system.store)
    assert {job["task"] for job in receiver.jobs()} == {"nap"}
