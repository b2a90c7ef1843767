"""`delay` and `run_at`, with real workers."""

import datetime

from jobsapi import jobs


def _waited(job):
    """Seconds between the time a job was due and its start."""
    due, started = (datetime.datetime.fromisoformat(job[name]) for name in ("run_at", "started"))
    return (started - due).total_seconds()


def test_an_idle_worker_starts_a_job_when_it_is_due(system):
    system.worker()
    ids = [jobs.add_job("nap", delay=delay, store=system.store).id for delay in (1.3, 0.4, 0.7)]
    for job in system.until_ended(ids):
        assert job.status == "complete"
        assert 0 <= _waited(job) < 0.5, "it runs at its time, not at the next look"


def test_what_is_due_while_no_worker_lives_runs_with_the_next_one(system):
    first = system.worker()
    first.kill()
    first.wait()
    jid = jobs.add_job("nap", delay=0.05, store=system.store).id
    system.worker()
    [job] = system.until_ended([jid])
    assert job.status == "complete"


def test_a_scheduled_job_is_cancelled_and_never_runs(system):
    system.worker()
    jid = jobs.add_job("nap", delay=0.3, store=system.store).id
    assert jobs.cancel_job(jid, store=system.store).status == "cancelled"
    other = jobs.add_job("nap", delay=0.6, store=system.store).id
    system.until_ended([other])
    assert system.job(jid).attempts == []
