"""remove and prune: nothing of an ended job is left behind."""

import pytest

from jobsapi import jobs
from jobsapi.errors import UnknownJob, WrongStatus


def _ended(engine, **options):
    jid = engine.submit(**options)
    claim = engine.claim_one()
    jobs.append_log(engine.store, jid, claim.token, b"x" * 3_000_000)
    engine.store.redis.hset(engine.store.keys.outputs(jid, claim.token), "x:0", b"data")
    jobs.complete_job(engine.store, jid, claim.token, b"{}", b"")
    return jid


def test_a_removed_job_leaves_no_key(engine):
    jid = _ended(engine, tags=["a"])
    jobs.remove_job(jid, store=engine.store)
    assert engine.left() <= {"k:default:work"}
    with pytest.raises(UnknownJob):
        jobs.get_job_by_id(jid, store=engine.store)


def test_an_active_job_cannot_be_removed(engine):
    jid = engine.submit()
    with pytest.raises(WrongStatus):
        jobs.remove_job(jid, store=engine.store)


def test_results_go_first_and_the_record_later(engine):
    day = 24 * 3600 * 1000
    jid = _ended(engine)
    engine.store.now += 7 * day - 1
    assert jobs.prune_jobs(engine.store) == 0
    engine.store.now += 1
    assert jobs.prune_jobs(engine.store) == 1
    assert engine.record(jid).results_removed
    engine.store.now += 23 * day
    assert jobs.prune_jobs(engine.store) == 1
    assert engine.left() <= {"k:default:work"}


def test_keep_is_the_jobs_own_time_for_its_results(engine):
    jid = _ended(engine, keep=60)
    engine.store.now += 60_000
    jobs.prune_jobs(engine.store)
    assert engine.record(jid).results_removed
