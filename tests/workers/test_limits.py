"""Limits of a task, held across workers."""

from __future__ import annotations

from jobsapi import jobs


def test_of_a_task_with_max_running_no_more_run_at_a_time_across_workers(system):
    system.worker()
    system.worker()
    ids = system.submit("crowded", 12)
    assert {job.status for job in system.until_ended(ids)} == {"complete"}
    most = max(jobs.get_results(jid, store=system.store) for jid in ids)
    assert 1 <= most <= 2


def test_with_max_running_per_each_user_has_a_line_of_his_own(system):
    system.worker("--concurrency", "4")
    ids = [jid for _ in range(4) for user in ("ann", "bob", None) for jid in _one(system, user)]
    assert {job.status for job in system.until_ended(ids)} == {"complete"}
    assert {jobs.get_results(jid, store=system.store) for jid in ids} == {1}


def _one(system, user: str | None) -> list[str]:
    return system.submit("personal", **({"user": user} if user else {}))


def test_a_rate_lets_so_many_start_and_the_others_wait_with_their_queue_going_on(system):
    system.worker()
    ids = system.submit("seldom", 5)
    other = system.submit("nap", 3)
    assert {job.status for job in system.until_ended([*ids[:3], *other])} == {"complete"}
    assert [system.job(jid).status for jid in ids[3:]] == ["submitted"] * 2


def test_a_place_of_a_process_that_died_is_free_again(system):
    system.worker()
    ids = system.submit("fatal", 3)
    jobs_ = system.until_ended(ids)
    assert [(job.status, job.deliveries_lost) for job in jobs_] == [("complete", 1)] * 3
