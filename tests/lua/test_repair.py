"""Records and indexes that were made to disagree by hand: `audit` tells each in a sentence, `repair` mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobsapi import jobs, registry, results, schedules
from jobsapi.audit import audit, repair
from jobsapi.limits import Limits
from jobsapi.names import new_id
from jobsapi.submission import prepare
from tests.lua.conftest import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lua.conftest import Engine


def waiting(engine: Engine) -> str:
    return engine.submit(tags=["x"], key="a", expires_in=60, priority=7)


def scheduled(engine: Engine) -> str:
    return engine.submit(delay=60, expires_in=90)


def child(engine: Engine) -> str:
    return engine.submit(after=[engine.submit()], after_any=[engine.submit()])


def running(engine: Engine) -> str:
    jid = waiting(engine)
    engine.claim_one()
    return jid


def capped(engine: Engine) -> str:
    """The second of a group of which one runs at a time."""
    limits = Limits(1, None, None).described()
    described = {"summary": "", "queue": "default", "timeout": None, "default": False, "schema": SCHEMA, "digest": "d"}
    registry.publish(engine.store, [{"name": "work", "limits": limits, **described}])
    engine.submit(), (second := engine.submit())
    engine.claim(2)
    return second


def ended(engine: Engine) -> str:
    jid = running(engine)
    jobs.complete_job(engine.store, jid, engine.record(jid).token, b"", b"1")
    return jid


def parent(engine: Engine) -> str:
    """Of a child that waits for it: `child` makes one more."""
    jid = engine.submit()
    engine.submit(after=[jid])
    return jid


def staged(engine: Engine) -> str:
    sent = [prepare(engine.store, "work", {}, {"key": "s"}, "", "") for _ in range(1)]
    batch = new_id()
    arguments = [part for each in sent for part in each.arguments(bt=batch)]
    engine.store.run("stage", batch, 0, *arguments)
    engine.store.run("commit", batch, 1, "{}", 1000, 1)
    return sent[0].id


def batch_of(engine: Engine) -> str:
    return engine.store.redis.zrange(engine.store.keys.staged(), 0, -1)[0].decode()


L = {"submitted": "l:s:default:work", "in progress": "l:p:default:work", "complete": "l:c:default:work"}
SCORE = float(93 * 2**44 + 1)

BROKEN: dict[str, tuple[Callable[[Engine], str], list[list[object]], str]] = {
    "not listed": (ended, [["zrem", L["complete"], "{id}"]], "the list of such jobs does not have it"),
    "under another number": (ended, [["zadd", L["complete"], {"{id}": 99}]], "the list of such jobs does not have"),
    "listed and in its queue": (
        waiting,
        [["zadd", L["submitted"], {"{id}": 1}]],
        "jobs that are submitted",
    ),
    "waits for a place and is not listed": (
        capped,
        [["zrem", L["submitted"], "{id}"]],
        "the list of such jobs does not",
    ),
    "in a list that is not known": (waiting, [["srem", "lists", "s:default:work"]], "no list and no count shows"),
    "listed twice": (running, [["zadd", L["submitted"], {"{id}": 1}]], "The list of jobs that are submitted, of"),
    "not found by its tag": (ended, [["zrem", "t:x", "{id}"]], "not found by its tag x"),
    "found by a tag it has not": (ended, [["zadd", "t:y", {"{id}": 1}]], "Tag y has job"),
    "not in its queue": (waiting, [["zrem", "q:default:work", "{id}"]], "no worker would take it"),
    "not in its turn": (waiting, [["zadd", "q:default:work", {"{id}": 3}]], "no worker would take it in its turn"),
    "in another queue": (waiting, [["zadd", "q:fast:work", {"{id}": SCORE}]], "Queue fast of task work has job"),
    "queued while it runs": (running, [["zadd", "q:default:work", {"{id}": SCORE}]], "Queue default of task work has"),
    "its time is not noted": (scheduled, [["zrem", "due", "{id}"]], "nobody would let it go"),
    "another time is noted": (scheduled, [["zadd", "due", {"{id}": 5}]], "nobody would let it go"),
    "a time that it does not wait for": (waiting, [["zadd", "due", {"{id}": 5}]], "wait for their time has job"),
    "no lease": (running, [["zrem", "leases", "{id}"]], "has no lease"),
    "a lease of a job that waits": (waiting, [["zadd", "leases", {"{id}": 5}]], "The index of leases has job"),
    "never removed": (ended, [["delete", "retained"]], "it would stay for ever"),
    "its expiry is not watched": (scheduled, [["zrem", "expiring", "{id}"]], "nobody would notice that it has expired"),
    "expires while it runs": (running, [["zadd", "expiring", {"{id}": 5}]], "jobs that expire has job"),
    "does not hold its key": (waiting, [["delete", "u:a"]], "does not hold its key a"),
    "a key held by an ended job": (ended, [["set", "u:a", "{id}"]], "The key a has job"),
    "waits for one too many": (child, [["hincrby", "j:{id}", "pn", 1]], "not all 3 would tell it"),
    "a parent that would not tell it": (child, [["delete", "f:{first}"]], "not all 2 would tell it"),
    "a parent that does not know of children": (parent, [["hdel", "j:{id}", "ch"]], "nobody would tell them"),
    "a parent that does not list it": (child, [["zrem", "fo:{first}", "{id}"]], "is not among those that came after"),
    "a parent that lists it elsewhere": (child, [["zadd", "fo:{first}", {"{id}": 99}]], "is not among those"),
    "a parent that lists one that is no child": (ended, [["zadd", "fo:{id}", {"{id}": 1}]], "that came after job"),
    "the children of no job": (child, [["zadd", "fo:{new}", {"{id}": 1}]], "and that one is gone"),
    "a large submit without its job": (staged, [["delete", "s:{batch}"]], "does not have it"),
    "a large submit nobody goes on with": (staged, [["delete", "staged"]], "Nobody would let in the jobs"),
    "the jobs of no batch": (ended, [["zadd", "bj:{new}", {"{id}": 0}]], "and the batch is gone"),
    "does not wait for a place": (capped, [["zrem", "cp:work:default", "{id}"]], "no worker would take it"),
    "waits for a place out of its turn": (capped, [["zadd", "cp:work:default", {"{id}": 1}]], "in its turn for one"),
    "waits for a place and runs": (running, [["zadd", "cp:work:default", {"{id}": 1}]], "of group work and queue"),
    "runs and is not counted": (capped, [["srem", "r:work", "{running}"]], "among the running ones of group work"),
    "counted and does not run": (capped, [["sadd", "r:work", "{new}"]], "The count of running jobs of group work has"),
    "a group that is not looked at": (capped, [["delete", "cq:work"]], "nobody would let them go on"),
    "the story of no job": (ended, [["rpush", "h:{new}", "{}"]], "and the job is gone"),
    "the log of no job": (ended, [["set", "g:{new}", "…"]], "The log of job"),
    "the tail of the log of no job": (ended, [["rpush", "gt:{new}", "…"]], "The log of job"),
    "a schedule that is never due": (ended, [["zrem", "planned", "nightly"]], "Schedule nightly has no next time"),
    "a time of no schedule": (ended, [["zadd", "planned", {"daily": 5}]], "Schedule daily has no next time"),
}


def broken_by(engine: Engine, jid: str, steps: list[list[object]]) -> None:
    store = engine.store
    names = {"id": jid, "new": new_id(), "first": (engine.record(jid).after or [""])[0]}
    names["running"] = (store.redis.zrange(store.keys.leases(), 0, 0) or [b""])[0].decode()
    names["batch"] = batch_of(engine) if store.redis.exists(store.keys.staged()) else ""

    def filled(value: object) -> object:
        if isinstance(value, dict):
            return {filled(name): score for name, score in value.items()}
        if isinstance(value, str) and "{" in value and value != "{}":
            return value.format(**names)
        return value

    for command, key, *rest in steps:
        getattr(store.redis, command)(store.keys.prefix + str(filled(key)), *map(filled, rest))


@pytest.mark.parametrize("case", BROKEN)
def test_what_was_broken_by_hand_is_told_and_mended(engine, case):
    make, steps, sentence = BROKEN[case]
    schedules.add_schedule("nightly", "work", {}, every=3600, store=engine.store)
    jid = make(engine)
    assert audit(engine.store) == []
    before = without_markers(engine)
    broken_by(engine, jid, steps)
    told = audit(engine.store)
    assert any(sentence in each.sentence for each in told), told
    assert repair(engine.store, told)
    assert audit(engine.store) == []
    if make is capped:
        engine.claim(5)  # looks whether there is a place for it
    assert without_markers(engine) == before


def test_the_outputs_of_no_run_are_told_and_left_to_the_sweep(engine):
    jid = ended(engine)
    engine.store.redis.hset(engine.store.keys.outputs(jid, "old"), "0:0", "…")
    assert [each.place for each in audit(engine.store)] == ["outputs"]
    repair(engine.store, audit(engine.store))
    engine.store.now += 3_600_000
    results.sweep(engine.store)
    assert not engine.store.redis.exists(engine.store.keys.outputs(jid, "old"))
    assert audit(engine.store) == []


@pytest.mark.parametrize("told", ["7", None])
def test_a_wrong_sum_of_output_bytes_is_told_and_put_right(engine, told):
    for size in (600, 70):
        engine.submit()
        claim = engine.claim_one()
        jobs.complete_job(engine.store, claim.id, claim.token, b"", b"1", size)
    assert audit(engine.store) == []
    key = engine.store.keys.output_bytes()
    if told:
        engine.store.redis.set(key, told)
    else:
        engine.store.redis.delete(key)
    found = audit(engine.store)
    assert [each.sentence for each in found] == [
        f"The outputs beside the records are counted as {told or 0} bytes and have 670."
    ]
    assert repair(engine.store, found) == 1
    assert engine.store.redis.get(key) == b"670"
    assert audit(engine.store) == []
    engine.store.redis.set(key, "671")  # an output more came meanwhile
    assert repair(engine.store, found) == 0


def test_what_a_person_must_decide_is_told_and_left_as_it_is(engine):
    first, second, third = waiting(engine), engine.submit(), engine.submit()
    engine.store.redis.hset(engine.store.keys.job(second), "ky", "a")
    engine.store.redis.hdel(engine.store.keys.job(third), "q")
    told = audit(engine.store)
    assert {(each.place, each.subject) for each in told} == {("keyed", second), ("broken", third)}
    assert repair(engine.store, told) == 0
    assert audit(engine.store) == told
    assert engine.store.redis.get(engine.store.keys.keyed("a")).decode() == first


def test_a_child_whose_parents_have_ended_unnoticed_goes_on_or_fails(engine):
    done, failed = engine.submit(), engine.submit()
    fine, bad = engine.submit(after=[done]), engine.submit(after=[failed])
    jobs.complete_job(engine.store, done, engine.claim_one().token, b"", b"1")
    jobs.fail_job(engine.store, failed, engine.claim_one().token, "error", None)
    for key in (engine.store.keys.children(done), engine.store.keys.children(failed), engine.store.keys.settled()):
        engine.store.redis.delete(key)
    told = audit(engine.store)
    assert {(each.place, each.subject) for each in told} == {("waits", fine), ("waits", bad)}
    repair(engine.store, told)
    assert (engine.record(fine).status.value, engine.record(bad).reason) == ("submitted", "dependency")
    assert audit(engine.store) == []


def test_a_job_that_waits_for_a_place_which_nobody_has_is_let_go(engine):
    second = capped(engine)
    first = engine.store.redis.zrange(engine.store.keys.leases(), 0, 0)[0].decode()
    jobs.complete_job(engine.store, first, engine.record(first).token, b"", b"1")
    engine.store.redis.zrem(engine.store.keys.ready("default", "work"), second)
    engine.store.redis.zadd(engine.store.keys.capped("work", "default"), {second: 100 * 2**44 + 2})
    engine.store.redis.zadd(engine.store.keys.listed("s", "default", "work"), {second: 2})
    engine.store.redis.sadd(engine.store.keys.capped_queues("work"), "default")
    told = audit(engine.store)
    assert [each.place for each in told] == ["capped"]
    repair(engine.store, told)
    assert audit(engine.store) == []
    assert [claim.id for claim in engine.claim(2)] == [second]


def test_a_batch_that_lost_its_place_in_the_list_has_it_again(engine):
    held = engine.submit(key="held")
    asked = [{"task": "work"}, {"task": "work", "key": "held", "on_conflict": "return"}, {"task": "work"}]
    made = jobs.add_jobs(asked, store=engine.store)
    batch, keys = made[0].batch, engine.store.keys
    engine.store.redis.delete(keys.batches())
    told = audit(engine.store)
    assert {(each.place, each.subject) for each in told} == {("batch", batch)}
    assert repair(engine.store, told) == 1
    assert audit(engine.store) == []
    assert [each.id for each in jobs.list_batches(store=engine.store)[0]] == [batch]
    assert [row["id"] for row in jobs.batch_results(batch, store=engine.store)] == [made[0].id, held, made[2].id]


def test_no_more_are_told_than_asked_for(engine):
    for _ in range(5):
        engine.store.redis.zrem(engine.store.keys.ready("default", "work"), engine.submit())
    assert len(audit(engine.store, 3)) == 3
    assert len(audit(engine.store)) == 5


def without_markers(engine: Engine) -> dict[str, object]:
    """Every key but those that only say `look`, with what it holds."""
    redis, prefix = engine.store.redis, engine.store.keys.prefix
    readers = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
    }
    names = [key.decode() for key in redis.scan_iter(match=prefix + "*", count=1000)]
    held = {name.removeprefix(prefix): readers[redis.type(name)](name) for name in names}
    return {name: value for name, value in held.items() if name != "stir" and name[:2] != "k:"}
