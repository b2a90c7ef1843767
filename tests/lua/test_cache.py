"""submit, stage, retry, erase: a job of a task with a cache answers for all that are the same."""

import dataclasses

import pytest

from jobsapi import data, jobs, registry, schedules
from jobsapi.audit import audit, repair
from jobsapi.caching import Caching
from jobsapi.errors import Invalid, KeyTaken

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}, "m": {}}, "additionalProperties": False}


@pytest.fixture
def engine(engine):
    publish(engine)
    return engine


def publish(engine, digest="cached", **options):
    caching = Caching(**({"cache": "1h"} | options)).described()
    described = {"summary": "", "queue": "default", "timeout": None, "default": False, "schema": SCHEMA}
    registry.publish(engine.store, [{"name": "work", "digest": digest, "caching": caching, **described}])


def submit(engine, params=None, **options):
    return jobs.add_job("work", params or {"n": 1}, store=engine.store, **options).id


def complete(engine, jid, output=b"1"):
    [claim] = [each for each in engine.claim(100) if each.id == jid]
    jobs.complete_job(engine.store, jid, claim.token, b"", output)


def cached(engine):
    return {key for key in engine.left() if key.startswith("ca:")}


def test_equal_jobs_in_flight_are_one(engine):
    first = submit(engine)
    assert submit(engine) == first
    claim = engine.claim_one()
    assert submit(engine) == first
    assert engine.claim() == []
    jobs.complete_job(engine.store, first, claim.token, b"", b"1")
    assert submit(engine) == first


def test_the_order_of_parameters_does_not_matter_and_everything_else_does(engine):
    first = submit(engine, {"n": 1, "m": {"a": 1, "b": 2}})
    assert submit(engine, {"m": {"b": 2, "a": 1}, "n": 1}) == first
    others = [{"n": 2, "m": {"a": 1, "b": 2}}, {"n": 1}, {"n": 1, "m": None}, {"n": 1, "m": {"a": 1.0, "b": 2}}]
    made = [submit(engine, params) for params in others]
    assert len({first, *made}) == 5


def test_a_result_answers_for_as_long_as_the_task_says(engine):
    first = submit(engine)
    engine.store.now += 10 * 3_600_000  # it waits long, and that does not count
    complete(engine, first)
    engine.store.now += 3_599_999
    assert submit(engine) == first
    engine.store.now += 1
    second = submit(engine)
    assert second != first
    complete(engine, second)
    jobs.remove_job(first, store=engine.store)
    assert submit(engine) == second


def test_another_version_another_schema_and_another_length_are_heard_at_once(engine):
    first = submit(engine)
    complete(engine, first)
    publish(engine, version="2")
    assert (second := submit(engine)) != first
    publish(engine, digest="cached, too")
    assert submit(engine) not in (first, second)
    publish(engine)
    assert submit(engine) == first
    engine.store.now += 5_000
    publish(engine, cache=5)
    assert submit(engine) != first


def test_a_data_set_that_is_loaded_anew_is_another_question(engine):
    engine.store.now = None  # a load's lock goes by the server's own clock
    publish(engine, datasets=["default", "other"])
    first = submit(engine)
    assert submit(engine) == first
    data.load([{"id": 1}], store=engine.store)
    second = submit(engine)
    data.load([{"id": 1}], dataset="other", store=engine.store)
    third = submit(engine)
    data.load([{"id": 1}], dataset="unrelated", store=engine.store)
    assert submit(engine) == third
    assert len({first, second, third}) == 3


def test_what_did_not_complete_answers_nobody(engine):
    def ends():
        yield lambda jid: jobs.cancel_job(jid, store=engine.store)
        yield lambda jid: jobs.fail_job(engine.store, jid, engine.claim_one().token, "error", None)
        yield lambda jid: jobs.lose_job(engine.store, jid, engine.claim_one().token, "killed")

    before = set()
    for end in ends():
        jid = submit(engine, max_deliveries=1)
        assert jid not in before
        end(jid)
        before.add(jid)
    jid = submit(engine)
    engine.claim_one()
    jobs.cancel_job(jid, store=engine.store)  # it runs on until its worker hears of it
    assert submit(engine) != jid


