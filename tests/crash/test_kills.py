"""Any process killed while jobs run: every job ends, once."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from jobsapi import jobs
from tests.system import is_alive, tree, until

pytestmark = pytest.mark.slow


def test_200_jobs_survive_the_kill_of_a_child_a_worker_and_a_guard(system):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    workers = [system.worker(), system.worker()]
    ids = system.submit(count=200, seconds=0.05)
    until("work has begun", lambda: system.effects.stat().st_size)
    for _ in range(4):
        alive = [pid for pid in tree(chance.choice(workers).pid) if is_alive(pid)]
        victim = chance.choice(alive)  # a child, the guard, or what they started; not the last victim, not reaped yet
        os.kill(victim, signal.SIGKILL)
        until("the kill took effect", lambda victim=victim: not is_alive(victim))
    assert [worker.poll() for worker in workers] == [None, None], system.log_path.read_text()
    children = tree(workers[0].pid)
    workers[0].kill()
    until("no child outlives its worker", lambda: not any(map(is_alive, children)), 5)
    system.check_promise(ids)


def test_a_killed_child_is_noticed_at_once_and_its_job_runs_again_under_the_same_attempt(system):
    system.worker()
    [jid] = system.submit(seconds=20)
    [(token, pid)] = until("the job runs", lambda: system.runs(jid))
    os.kill(pid, signal.SIGKILL)
    until("it runs again", lambda: len(system.runs(jid)) == 2, 5)
    job = system.job(jid)
    assert (job.status, job.attempt, job.deliveries_lost) == ("in progress", 1, 1)
    assert job["attempts"][0]["token"] == token
    assert "signal 9" in job["attempts"][0]["detail"]


def test_a_job_that_kills_its_process_every_time_ends_lost_and_stops_killing(system):
    system.worker()
    [jid] = system.submit("die", times=10)
    [job] = system.until_ended([jid])
    assert (job.status, job.reason, len(system.runs(jid))) == ("failed", "lost", 3)
    [again] = system.submit("die", times=1)
    assert system.until_ended([again])[0].status == "complete"


def test_a_killed_worker_is_replaced_by_another_within_its_lease_and_two_seconds(system):
    workers = [system.worker(), system.worker()]
    [jid] = system.submit(seconds=3)
    until("the job runs", lambda: system.runs(jid))
    next(each for each in workers if f":{each.pid}:" in system.job(jid).worker).kill()
    killed_at = time.monotonic()
    until("another worker runs it", lambda: len(system.runs(jid)) == 2, 20)
    assert time.monotonic() - killed_at < 2 + 2 + 5  # the lease, two seconds, and the noise of a shared machine
    system.check_promise([jid])


@pytest.mark.parametrize("pause", [0, 0.01, 0.05])
def test_what_waits_goes_on_under_the_next_worker_where_the_only_one_is_killed_as_it_lets_it_go(system, pause):
    worker = system.worker()
    requests = [{"task": "work", "params": {"seconds": 0.5}}]
    requests += [{"task": "work", "params": {"seconds": 0}, "after": ["#0"]}] * 300
    requests += [{"task": "work", "params": {"seconds": 0}, "delay": 0.5}] * 20
    parent, *others = [job.id for job in jobs.add_jobs(requests, store=system.store)]
    last = jobs.add_job("work", {"seconds": 0}, after=others[:300], store=system.store).id
    until("the parent has ended", lambda: system.runs(parent, "end"))
    time.sleep(pause)  # before its end is recorded, or while its children are let go
    worker.kill()
    worker.wait()
    system.worker()
    system.check_promise([parent, *others, last])


def test_a_worker_that_was_stopped_longer_than_its_lease_is_refused_and_its_children_are_gone(system):
    first = system.worker()
    [jid] = system.submit(seconds=4)
    [(_, pid)] = until("the job runs", lambda: system.runs(jid))
    first.send_signal(signal.SIGSTOP)
    until("the guard killed the child", lambda: not is_alive(pid), 10)
    system.worker()
    until("another worker runs it", lambda: len(system.runs(jid)) == 2, 20)
    first.send_signal(signal.SIGCONT)
    system.check_promise([jid])


def test_sigterm_lets_running_jobs_end_and_takes_no_more(system):
    worker = system.worker("--grace", "30")
    ids = system.submit(count=6, seconds=1)
    until("two run", lambda: system.effects.read_text().count("begin") == 2)
    worker.terminate()
    assert worker.wait(20) == 0
    statuses = sorted(system.job(jid).status for jid in ids)
    assert statuses == ["complete"] * 2 + ["submitted"] * 4


def test_what_does_not_end_in_the_grace_time_is_handed_back_without_charge(system):
    worker = system.worker("--grace", "0.5")
    [jid] = system.submit(seconds=30)
    [(_, pid)] = until("the job runs", lambda: system.runs(jid))
    worker.terminate()
    assert worker.wait(20) == 0
    job = system.job(jid)
    assert (job.status, job.attempt, job.deliveries_lost) == ("submitted", 0, 0)
    assert not is_alive(pid)


def test_a_sigterm_that_goes_to_the_children_too_charges_nothing(system):
    worker = system.worker()
    [jid] = system.submit(seconds=30)
    [(_, pid)] = until("the job runs", lambda: system.runs(jid))
    for each in (worker.pid, pid):  # as a service manager stops all processes of a unit
        os.kill(each, signal.SIGTERM)
    assert worker.wait(20) == 0
    job = system.job(jid)
    assert (job.status, job.attempt, job.deliveries_lost) == ("submitted", 0, 0)
    assert [line["outcome"] for line in job.attempts] == ["released"]


def test_a_sigterm_to_a_child_alone_cancels_nothing(system):
    system.worker()
    [jid] = system.submit(seconds=3)
    [(_, pid)] = until("the job runs", lambda: system.runs(jid))
    os.kill(pid, signal.SIGTERM)
    system.check_promise([jid])
    assert "signal 15" in system.job(jid).attempts[0]["detail"]


def test_a_run_whose_claim_was_lost_does_not_end_the_job_under_the_next_claim_of_the_same_worker(system):
    system.worker()
    [jid] = system.submit(seconds=3)
    [(token, _)] = until("the job runs", lambda: system.runs(jid))
    jobs.lose_job(system.store, jid, token, "somebody believed its worker dead")
    until("it runs again", lambda: len(system.runs(jid)) == 2)
    system.check_promise([jid])
    assert [each for each, _ in system.runs(jid, "end")] == [jobs.get_record(system.store, jid).token]


@pytest.mark.parametrize("task", ["work", "stubborn"])
def test_a_cancelled_job_is_gone_within_two_seconds_with_all_it_started(system, task):
    system.worker()
    [jid] = system.submit(task, seconds=60)
    [(_, pid)] = until("the job runs", lambda: system.runs(jid))
    started = [pid]
    if task == "stubborn":
        pids = system.effects.with_name("effects.pids")
        started += until(
            "its grandchild runs", lambda: pids.exists() and [int(each) for each in pids.read_text().split()]
        )
    jobs.cancel_job(jid, store=system.store)
    asked_at = time.monotonic()
    until("all is gone", lambda: not any(map(is_alive, started)), 10)
    assert time.monotonic() - asked_at < 2 + 3  # two seconds, and the noise of a shared machine
    [job] = system.until_ended([jid])
    assert (job.status, job.reason) == ("cancelled", "cancelled")


def test_a_timeout_ends_the_whole_tree(system):
    system.worker()
    [jid] = [jobs.add_job("stubborn", {"seconds": 60}, timeout=1, store=system.store).id]
    [job] = system.until_ended([jid])
    assert (job.status, job.reason) == ("failed", "timeout")
    pids = [int(each) for each in system.effects.with_name("effects.pids").read_text().split()]
    until("its grandchild is gone", lambda: not any(map(is_alive, pids)), 5)
