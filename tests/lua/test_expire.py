"""expire: jobs that no worker claimed in their time have failed, and can never run late."""

import pytest

from jobsapi import jobs, upkeep


@pytest.mark.parametrize("options", [{}, {"delay": 60}])
def test_a_job_that_nobody_claimed_in_time_has_failed(engine, options):
    jid = engine.submit(expires_in=5, **options)
    engine.store.now += 4_999
    assert jobs.expire_jobs(engine.store) == 0
    engine.store.now += 1
    upkeep.run(engine.store)
    job = jobs.get_job_by_id(jid, store=engine.store)
    assert (job.status, job.reason, job.error["type"], job.attempts) == ("failed", "expired", "Expired", [])
    assert "queue 'default'" in job.advice
    assert engine.lists() == {"f:default:work": [jid]}
    assert not engine.left() & {"expiring", "due", "q:default:work"}


def test_a_job_is_never_given_out_late(engine):
    late, other = engine.submit(expires_in=5), engine.submit()
    engine.store.now += 5_000
    assert [claim.id for claim in engine.claim(5)] == [other]
    jobs.expire_jobs(engine.store)
    assert engine.record(late).reason == "expired"


def test_a_job_that_was_claimed_in_time_does_not_expire_any_more(engine):
    jid = engine.submit(expires_in=5)
    claim = engine.claim_one()
    engine.store.now += 60_000
    assert jobs.expire_jobs(engine.store) == 0
    jobs.release_job(engine.store, jid, claim.token)
    assert [each.id for each in engine.claim(1)] == [jid]


def test_a_retry_of_an_expired_job_has_all_the_time(engine):
    jid = engine.submit(expires_in=5)
    engine.store.now += 5_000
    jobs.expire_jobs(engine.store)
    jobs.retry_job(jid, store=engine.store)
    engine.store.now += 60_000
    assert jobs.expire_jobs(engine.store) == 0
    assert [claim.id for claim in engine.claim(1)] == [jid]


def test_a_cancelled_job_does_not_expire(engine):
    jid = engine.submit(expires_in=5)
    jobs.cancel_job(jid, store=engine.store)
    assert "expiring" not in engine.left()
    engine.store.now += 5_000
    jobs.expire_jobs(engine.store)
    assert engine.record(jid).reason == "cancelled"


def test_jobs_of_a_large_submit_expire_in_bounded_steps(engine):
    jobs.add_jobs([{"task": "work", "expires_in": 1}] * 150, store=engine.store)
    engine.store.now += 1_000
    assert [jobs.expire_jobs(engine.store) for _ in range(3)] == [100, 50, 0]


def test_a_claim_passes_over_expired_jobs_in_bounded_steps(engine):
    jobs.add_jobs([{"task": "work", "expires_in": 1}] * 150, store=engine.store)
    engine.store.now += 1_000
    other = engine.submit()
    wake = engine.store.keys.wake("default", "work")
    engine.store.redis.delete(wake)
    assert engine.claim() == []
    assert engine.store.redis.exists(wake)  # the worker that found nothing looks again at once
    assert [each.id for each in engine.claim()] == [other]
