"""retry: an ended job gets a fresh set of attempts under its id."""

import pytest

from jobsapi import jobs
from jobsapi.errors import WrongStatus


def test_a_failed_job_runs_again_with_its_history_kept(engine):
    jid = engine.submit()
    jobs.fail_job(engine.store, jid, engine.claim_one().token, "error", {"type": "E", "message": "m"})
    job = jobs.retry_job(jid, store=engine.store)
    assert (job.status, job.reason, job.error, job.attempt, job.finished) == ("submitted", None, None, 0, None)
    assert job["history"][0]["outcome"] == "error"
    claim = engine.claim_one()
    assert (claim.id, claim.attempt) == (jid, 1)
    assert "retained" not in engine.left()


def test_a_retried_job_gives_up_its_old_outputs(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    engine.store.redis.hset(engine.store.keys.outputs(jid, claim.token), "x:0", b"data")
    jobs.complete_job(engine.store, jid, claim.token, b"{}", b"")
    jobs.retry_job(jid, store=engine.store)
    assert not engine.store.redis.exists(engine.store.keys.outputs(jid, claim.token))
    assert engine.record(jid).descriptor == b""


@pytest.mark.parametrize("is_claimed", [False, True])
def test_an_active_job_cannot_be_retried(engine, is_claimed):
    jid = engine.submit()
    if is_claimed:
        engine.claim_one()
    with pytest.raises(WrongStatus):
        jobs.retry_job(jid, store=engine.store)