def test_a_result_that_is_removed_answers_nobody_and_nothing_is_left_of_it(engine):
    first = submit(engine, keep=1)
    complete(engine, first)
    engine.store.now += 1_000
    jobs.prune_jobs(engine.store)
    assert engine.record(first).results_removed
    second = submit(engine)
    assert second != first
    complete(engine, second)
    for jid in (first, second):
        jobs.remove_job(jid, store=engine.store)
    assert cached(engine) == set()
    assert submit(engine) not in (first, second)


def test_a_retry_answers_again_unless_another_does(engine):
    first = submit(engine)
    jobs.cancel_job(first, store=engine.store)
    jobs.retry_job(first, store=engine.store)
    assert submit(engine) == first
    jobs.cancel_job(first, store=engine.store)
    second = submit(engine)
    jobs.retry_job(first, store=engine.store)
    assert submit(engine) == second
    jobs.cancel_job(second, store=engine.store)
    jobs.remove_job(second, store=engine.store)
    assert submit(engine) not in (first, second)


def test_a_job_may_be_one_of_its_own(engine):
    first = submit(engine)
    own = submit(engine, cache=False)
    assert jobs.get_job_by_id(own, store=engine.store).cache is False
    assert own != first
    assert submit(engine, cache=True) == submit(engine, cache=None) == first
    jobs.cancel_job(first, store=engine.store)
    assert submit(engine) != own, "it answers for no other, either"
    with pytest.raises(Invalid, match="true or false"):
        submit(engine, cache=1)


def test_a_job_that_comes_after_others_and_one_that_a_schedule_sends_are_their_own(engine):
    first = submit(engine)
    assert submit(engine, after=[first]) != first
    assert submit(engine, after_any=[first]) != first
    schedules.add_schedule("often", "work", {"n": 1}, every=1, store=engine.store)
    engine.store.now += 1_000
    schedules.fire_due(engine.store)
    assert schedules.get_schedule("often", store=engine.store)["last_job"] not in (None, first)
    assert submit(engine) == first


def test_a_job_with_a_webhook_has_an_end_of_its_own(engine):
    first = submit(engine)
    hosts = dataclasses.replace(engine.store.settings, webhook_hosts="example.org")
    engine.store.settings = hosts
    assert submit(engine, webhook="https://example.org/told") != first
    assert submit(engine) == first


def test_a_job_of_a_list_that_others_of_it_come_after_is_its_own(engine):
    first = submit(engine)
    made = jobs.add_jobs(
        [{"task": "work", "params": {"n": 1}}, {"task": "work", "after": ["#0"]}, {"task": "work", "params": {"n": 1}}],
        store=engine.store,
    )
    assert made[0].id != first
    assert made[2].id == first
    assert engine.record(made[1].id).after == (made[0].id,)


def test_a_key_is_held_only_by_a_job_that_runs_itself(engine):
    first = submit(engine)
    assert submit(engine, key="k") == first
    assert "u:k" not in engine.left()
    other = submit(engine, {"n": 2}, key="k")
    with pytest.raises(KeyTaken):
        submit(engine, key="k")
    assert submit(engine, key="k", on_conflict="return") == other


