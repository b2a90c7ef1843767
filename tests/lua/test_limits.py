"""The limits of a task as the scripts hold them: who is claimed, who waits outside of the queue, and who goes on."""

from __future__ import annotations

import pytest

from jobsapi import jobs, registry
from jobsapi.limits import Limits

USER = {"type": "object", "properties": {"user": {"type": "string", "default": "nobody"}}}


@pytest.fixture
def limited(engine):
    def publish(**limits):
        described = {"summary": "", "queue": "default", "timeout": None, "default": False, "digest": "u"}
        registry.publish(engine.store, [{"name": "work", "schema": USER, "limits": limits, **described}])
        return engine

    return publish


def test_max_running_gives_out_as_many_and_the_next_when_one_ends(limited):
    engine = limited(max_running=2)
    ids = [engine.submit() for _ in range(4)]
    claims = engine.claim(10)
    assert [claim.id for claim in claims] == ids[:2]
    assert engine.claim(10) == []
    jobs.complete_job(engine.store, ids[0], claims[0].token, b"", b"1")
    assert [claim.id for claim in engine.claim(10)] == ids[2:3]


def test_a_job_that_waits_for_a_place_is_submitted_has_no_position_and_says_why(limited):
    engine = limited(max_running=1)
    engine.submit()
    waiting = engine.submit()
    engine.claim(10)
    job = jobs.get_job_by_id(waiting, store=engine.store)
    assert (job.status, job.position) == ("submitted", None)
    assert "as may at a time" in job["advice"]


@pytest.mark.parametrize("leave", ["complete", "fail", "fail_for_now", "release", "lose"])
def test_every_way_out_of_running_makes_room(limited, leave):
    engine = limited(max_running=1)
    first = engine.submit(max_attempts=2)
    second = engine.submit(priority=1)
    engine.claim()  # the one with the higher priority, and it ends
    jobs.cancel_job(first, store=engine.store)
    third = engine.submit(max_attempts=2)
    engine.claim(10)
    [claim] = [(jid, engine.record(jid).token) for jid in (second,)]
    store = engine.store
    ways = {
        "complete": lambda: jobs.complete_job(store, *claim, b"", b"1"),
        "fail": lambda: jobs.fail_job(store, *claim, "error", None),
        "fail_for_now": lambda: jobs.fail_job(store, *claim, "error", None, again_after=60),
        "release": lambda: jobs.release_job(store, *claim),
        "lose": lambda: jobs.lose_job(store, *claim, "killed"),
    }
    ways[leave]()
    assert [each.id for each in engine.claim(10)] == ([second] if leave in ("release", "lose") else [third])


def test_who_waits_for_a_place_can_be_cancelled_and_leaves_nothing(limited):
    engine = limited(max_running=1)
    [running, waiting] = [engine.submit(), engine.submit()]
    [claim] = engine.claim(10)
    wake = engine.store.keys.wake("default", "work")
    engine.store.redis.delete(wake)
    jobs.cancel_job(waiting, store=engine.store)
    assert not engine.store.redis.exists(wake), "no worker has anything to look for"
    jobs.complete_job(engine.store, running, claim.token, b"", b"1")
    assert not {key for key in engine.left() if key[:2] in ("r:", "cp", "cq")}
    assert engine.claim() == []


def test_a_job_that_was_let_in_and_is_cancelled_lets_the_next_one_in(limited):
    engine = limited(max_running=1)
    [first, second, third] = [engine.submit() for _ in range(3)]
    [claim] = engine.claim(10)
    jobs.complete_job(engine.store, first, claim.token, b"", b"1")
    jobs.cancel_job(second, store=engine.store)
    assert [each.id for each in engine.claim(10)] == [third]


def test_a_higher_limit_holds_from_the_next_end_on(limited):
    engine = limited(max_running=1)
    ids = [engine.submit() for _ in range(4)]
    [claim] = engine.claim(10)
    limited(max_running=3)
    jobs.complete_job(engine.store, ids[0], claim.token, b"", b"1")
    assert [each.id for each in engine.claim(10)] == ids[1:]


def test_a_paused_queue_does_not_keep_a_group_of_another_queue_waiting(limited):
    engine = limited(max_running=1)
    [running, slow, fast] = [engine.submit(), engine.submit(queue="a"), engine.submit(queue="b")]
    queues = {"default": ["work"], "a": ["work"], "b": ["work"]}
    [claim] = engine.claim(10, **queues)
    assert claim.id == running
    jobs.pause_queue(engine.store, "a")
    jobs.complete_job(engine.store, running, claim.token, b"", b"1")
    assert [each.id for each in engine.claim(10, **queues)] == [fast]
    assert engine.record(slow).status.value == "submitted"


def test_groups_are_made_by_the_value_of_a_parameter_or_its_default(limited):
    engine = limited(max_running=1, max_running_per="params.user")
    store = engine.store
    ids = [jobs.add_job("work", params, store=store).id for params in ({"user": "ann"}, {"user": "ann"}, {})]
    nobody = jobs.add_job("work", {"user": "nobody"}, store=store).id
    assert [each.id for each in engine.claim(10)] == [ids[0], ids[2]]
    assert nobody


def test_a_rate_gives_out_so_many_in_any_such_time(limited):
    engine = limited(rate="2/m")
    ids = [engine.submit() for _ in range(5)]
    assert [each.id for each in engine.claim(10)] == ids[:2]
    engine.store.now += 59_999
    assert engine.claim(10) == []
    assert jobs.promote_jobs(engine.store) == (0, 0.001)
    engine.store.now += 1
    assert [each.id for each in engine.claim(10)] == ids[2:4]


def test_a_task_that_its_rate_holds_back_wakes_a_worker_when_it_may_go_on(limited):
    engine = limited(rate="1/m")
    for _ in range(2):
        engine.submit()
    engine.claim(10)
    wake, stir = engine.store.keys.wake("default", "work"), engine.store.keys.stir()
    assert engine.store.redis.exists(stir)
    engine.store.redis.delete(wake)
    engine.store.now += 60_000
    assert jobs.promote_jobs(engine.store)[1] is None
    assert engine.store.redis.exists(wake)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_running": 0},
        {"max_running": True},
        {"max_running_per": "params.user"},
        {"max_running": 1, "max_running_per": "user"},
        {"rate": "10"},
        {"rate": "0/m"},
        {"rate": "10/w"},
    ],
)
def test_limits_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=r"a task's"):
        Limits(**wrong)


def test_a_rate_may_name_several_minutes():
    assert Limits(rate="10/5m").stored() == "0 10 300000"
    assert Limits(max_running=3).stored() == "3 0 0"
