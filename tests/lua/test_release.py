"""release: handed back without charge."""

import pytest

from jobsapi import jobs
from jobsapi.errors import NotHolder


def test_a_released_job_is_next_again_under_the_same_attempt(engine):
    first, second = engine.submit(), engine.submit()
    claim = engine.claim_one()
    jobs.release_job(engine.store, first, claim.token)
    assert engine.lists() == {"s:default:work": [first, second]}
    again = engine.claim_one()
    assert (again.id, again.attempt) == (first, 1)
    assert engine.record(first).lost == 0
    told = jobs.get_job_by_id(first, store=engine.store).attempts
    assert [(line["outcome"], line.get("token")) for line in told] == [("released", claim.token), (None, None)]


def test_a_released_job_whose_cancel_was_asked_for_is_cancelled(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    jobs.cancel_job(jid, store=engine.store)
    jobs.release_job(engine.store, jid, claim.token)
    assert engine.record(jid).status.value == "cancelled"


def test_only_the_holder_releases(engine):
    jid = engine.submit()
    engine.claim_one()
    with pytest.raises(NotHolder):
        jobs.release_job(engine.store, jid, "another")
