"""`worker --threads`, as users see it: many jobs in one process, and what a stop or a death there means for each."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobsapi import jobs, registry
from tests.system import System, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.store import Store

THREADS = ("--threads", "4", "--concurrency", "1")


@pytest.fixture
def system(store: Store, environment: dict[str, str], tmp_path: Path) -> Iterator[System]:
    made = System(store, environment, tmp_path, app=Path(__file__).parent / "threads_app.py")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "marks"
    made.mkdir()
    return made


def runs(folder: Path, jid: str) -> list[int]:
    """The process of each run of a job so far."""
    return [int(each.read_text() or 0) for each in folder.glob(f"{jid}.*")]


def until_all_run(folder: Path, ids: list[str]) -> list[int]:
    """The processes that jobs run in, once all have begun."""
    until("all run", lambda: all(runs(folder, jid) and all(runs(folder, jid)) for jid in ids))
    return [pid for jid in ids for pid in runs(folder, jid)]


def test_jobs_run_at_the_same_time_and_each_has_its_own_result_and_log(system):
    system.worker(*THREADS)
    ids = [system.submit("meet", word=word)[0] for word in ("one", "two", "three")]
    for word, job in zip(("one", "two", "three"), system.until_ended(ids), strict=True):
        assert (job.status, job.attempt) == ("complete", 1)
        assert jobs.get_results(job.id, store=system.store) == word
        assert jobs.get_logs(job.id, store=system.store) == f"{word} came\n{word} goes\n".encode()


def test_the_variable_does_what_the_flag_does_and_one_child_is_the_default(system, folder):
    process = system.start("worker", str(system.app), JOBSAPI_THREADS="3")
    until("it tells its tasks", lambda: registry.workers(system.store))
    ids = system.submit("until_async", 3, folder=str(folder))
    assert len(set(until_all_run(folder, ids))) == 1
    assert [each["concurrency"] for each in registry.workers(system.store)] == ["3"]
    (folder / "go").touch()
    assert {job.status for job in system.until_ended(ids)} == {"complete"}
    process.terminate()
    assert process.wait(20) == 0


def test_a_cancel_of_a_job_that_does_not_look_hands_the_others_back_and_they_complete_without_charge(system, folder):
    system.worker(*THREADS)
    [stubborn] = system.submit("until", folder=str(folder), name="never")
    others = system.submit("until", folder=str(folder)) + system.submit("until_async", folder=str(folder))
    first = until_all_run(folder, [stubborn, *others])
    assert len(set(first)) == 1
    jobs.cancel_job(stubborn, store=system.store)
    [job] = system.until_ended([stubborn])
    assert (job.status, job.reason) == ("cancelled", "cancelled")
    until("they run again", lambda: all(len(runs(folder, jid)) == 2 for jid in others))
    (folder / "go").touch()
    for job in system.until_ended(others):
        assert (job.status, job.attempt, job.deliveries_lost) == ("complete", 1, 0)
        assert [each["outcome"] for each in job.attempts] == ["released", "complete"]
    assert len(runs(folder, stubborn)) == 1


def test_a_cancel_that_the_job_looks_for_ends_it_alone(system, folder):
    system.worker(*THREADS)
    [polite] = system.submit("polite", folder=str(folder))
    others = system.submit("until", 2, folder=str(folder))
    until_all_run(folder, [polite, *others])
    jobs.cancel_job(polite, store=system.store)
    assert system.until_ended([polite])[0].status == "cancelled"
    (folder / "go").touch()
    for job in system.until_ended(others):
        assert (job.status, len(runs(folder, job.id))) == ("complete", 1)


def test_a_timeout_is_told_as_that_and_tried_again(system, folder):
    system.worker(*THREADS)
    jid = jobs.add_job("polite", {"folder": str(folder)}, timeout=0.3, store=system.store).id
    [job] = system.until_ended([jid])
    assert (job.status, job.reason, job.attempt) == ("failed", "timeout", 2)
    assert len(runs(folder, jid)) == 2


def test_a_killed_child_loses_a_delivery_of_each_of_its_jobs(system, folder):
    system.worker(*THREADS)
    ids = system.submit("until", 2, folder=str(folder)) + system.submit("until_async", folder=str(folder))
    os.kill(until_all_run(folder, ids)[0], signal.SIGKILL)
    until("they run again", lambda: all(len(runs(folder, jid)) == 2 for jid in ids))
    (folder / "go").touch()
    for job in system.until_ended(ids):
        assert (job.status, job.attempt, job.deliveries_lost) == ("complete", 1, 1)


def test_a_worker_that_is_told_to_stop_lets_jobs_end_in_its_grace_time(system, folder):
    process = system.worker(*THREADS)
    ids = system.submit("until", 2, folder=str(folder)) + system.submit("until_async", folder=str(folder))
    until_all_run(folder, ids)
    process.terminate()
    until("it drains", lambda: registry.workers(system.store)[0]["state"] == "draining")
    (folder / "go").touch()
    assert process.wait(20) == 0
    assert {(job.status, job.attempt) for job in system.until_ended(ids)} == {("complete", 1)}


def test_after_its_grace_time_it_hands_all_jobs_back_without_charge(system, folder):
    process = system.worker(*THREADS, "--grace", "0")
    ids = [*system.submit("until", folder=str(folder)), *system.submit("polite", folder=str(folder))]
    ids += system.submit("until_async", folder=str(folder))
    until_all_run(folder, ids)
    process.terminate()
    assert process.wait(20) == 0
    for job in map(system.job, ids):
        assert (job.status, job.attempt, job.deliveries_lost) == ("submitted", 0, 0)


def test_tasks_with_a_limit_of_memory_are_left_to_other_workers(system):
    system.worker(*THREADS)
    [jid] = system.submit("limited")
    assert "takes none of tasks with memory_mb: limited" in system.log_path.read_text()
    [told] = registry.workers(system.store)
    assert "limited" not in told["tasks"].split()
    system.worker()
    [job] = system.until_ended([jid])
    assert (job.status, job.attempt, len(job.attempts)) == ("complete", 1, 1)
    assert job.worker != told["id"]


def test_a_jobs_own_limit_of_memory_fails_it_with_what_to_do(system):
    system.worker(*THREADS)
    jid = jobs.add_job("meet", {"word": "one"}, memory_mb=100, store=system.store).id
    [job] = system.until_ended([jid])
    assert (job.status, job.reason) == ("failed", "error")
    assert "without --threads" in job.error["message"]
