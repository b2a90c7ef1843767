"""fail: a run without a result, by the holder, with a reason: the end, or a wait for the next attempt."""

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


ERROR = {"type": "ValueError", "message": "[]", "traceback": "in user.py"}


def test_a_job_with_an_attempt_left_waits_for_it_and_tells_of_the_one_that_failed(engine):
    jid = engine.submit(max_attempts=2)
    claim = engine.claim_one()
    engine.store.now += 5_000
    for _ in range(2):  # the second is the first one sent again
        jobs.fail_job(engine.store, jid, claim.token, "error", ERROR, again_after=30)
    job = jobs.get_job_by_id(jid, store=engine.store)
    assert (job.status, job.reason, job.error, job.worker) == ("scheduled", None, None, None)
    assert (job.attempt, job.max_attempts, job.run_at) == (1, 2, "1970-01-01T00:17:15.000Z")
    assert job.attempts == [
        {
            "attempt": 1,
            "outcome": "error",
            "worker": "w1",
            "started": "1970-01-01T00:16:40.000Z",
            "ended": "1970-01-01T00:16:45.000Z",
            "token": claim.token,
            "error": ERROR,
        }
    ]
    assert engine.lists() == {"w:default:work": [jid]}
    assert "leases" not in engine.left()
    assert engine.claim(1) == []


def test_the_last_attempt_ends_the_job(engine):
    jid = engine.submit(max_attempts=2)
    for number in (1, 2):
        engine.store.now += 1_000
        jobs.promote_jobs(engine.store)
        claim = engine.claim_one()
        assert claim.attempt == number
        jobs.fail_job(engine.store, jid, claim.token, "timeout", ERROR, again_after=0.5)
    job = jobs.get_job_by_id(jid, store=engine.store)
    assert (job.status, job.reason, job.error) == ("failed", "timeout", ERROR)
    assert [(run["attempt"], run["outcome"]) for run in job.attempts] == [(1, "timeout"), (2, "timeout")]


def test_an_end_that_another_attempt_cannot_change_is_final(engine):
    jid = engine.submit(max_attempts=5)
    jobs.fail_job(engine.store, jid, engine.claim_one().token, "error", ERROR)
    assert engine.record(jid).status.value == "failed"


def test_a_job_whose_cancel_was_asked_for_is_not_tried_again(engine):
    jid = engine.submit(max_attempts=5)
    claim = engine.claim_one()
    jobs.cancel_job(jid, store=engine.store)
    jobs.fail_job(engine.store, jid, claim.token, "error", ERROR, again_after=1)
    assert engine.record(jid).status.value == "failed"


def test_a_lost_delivery_between_attempts_keeps_the_number(engine):
    jid = engine.submit(max_attempts=2)
    jobs.fail_job(engine.store, jid, engine.claim_one().token, "error", ERROR, again_after=0)
    jobs.promote_jobs(engine.store)
    jobs.lose_job(engine.store, jid, engine.claim_one().token, "killed")
    jobs.complete_job(engine.store, jid, engine.claim_one().token, b"", b"1")
    job = jobs.get_job_by_id(jid, store=engine.store)
    assert [(run["attempt"], run["outcome"]) for run in job.attempts] == [(1, "error"), (2, "lost"), (2, "complete")]
    assert job.error is None


@pytest.mark.parametrize(
    ("reason", "options", "kind", "word"),
    [
        ("error", {}, "ValueError", "set `max_attempts`"),
        ("error", {"max_attempts": 2}, "ValueError", "is not tried again by itself"),
        ("error", {}, "ModuleNotFoundError", "where the workers run"),
        ("error", {}, "UnfitParameters", "parameters"),
        ("timeout", {"timeout": 1.5}, "Timeout", "1.5 s"),
        ("memory", {}, "OutOfMemory", "memory_mb"),
        ("lost", {}, "Lost", "compiled code"),
        ("dependency", {}, "Dependency", "came after"),
    ],
)
def test_a_job_that_failed_says_what_to_try(engine, reason, options, kind, word):
    jid = engine.submit(**options)
    jobs.fail_job(engine.store, jid, engine.claim_one().token, reason, {"type": kind, "message": "", "traceback": ""})
    assert word in jobs.get_job_by_id(jid, store=engine.store).advice


def test_a_job_whose_attempts_are_used_up_says_how_many_there_were(engine):
    jid = engine.submit(max_attempts=2)
    for _ in range(2):
        error = {"type": "ValueError", "message": "", "traceback": ""}
        jobs.fail_job(engine.store, jid, engine.claim_one().token, "error", error, again_after=0)
        jobs.promote_jobs(engine.store)
    assert "None of its 2 attempts came through" in jobs.get_job_by_id(jid, store=engine.store).advice


def test_a_job_that_has_not_failed_needs_no_advice(engine):
    jid = engine.submit()
    assert "advice" not in jobs.get_job_by_id(jid, store=engine.store)
    jobs.cancel_job(jid, store=engine.store)
    assert "advice" not in jobs.get_job_by_id(jid, store=engine.store)
