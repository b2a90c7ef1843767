"""lose: a delivery whose process died is delivered again, a bounded number of times."""

import pytest

from jobsapi import jobs
from jobsapi.errors import NotHolder


def test_a_lost_job_is_delivered_again_at_once_under_the_same_attempt_and_its_loss_is_told(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    assert jobs.lose_job(engine.store, jid, claim.token, "the process that ran it ended with signal 9")
    again = engine.claim_one()
    assert (again.id, again.attempt) == (jid, 1)
    line, running = jobs.get_job_by_id(jid, store=engine.store).attempts
    assert (line["outcome"], line["attempt"], line["worker"], line["token"]) == ("lost", 1, "w1", claim.token)
    assert "signal 9" in line["detail"]
    assert (running["outcome"], running["attempt"], running["ended"]) == (None, 1, None)


def test_a_job_whose_deliveries_are_used_up_ends_lost(engine):
    jid = engine.submit(max_deliveries=2)
    for _ in range(2):
        jobs.lose_job(engine.store, jid, engine.claim_one().token, "killed")
    job = jobs.get_job_by_id(jid, store=engine.store)
    assert (job.status, job.reason, len(job.attempts)) == ("failed", "lost", 2)
    assert engine.claim(1) == []


def test_at_most_once_means_once(engine):
    jid = engine.submit(max_deliveries=1)
    jobs.lose_job(engine.store, jid, engine.claim_one().token, "killed")
    assert jobs.get_job_by_id(jid, store=engine.store).reason == "lost"


def test_a_lease_that_has_not_run_out_is_not_taken(engine):
    jid = engine.submit()
    engine.claim_one()
    engine.store.now += 9_999
    assert not jobs.lose_job(engine.store, jid, "", "its lease ran out")
    assert jobs.expired_leases(engine.store) == []
    engine.store.now += 1
    assert jobs.expired_leases(engine.store) == [jid]
    assert jobs.lose_job(engine.store, jid, "", "its lease ran out")
    assert not jobs.lose_job(engine.store, jid, "", "its lease ran out")


def test_a_lost_job_whose_cancel_was_asked_for_is_cancelled(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    jobs.cancel_job(jid, store=engine.store)
    jobs.lose_job(engine.store, jid, claim.token, "killed")
    assert engine.record(jid).status.value == "cancelled"


def test_only_the_holder_reports_its_own_loss(engine):
    jid = engine.submit()
    engine.claim_one()
    with pytest.raises(NotHolder):
        jobs.lose_job(engine.store, jid, "another", "killed")


def test_after_the_store_was_away_every_holder_gets_a_lease_of_time_first(engine):
    assert not jobs.look_over(engine.store)[0]
    for _ in range(5):
        engine.store.now += 2_500
        may = jobs.look_over(engine.store)[0]
    assert may
    engine.store.now += 60_000
    assert not jobs.look_over(engine.store)[0]
