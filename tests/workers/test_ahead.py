"""Jobs that a worker claimed ahead of its free slots: whatever comes between, others have them at once, uncharged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobsapi import jobs
from tests.system import until

if TYPE_CHECKING:
    from tests.system import System

ONE = ("--concurrency", "1")
LONG = 60.0


def behind_a_long_one(system: System) -> tuple[str, list[str]]:
    """Short jobs enough for a worker to claim ahead, then a long one, and short ones that come behind it."""
    jobs.pause_queue(system.store, "default")
    system.submit("nap", 300)
    [long] = system.submit("nap", seconds=LONG)
    behind = system.submit("nap", 40)
    jobs.resume_queue(system.store, "default")
    return long, behind


def until_it_is_claimed(system: System, long: str) -> None:
    until("it is claimed", lambda: system.job(long).status == "in progress")


def test_what_waits_behind_a_long_job_goes_to_another_worker_without_charge(system):
    system.worker(*ONE)
    long, behind = behind_a_long_one(system)
    until_it_is_claimed(system, long)
    until("they are handed back", lambda: {system.job(jid).status for jid in behind} == {"submitted"})
    assert {(job.attempt, job.deliveries_lost) for job in map(system.job, behind)} == {(0, 0)}
    handed = [jid for jid in behind if system.job(jid)["attempts"]]
    assert handed, "none of them was claimed ahead"
    assert system.job(long).status == "in progress"
    system.worker(*ONE)
    for job in system.until_ended(behind):
        assert (job.status, job.attempt, job.deliveries_lost) == ("complete", 1, 0)
        assert job.worker != system.job(long).worker
    assert system.job(long).status == "in progress"
    assert [each["outcome"] for each in system.job(handed[0])["attempts"]] == ["released", "complete"]


def test_a_cancel_of_a_job_in_the_line_ends_it_without_a_run(system):
    system.worker(*ONE)
    long, behind = behind_a_long_one(system)
    until_it_is_claimed(system, long)
    jobs.cancel_job(behind[0], store=system.store)
    [job] = system.until_ended([behind[0]])
    assert (job.status, job.reason) == ("cancelled", "cancelled")
    assert system.job(long).status == "in progress"


def test_a_worker_that_is_told_to_stop_hands_its_line_back(system):
    process = system.worker(*ONE, "--grace", "60")
    long, behind = behind_a_long_one(system)
    until_it_is_claimed(system, long)
    process.terminate()
    until("the line is handed back", lambda: {system.job(jid).status for jid in behind} == {"submitted"})
    process.terminate()
    assert process.wait(20) == 0
    assert {(job.status, job.attempt) for job in map(system.job, [long, *behind])} == {("submitted", 0)}


def test_a_killed_worker_with_a_line_loses_no_job(system):
    process = system.worker("--threads", "4")
    ids = system.submit("nap", 3000, seconds=0.001)
    until("it is at work", lambda: system.job(ids[500]).status == "complete")
    process.kill()
    assert system.job(ids[-1]).status == "submitted"
    system.worker()
    assert {job.status for job in system.until_ended(ids)} == {"complete"}
