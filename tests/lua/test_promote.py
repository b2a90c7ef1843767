"""promote: jobs whose time has come go into their queues."""

import pytest

from jobsapi import jobs


@pytest.fixture
def waiting(engine):
    """Makes jobs that wait for their second attempt."""

    def make(seconds, **options):
        jid = engine.submit(max_attempts=2, **options)
        jobs.fail_job(engine.store, jid, engine.claim_one().token, "error", None, again_after=seconds)
        return jid

    return make


def test_a_job_goes_into_its_queue_when_its_time_has_come_and_not_before(engine, waiting):
    jid = waiting(10)
    engine.store.now += 9_999
    assert jobs.promote_jobs(engine.store) == (0, 0.001)
    engine.store.redis.delete(engine.store.keys.wake("default", "work"))
    engine.store.now += 1
    assert jobs.promote_jobs(engine.store) == (1, None)
    assert engine.lists() == {"s:default:work": [jid]}
    assert engine.store.redis.exists(engine.store.keys.wake("default", "work"))
    assert [(claim.id, claim.attempt) for claim in engine.claim(1)] == [(jid, 2)]


def test_a_step_is_bounded_and_says_that_more_is_due(engine, waiting):
    for _ in range(5):
        waiting(1)
    engine.store.now += 1_000
    assert [jobs.promote_jobs(engine.store, 2) for _ in range(3)] == [(2, 0), (2, 0), (1, None)]


def test_only_the_first_of_those_that_wait_makes_a_worker_look(engine, waiting):
    stir = engine.store.keys.stir()
    waiting(10)
    assert engine.store.redis.delete(stir)
    waiting(20)
    assert not engine.store.redis.exists(stir)
    waiting(5)
    assert engine.store.redis.exists(stir)


def test_a_waiting_job_that_is_cancelled_stays_so(engine, waiting):
    jid = waiting(10)
    assert jobs.cancel_job(jid, store=engine.store).status == "cancelled"
    assert "due" not in engine.left()
    engine.store.now += 60_000
    assert jobs.promote_jobs(engine.store) == (0, None)
    assert engine.claim(1) == []


def test_priority_and_age_count_as_if_it_had_never_waited(engine, waiting):
    first = waiting(1)
    second, urgent = engine.submit(), engine.submit(priority=1)
    engine.store.now += 1_000
    jobs.promote_jobs(engine.store)
    assert [claim.id for claim in engine.claim(3)] == [urgent, first, second]
