"""drain: a worker is told through its control key, and through its own record should that word be lost."""

import pytest

from jobsapi import registry
from jobsapi.errors import Conflict, UnknownWorker

FACTS = {"host": "h", "pid": 1, "started": 1, "concurrency": 1, "state": "running"}


def test_the_worker_is_told_twice_and_shown_as_draining(engine):
    registry.beat(engine.store, "w1", FACTS, 10)
    assert registry.drain(engine.store, "w1")["state"] == "draining"
    assert engine.store.redis.zrange(engine.store.keys.control("w1"), 0, -1) == [b"drain"]
    assert [registry.shown(each)["state"] for each in registry.workers(engine.store)] == ["draining"]
    assert registry.beat(engine.store, "w1", FACTS, 10)


def test_a_worker_that_nobody_drains_hears_nothing_of_it(engine):
    assert not registry.beat(engine.store, "w1", FACTS, 10)
    assert not registry.beat(engine.store, "w1", FACTS, 10)


def test_a_worker_that_does_not_live_is_refused_and_leaves_nothing(engine):
    registry.beat(engine.store, "w1", FACTS, 10)
    registry.leave(engine.store, "w1")
    before = engine.left()
    for _ in range(2):
        with pytest.raises(UnknownWorker):
            registry.drain(engine.store, "w1")
        with pytest.raises(UnknownWorker):
            engine.store.run("drain", "w1")
    assert engine.left() == before


def test_a_program_with_a_loop_of_its_own_cannot_be_drained(engine):
    registry.beat(engine.store, "w1", FACTS | {registry.OWN_LOOP: 1}, 10)
    with pytest.raises(Conflict):
        registry.drain(engine.store, "w1")
    assert registry.workers(engine.store)[0]["state"] == "running"
