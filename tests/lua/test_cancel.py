"""cancel: wherever the job is."""

import pytest

from jobsapi import jobs
from jobsapi.errors import UnknownJob, WrongStatus


def test_a_waiting_job_ends_at_once_and_is_not_given_out(engine):
    jid = engine.submit()
    job = jobs.cancel_job(jid, store=engine.store)
    assert (job.status, job.reason) == ("cancelled", "cancelled")
    assert engine.claim(1) == []


def test_of_a_running_job_its_worker_is_told_and_the_status_stays(engine):
    jid = engine.submit()
    engine.claim_one()
    for _ in range(2):
        job = jobs.cancel_job(jid, store=engine.store)
        assert (job.status, job.cancel_requested) == ("in progress", True)
    assert engine.store.redis.zrange(engine.store.keys.control("w1"), 0, -1) == [jid.encode()]


def test_a_job_that_ended_cannot_be_cancelled(engine):
    jid = engine.submit()
    jobs.complete_job(engine.store, jid, engine.claim_one().token, b"", b"1")
    with pytest.raises(WrongStatus, match="complete"):
        jobs.cancel_job(jid, store=engine.store)


def test_an_unknown_job_cannot_be_cancelled(engine):
    with pytest.raises(UnknownJob):
        jobs.cancel_job("00" + "z" * 18, store=engine.store)
