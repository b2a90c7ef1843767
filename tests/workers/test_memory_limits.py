"""`memory_mb`, as users see it."""

from jobsapi import jobs


def test_a_job_over_its_tasks_limit_fails_for_memory_and_says_how_much(system):
    system.worker()
    [jid] = system.submit("take", megabytes=400)
    [job] = system.until_ended([jid])
    assert (job.status, job.reason, job.deliveries_lost) == ("failed", "memory", 0)
    assert job.error["type"] == "OutOfMemory"
    assert "may have 150 MiB" in job.error["message"]


def test_a_jobs_own_limit_counts_before_its_tasks(system):
    system.worker()
    allowed = jobs.add_job("take", {"megabytes": 200}, memory_mb=1000, store=system.store).id
    tight = jobs.add_job("take", {"megabytes": 90}, memory_mb=80, store=system.store).id
    [job] = system.until_ended([tight])
    assert (job.status, job.reason) == ("failed", "memory")
    assert jobs.cancel_job(allowed, store=system.store).status == "in progress"
