"""Schedules at their due times: once each, whoever looks, and what becomes of those that were missed."""

import dataclasses
import math
import threading

import orjson
import pytest

from jobsapi import jobs, schedules
from jobsapi.errors import Conflict, Invalid, UnknownSchedule
from jobsapi.store import Store
from jobsapi.tasks import Task
from jobsapi.timing import Timing
from tests.schedules.conftest import report

MINUTE = 60_000


def sent(store):
    return list(jobs.list_jobs(store=store, limit=1000)[0])


def run_until(store, minutes):
    """Let a worker look at every minute."""
    for _ in range(minutes):
        store.now += MINUTE
        while schedules.fire_due(store) == 0:
            pass


def test_a_due_schedule_makes_one_job_and_tells_when_to_look_again(clocked):
    made = schedules.add_schedule("noon", "report", {"n": 3}, cron="0 12 * * *", store=clocked, priority=7)
    assert made["next"].endswith("T12:00:00.000Z")
    assert schedules.fire_due(clocked) == 60
    assert sent(clocked) == []
    clocked.now += MINUTE
    assert schedules.fire_due(clocked) == 24 * 3600
    [job] = sent(clocked)
    assert (job.task, job.params, job.priority, job.status) == ("report", {"n": 3}, 7, "submitted")
    shown = schedules.get_schedule("noon", store=clocked)
    assert (shown["last"], shown["last_job"], shown["error"]) == (made["next"], job.id, None)


def test_nothing_is_due_where_there_is_no_schedule(clocked):
    assert schedules.fire_due(clocked) == math.inf


def test_many_workers_that_look_at_once_make_one_job_for_each_due_time(clocked):
    schedules.add_schedule("often", "report", every=60, store=clocked, misses="all")
    clocked.now += 10 * MINUTE
    stores = [Store(clocked.redis, clocked.settings, clocked.url) for _ in range(8)]

    def look(store):
        store.now = clocked.now
        while schedules.fire_due(store) == 0:
            pass

    threads = [threading.Thread(target=look, args=(each,)) for each in stores]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(sent(clocked)) == 10


def test_a_due_time_that_is_sent_again_is_the_same_job(clocked):
    schedules.add_schedule("noon", "report", cron="0 12 * * *", store=clocked)
    due = clocked.redis.zscore(clocked.keys.planned(), "noon")
    run_until(clocked, 1)
    clocked.redis.zadd(clocked.keys.planned(), {"noon": due})
    schedules.fire_due(clocked)
    assert len(sent(clocked)) == 1


@pytest.mark.parametrize(("misses", "made"), [("skip", 0), ("once", 1), ("all", 3)])
def test_what_was_missed_is_skipped_made_up_for_once_or_each_time(clocked, misses, made):
    schedules.add_schedule("hourly", "report", cron="0 * * * *", misses=misses, store=clocked)
    clocked.now += 2 * 3_600_000 + 30 * MINUTE  # noon, one and two o'clock passed without a worker
    while schedules.fire_due(clocked) == 0:
        pass
    assert len(sent(clocked)) == made
    assert schedules.get_schedule("hourly", store=clocked)["next"].endswith("T15:00:00.000Z")
    run_until(clocked, 31)
    assert len(sent(clocked)) == made + 1


def test_a_removed_schedule_makes_no_more_jobs_and_leaves_nothing(clocked):
    schedules.add_schedule("often", "report", every=60, store=clocked)
    run_until(clocked, 2)
    schedules.remove_schedule("often", store=clocked)
    run_until(clocked, 3)
    assert len(sent(clocked)) == 2
    assert schedules.list_schedules(store=clocked) == []
    keys = (clocked.keys.schedules(), clocked.keys.planned(), clocked.keys.fired())
    assert clocked.redis.exists(*keys) == 0
    with pytest.raises(UnknownSchedule):
        schedules.remove_schedule("often", store=clocked)


def test_a_schedule_whose_task_does_not_fit_any_more_says_so_and_goes_on(clocked):
    schedules.add_schedule("often", "report", {"n": 1}, every=60, store=clocked)
    clocked.redis.hset(
        clocked.keys.schedules(),
        "often",
        clocked.redis.hget(clocked.keys.schedules(), "often").replace(b'"report"', b'"gone"'),
    )
    run_until(clocked, 1)
    shown = schedules.get_schedule("often", store=clocked)
    assert "gone" in shown["error"]
    assert shown["last_job"] is None
    assert sent(clocked) == []


@pytest.mark.parametrize("on_conflict", ["refuse", "return"])
def test_with_a_key_there_is_one_job_at_a_time_and_the_schedule_tells_why(clocked, on_conflict):
    schedules.add_schedule("often", "report", every=60, key="one", on_conflict=on_conflict, store=clocked)
    run_until(clocked, 3)
    [job] = sent(clocked)
    shown = schedules.get_schedule("often", store=clocked)
    assert shown["last_job"] is None
    assert shown["error"]
    jobs.cancel_job(job.id, store=clocked)
    run_until(clocked, 1)
    assert len(sent(clocked)) == 2
    assert schedules.get_schedule("often", store=clocked)["error"] is None


