"""Schedules with real workers."""

from jobsapi import jobs, schedules
from tests.system import until


def test_a_tasks_schedule_runs_once_for_each_due_time_with_two_workers_of_which_one_is_killed(system):
    first, _ = system.worker(), system.worker()
    until("it ran", lambda: len(jobs.list_jobs(task="tick", status="complete", store=system.store)[0]) >= 2)
    first.kill()
    until("it goes on", lambda: len(jobs.list_jobs(task="tick", status="complete", store=system.store)[0]) >= 6)
    [schedule] = schedules.list_schedules(store=system.store)
    assert (schedule["name"], schedule["every"], schedule["app"]) == ("tick", 0.5, "app")
    made = jobs.list_jobs(task="tick", limit=1000, store=system.store)[0]
    assert len({job.id for job in made}) == len(made)


def test_a_schedule_made_while_a_worker_is_idle_is_fired_in_time(system):
    system.worker()
    schedules.add_schedule("mine", "nap", every=1, store=system.store)
    until("it ran twice", lambda: len(jobs.list_jobs(task="nap", status="complete", store=system.store)[0]) >= 2, 10)