@pytest.mark.parametrize("count", [4, 250])
def test_a_list_asks_only_what_nobody_answers(engine, count):
    complete(engine, submit(engine, {"n": 0}))
    before = submit(engine, {"n": 1})
    asked = [{"task": "work", "params": {"n": n // 2}} for n in range(count)]
    made = jobs.add_jobs(asked, store=engine.store)
    assert [job.params["n"] for job in made] == [n // 2 for n in range(count)]
    assert [job.id for job in made[::2]] == [job.id for job in made[1::2]]
    assert (made[0].status, made[2].id) == ("complete", before)
    batch = jobs.get_batch(jobs.list_batches(store=engine.store)[0][0].id, store=engine.store)
    assert (batch.total, batch.counts["complete"], batch.counts["submitted"]) == (count // 2, 1, count // 2 - 1)
    assert len(engine.claim(300)) == count // 2 - 1
    again = jobs.add_jobs(asked, store=engine.store)
    assert [job.id for job in again] == [job.id for job in made]
    assert engine.claim(300) == []


def test_a_large_submit_that_is_dropped_answers_nobody(engine):
    submit(engine, {"n": -1}, key="taken")
    asked = [{"task": "work", "params": {"n": n}} for n in range(150)]
    with pytest.raises(KeyTaken):
        jobs.add_jobs([*asked, {"task": "work", "params": {"n": 500}, "key": "taken"}], store=engine.store)
    assert len(cached(engine)) == 1
    assert len({job.id for job in jobs.add_jobs(asked, store=engine.store)}) == 150


def test_a_job_of_a_large_submit_answers_others_once_that_is_accepted(engine):
    store, batch, jid = engine.store, "00" + "b" * 18, "00" + "a" * 18
    made = submit(engine)
    record = {name.decode(): value for name, value in store.redis.hgetall(store.keys.job(made)).items()}
    jobs.cancel_job(made, store=store)
    fields = {"q": "default", "t": "work", "bt": batch, "ck": record["ck"], "p": "{}"}
    store.run("stage", batch, 0, jid, len(fields), *(part for pair in fields.items() for part in pair))
    assert submit(engine, {"n": 1}) not in (made, jid)
    store.redis.set(store.keys.cached(record["ck"].decode().partition(":")[2]), jid)
    store.run("commit", batch, 1, "{}", 1000, 1)
    assert submit(engine) == jid
    jobs.admit_jobs(store, batch)
    assert submit(engine) == jid


def test_results_are_kept_as_long_as_they_answer_unless_the_job_says_otherwise(engine):
    publish(engine, cache="30d")
    for options, kept in (({}, 30 * 86_400_000), ({"keep": 5}, 5_000)):
        jid = submit(engine, {"n": kept}, **options)
        complete(engine, jid)
        engine.store.now += kept - 1
        jobs.prune_jobs(engine.store)
        assert not engine.record(jid).results_removed
        engine.store.now += 1
        jobs.prune_jobs(engine.store)
        record = engine.store.redis.hgetall(engine.store.keys.job(jid))
        assert not record or record[b"rx"]  # after 30 days the record goes with them
    jid = submit(engine, {"n": 2})
    assert engine.store.redis.hexists(engine.store.keys.job(jid), "kp")
    publish(engine, cache=60)
    assert not engine.store.redis.hexists(engine.store.keys.job(submit(engine, {"n": 3})), "kp")


def test_jobs_of_a_task_without_a_cache_are_as_they_were(engine):
    publish(engine, cache=None)
    first, second = submit(engine), submit(engine)
    assert first != second
    assert set(engine.store.redis.hgetall(engine.store.keys.job(first))) == {b"s", b"t", b"q", b"p", b"c", b"n"}


def test_an_answer_of_a_job_that_is_gone_is_told_and_mended(engine):
    jid = submit(engine)
    assert audit(engine.store) == []
    engine.store.redis.hdel(engine.store.keys.job(jid), "ck")
    told = audit(engine.store)
    assert [each.place for each in told] == ["cached"]
    assert repair(engine.store, told) == 1
    assert cached(engine) == set()


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({"cache": 5}, 5),
        ({"cache": 0.5}, 0.5),
        *(({"cache": f"2{unit}"}, 2 * n) for unit, n in zip("smhd", (1, 60, 3600, 86400), strict=True)),
    ],
)
def test_a_cache_lasts_for_seconds_or_for_a_time_with_a_unit(options, seconds):
    assert Caching(**options).age == seconds


@pytest.mark.parametrize(
    "options",
    [
        *({"cache": each} for each in ("", "7", "7w", "d", "-1d", " 7d", 0, -1, 1e10, True, float("nan"))),
        *({"cache": 1, **more} for more in ({"version": 3}, {"version": "x" * 201}, {"datasets": "default"})),
        {"cache": 1, "datasets": ["a b"]},
        {"version": "3"},
        {"datasets": ["default"]},
    ],
)
def test_a_cache_that_cannot_be_is_refused_where_the_task_is_made(options):
    with pytest.raises((ValueError, TypeError)):
        Caching(**options)


def test_a_task_publishes_its_cache():
    from jobsapi.tasks import Task

    made = Task("work", lambda: None, caching=Caching("7d", "3", ["default"])).described()
    assert made["caching"] == {"cache": "7d", "version": "3", "datasets": ["default"]}
    assert Caching(**made["caching"]).age == 7 * 86400
