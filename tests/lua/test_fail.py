"""fail: an end without a result, by the holder, with a reason."""

import pytest

from jobsapi import jobs
from jobsapi.errors import NotHolder


@pytest.mark.parametrize(("reason", "status"), [("error", "failed"), ("timeout", "failed"), ("cancelled", "cancelled")])
def test_the_reason_decides_the_status(engine, reason, status):
    jid = engine.submit()
    claim = engine.claim_one()
    for _ in range(2):  # the second is the first one sent again
        jobs.fail_job(engine.store, jid, claim.token, reason, {"type": "E", "message": "m", "traceback": ""})
    job = jobs.get_job_by_id(jid, store=engine.store)
    assert (job.status, job.reason, job.error["message"]) == (status, reason, "m")
    assert jobs.count_ended(engine.store) == [("work", reason, 1)]


def test_only_the_holder_fails_a_job(engine):
    jid = engine.submit()
    engine.claim_one()
    with pytest.raises(NotHolder):
        jobs.fail_job(engine.store, jid, "another", "error", None)
    assert engine.record(jid).status.value == "in progress"