def test_a_timing_that_a_worker_cannot_follow_ends_no_worker_and_is_told(clocked):
    schedules.add_schedule("often", "report", cron="* * * * *", timezone="Europe/Berlin", store=clocked)
    stored = clocked.redis.hget(clocked.keys.schedules(), "often")
    clocked.redis.hset(clocked.keys.schedules(), "often", stored.replace(b"Europe/Berlin", b"Mars/Base"))
    run_until(clocked, 1)
    assert "timezone" in schedules.get_schedule("often", store=clocked)["error"]
    assert schedules.fire_due(clocked) == 3600
    assert sent(clocked) == []


def test_what_is_due_while_the_server_is_full_is_sent_when_there_is_room(clocked):
    schedules.add_schedule("noon", "report", cron="0 12 * * *", store=clocked)
    clocked.now += MINUTE
    full = Store(clocked.redis, dataclasses.replace(clocked.settings, high_water=1e-9), clocked.url)
    full.now = clocked.now
    clocked.redis.config_set("maxmemory", 1 << 40)
    try:
        assert 0 < schedules.fire_due(full) < math.inf
        assert sent(clocked) == []
    finally:
        clocked.redis.config_set("maxmemory", 0)
    schedules.fire_due(clocked)
    assert len(sent(clocked)) == 1


def test_relative_options_count_from_the_firing(clocked):
    schedules.add_schedule("often", "report", every=60, delay=5, store=clocked)
    run_until(clocked, 1)
    [job] = sent(clocked)
    assert job.status == "scheduled"


def described(**timings):
    return [Task(name, report, timing=timing).described() for name, timing in timings.items()]


def test_an_apps_schedules_are_replaced_as_a_set_and_others_stay(clocked):
    schedules.add_schedule("other", "report", every=60, store=clocked)
    schedules.publish(clocked, "app", described(a=Timing(every=60), b=Timing(every=60), c=None))
    schedules.publish(clocked, "app2", described(d=Timing(every=60)))
    schedules.publish(clocked, "app", described(b=Timing(every=120), e=Timing(every=60)))
    found = {each["name"]: (each["app"], each["every"]) for each in schedules.list_schedules(store=clocked)}
    assert found == {"b": ("app", 120), "d": ("app2", 60), "e": ("app", 60), "other": (None, 60)}


def test_publishing_the_same_again_moves_no_due_time(clocked):
    schedules.publish(clocked, "app", described(report=Timing(every=60)))
    clocked.now += 5 * MINUTE
    schedules.publish(clocked, "app", described(report=Timing(every=60)))
    schedules.fire_due(clocked)
    note = orjson.loads(clocked.redis.hget(clocked.keys.fired(), "report"))
    assert note["job"]


def test_a_schedule_of_an_app_is_not_changed_from_outside(clocked):
    schedules.publish(clocked, "app", described(report=Timing(every=60)))
    with pytest.raises(Conflict):
        schedules.add_schedule("report", "report", every=5, store=clocked)
    with pytest.raises(Conflict):
        schedules.remove_schedule("report", store=clocked)


def test_a_schedule_that_somebody_made_by_hand_is_not_replaced_by_an_apps(clocked):
    schedules.add_schedule("report", "report", {"n": 7}, every=5, store=clocked)
    assert schedules.publish(clocked, "app", described(report=Timing(every=60), b=Timing(every=60))) == ["report"]
    kept = schedules.get_schedule("report", store=clocked)
    assert (kept["app"], kept["every"], kept["params"]) == (None, 5, {"n": 7})
    assert schedules.publish(clocked, "app", []) == []
    assert [each["name"] for each in schedules.list_schedules(store=clocked)] == ["report"]
    schedules.remove_schedule("report", store=clocked)
    assert schedules.publish(clocked, "app", described(report=Timing(every=60))) == []
    assert schedules.get_schedule("report", store=clocked)["app"] == "app"


def test_an_app_that_was_renamed_takes_its_schedules_over(clocked):
    schedules.publish(clocked, "app", described(report=Timing(every=60)))
    assert schedules.publish(clocked, "main", described(report=Timing(every=60))) == []
    schedules.publish(clocked, "app", [])
    assert schedules.get_schedule("report", store=clocked)["app"] == "main"


@pytest.mark.parametrize("option", ["after", "after_any"])
def test_a_schedule_cannot_come_after_jobs(clocked, option):
    jid = jobs.add_job("report", {}, store=clocked).id
    with pytest.raises(Invalid) as refusal:
        schedules.add_schedule("often", "report", every=60, store=clocked, **{option: [jid]})
    assert [(fault.pointer, "no option of a schedule" in fault.detail) for fault in refusal.value.errors] == [
        (f"/{option}", True)
    ]
    assert schedules.list_schedules(store=clocked) == []


def test_a_new_schedule_tells_a_worker_to_look(clocked):
    clocked.redis.delete(clocked.keys.stir())
    schedules.add_schedule("often", "report", every=60, store=clocked)
    assert clocked.redis.exists(clocked.keys.stir())


def test_a_task_with_a_schedule_needs_no_parameters():
    with pytest.raises(TypeError, match="default"):
        Task("bad", lambda n: None, timing=Timing(every=60))
