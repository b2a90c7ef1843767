"""retry: an ended job gets a fresh set of attempts under its id."""

import pytest

from jobsapi import jobs
from jobsapi.errors import WrongStatus


def test_a_failed_job_runs_again_with_its_story_kept(engine):
    jid = engine.submit()
    jobs.fail_job(engine.store, jid, engine.claim_one().token, "error", {"type": "E", "message": "m"})
    job = jobs.retry_job(jid, store=engine.store)
    assert (job.status, job.reason, job.error, job.attempt, job.finished) == ("submitted", None, None, 0, None)
    [told] = job.attempts
    assert (told["outcome"], told["error"]["type"]) == ("error", "E")
    claim = engine.claim_one()
    assert (claim.id, claim.attempt) == (jid, 1)
    engine.store.now += 40 * 24 * 3600 * 1000
    assert jobs.prune_jobs(engine.store) == 0
    assert engine.record(jid).status.value == "in progress"


def test_a_retried_job_gives_up_its_old_outputs(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    engine.store.redis.hset(engine.store.keys.outputs(jid, claim.token), "x:0", b"data")
    jobs.complete_job(engine.store, jid, claim.token, b"{}", b"")
    jobs.retry_job(jid, store=engine.store)
    assert not engine.store.redis.exists(engine.store.keys.outputs(jid, claim.token))
    assert engine.record(jid).descriptor == b""


def test_a_run_whose_loss_was_told_is_not_told_again(engine):
    jid = engine.submit(max_deliveries=1)
    jobs.lose_job(engine.store, jid, engine.claim_one().token, "killed")
    assert [run["outcome"] for run in jobs.retry_job(jid, store=engine.store).attempts] == ["lost"]


def test_a_retry_of_a_job_that_never_ran_tells_of_no_run(engine):
    jid = engine.submit()
    jobs.cancel_job(jid, store=engine.store)
    assert jobs.retry_job(jid, store=engine.store).attempts == []


def test_a_retry_grants_a_fresh_set_of_attempts(engine):
    jid = engine.submit(max_attempts=2)
    for _ in range(2):
        jobs.fail_job(engine.store, jid, engine.claim_one().token, "error", None, again_after=0)
        jobs.promote_jobs(engine.store)
    job = jobs.retry_job(jid, store=engine.store)
    assert (job.attempt, job.run_at, len(job.attempts)) == (0, None, 2)
    jobs.fail_job(engine.store, jid, engine.claim_one().token, "error", None, again_after=0)
    assert engine.record(jid).status.value == "scheduled"


@pytest.mark.parametrize("is_claimed", [False, True])
def test_an_active_job_cannot_be_retried(engine, is_claimed):
    jid = engine.submit()
    if is_claimed:
        engine.claim_one()
    with pytest.raises(WrongStatus):
        jobs.retry_job(jid, store=engine.store)


def test_the_word_of_the_last_end_does_not_wake_those_who_wait_for_the_next(engine):
    jid = engine.submit()
    engine.store.run("wait", jid)
    jobs.cancel_job(jid, store=engine.store)
    jobs.retry_job(jid, store=engine.store)
    assert not engine.store.redis.exists(engine.store.keys.waited(jid))


def test_of_a_story_that_goes_on_and_on_the_first_and_the_last_runs_are_kept(engine):
    jid = engine.submit(max_deliveries=1000)
    for number in range(150):
        jobs.lose_job(engine.store, jid, engine.claim_one().token, f"loss {number}")
    job = jobs.get_job_by_id(jid, store=engine.store)
    numbers = [int(run["detail"].split()[1]) for run in job.attempts]
    assert numbers == [*range(10), *range(60, 150)]
    assert job.attempts_left_out == 50
    engine.claim_one()
    assert len(jobs.get_job_by_id(jid, store=engine.store).attempts) == 101, "and the one that runs"
