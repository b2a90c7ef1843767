"""complete: recorded once, by the holder."""

import pytest

from jobsapi import jobs
from jobsapi.errors import NotHolder, UnknownJob


def test_the_end_is_recorded_with_the_output(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    jobs.complete_job(engine.store, jid, claim.token, b"", b"42")
    record = engine.record(jid)
    assert (record.status.value, record.inline, record.finished) == ("complete", b"42", 1_000_000)
    assert engine.lists() == {"c:default:work": [jid]}
    assert engine.left() == {f"j:{jid}", "l:c:default:work", "retained", "k:default:work"}


def test_a_finish_that_is_sent_again_is_accepted_and_recorded_once(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    for value in (b"1", b"2"):
        jobs.complete_job(engine.store, jid, claim.token, b"", value)
    assert engine.record(jid).inline == b"1"
    assert jobs.count_ended(engine.store) == [("work", "complete", 1)]


def test_a_stale_claim_is_refused(engine):
    jid = engine.submit()
    stale = engine.claim_one()
    engine.store.now += 11_000
    assert jobs.lose_job(engine.store, jid, "", "its lease ran out")
    with pytest.raises(NotHolder):
        jobs.complete_job(engine.store, jid, stale.token, b"", b"stale")
    fresh = engine.claim_one()
    with pytest.raises(NotHolder):
        jobs.complete_job(engine.store, jid, stale.token, b"", b"stale")
    jobs.complete_job(engine.store, jid, fresh.token, b"", b"fresh")
    with pytest.raises(NotHolder):
        jobs.complete_job(engine.store, jid, stale.token, b"", b"stale")
    assert engine.record(jid).inline == b"fresh"


def test_an_unknown_job_is_refused(engine):
    with pytest.raises(UnknownJob):
        jobs.complete_job(engine.store, "00" + "z" * 18, "t", b"", b"1")


def test_whoever_waits_is_told(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    assert engine.store.run("wait", jid) == 0
    jobs.complete_job(engine.store, jid, claim.token, b"", b"1")
    assert engine.store.redis.lrange(engine.store.keys.waited(jid), 0, -1) == [b"ended"]
    assert engine.store.run("wait", jid) == 1
