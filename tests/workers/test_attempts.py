"""Attempts, as users see them: `max_attempts`, `backoff`, `retry_on`, `raise Retry`, timeouts."""

import time

import pytest

from jobsapi import Retry, backoff, jobs
from jobsapi.tasks import Task


def _outcomes(job):
    return [(run["attempt"], run["outcome"]) for run in job.attempts]


def test_a_task_that_raises_twice_completes_at_its_third_attempt(system):
    system.worker()
    [jid] = system.submit("flaky", failures=2)
    [job] = system.until_ended([jid])
    assert (job.status, job.attempt, job.max_attempts, job.error) == ("complete", 3, 3, None)
    assert _outcomes(job) == [(1, "error"), (2, "error"), (3, "complete")]
    assert job.attempts[0]["error"]["message"] == "failure 1"
    assert "app.py" in job.attempts[0]["error"]["traceback"]
    assert jobs.get_results(jid, store=system.store) == 3


def test_a_task_that_always_raises_ends_with_its_last_error(system):
    system.worker()
    jid = jobs.add_job("flaky", {"failures": 9}, max_attempts=2, backoff=[0.01], store=system.store).id
    [job] = system.until_ended([jid])
    assert (job.status, job.reason, job.error["message"]) == ("failed", "error", "failure 2")
    assert _outcomes(job) == [(1, "error"), (2, "error")]


def test_an_exception_that_is_not_among_those_to_retry_is_final(system):
    system.worker()
    [jid] = system.submit("flaky", failures=2, kind="KeyError")
    [job] = system.until_ended([jid])
    assert (job.status, _outcomes(job)) == ("failed", [(1, "error")])


def test_a_function_asks_for_another_attempt_and_says_when(system):
    system.worker()
    [jid] = system.submit("flaky", failures=1, kind="Retry")
    [job] = system.until_ended([jid])
    assert (job.status, _outcomes(job)) == ("complete", [(1, "error"), (2, "complete")])
    assert job.attempts[0]["error"]["type"] == "Retry"


def test_a_timeout_is_an_attempt(system):
    system.worker()
    jid = jobs.add_job("nap", {"seconds": 60}, timeout=0.2, max_attempts=2, backoff=0, store=system.store).id
    [job] = system.until_ended([jid])
    assert (job.status, job.reason, _outcomes(job)) == ("failed", "timeout", [(1, "timeout"), (2, "timeout")])
    assert "which was 0.2 s" in job.advice


def test_parameters_that_only_python_refuses_are_not_tried_again(system):
    system.worker()
    jid = jobs.add_job("even", {"n": 1}, max_attempts=3, store=system.store).id
    [job] = system.until_ended([jid])
    assert (job.status, _outcomes(job)) == ("failed", [(1, "error")])
    assert job.error["type"] == "UnfitParameters"


def test_a_value_that_cannot_be_a_result_is_not_tried_again(system):
    system.worker()
    jid = jobs.add_job("unfit", max_attempts=3, store=system.store).id
    [job] = system.until_ended([jid])
    assert (job.status, _outcomes(job)) == ("failed", [(1, "error")])


def test_an_idle_worker_is_there_when_the_next_attempt_is_due(system):
    system.worker()
    jid = jobs.add_job("flaky", {"failures": 1}, backoff=0.4, store=system.store).id
    [job] = system.until_ended([jid])
    assert job.started >= job.run_at
    assert _seconds(job.started) - _seconds(job.run_at) < 0.5


def _seconds(text):
    return time.mktime(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float(text[19:23])


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"backoff": -1}, {"backoff": {"bas": 1}}, {"backoff": []}])
def test_a_tasks_options_are_checked_where_they_are_written(wrong):
    with pytest.raises(ValueError, match=r"max_attempts|seconds"):
        Task("t", lambda: None, **wrong)


def test_the_next_attempt_is_never_in_the_past():
    with pytest.raises(ValueError, match="after"):
        Retry(after=-1)


@pytest.mark.parametrize(
    ("rule", "pauses"),
    [
        (7, [7, 7, 7]),
        ([1, 60], [1, 60, 60]),
        ({"jitter": 0}, [1, 2, 4]),
        ({"base": 10, "factor": 3, "max": 50, "jitter": 0}, [10, 30, 50]),
    ],
)
def test_a_backoff_says_how_long_to_wait_after_each_attempt(rule, pauses):
    assert [backoff.pause(backoff.stored(rule), attempt) for attempt in (1, 2, 3)] == pauses


def test_jitter_takes_a_random_share_off_and_no_attempt_is_too_late_for_a_pause():
    rule = backoff.stored({"base": 100, "factor": 100, "max": 100, "jitter": 0.5})
    drawn = [backoff.pause(rule, attempt) for attempt in range(1, 1001)]
    assert len(set(drawn)) > 900
    assert all(50 <= each <= 100 for each in drawn)
    assert 0.9 <= backoff.pause("", 1) <= 1


def test_a_result_that_is_too_large_fails_and_names_the_setting(system):
    system.environment["JOBSAPI_MAX_RESULT"] = "3"
    system.worker()
    short, long = system.submit("even", n=2) + system.submit("even", n=123456)
    assert [job.status for job in system.until_ended([short, long])] == ["complete", "failed"]
    assert "JOBSAPI_MAX_RESULT" in system.job(long).error["message"]
