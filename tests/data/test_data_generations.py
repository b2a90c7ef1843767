"""A load takes effect in one step; cursors, ranges and jobs stay in what they began with; the rest is swept."""

from __future__ import annotations

import contextlib

import pytest

from jobsapi import data, jobs, registry
from jobsapi.errors import Unreadable
from jobsapi.runner import current

HOUR = 3_600_000


def numbers(found):
    return [record["n"] for record in found]


def segments(store):
    pattern = store.keys.segment("default", "").replace("{", "\\{") + "*"
    return len(list(store.redis.scan_iter(match=pattern, count=1000)))


def generations(store):
    pattern = store.keys.generation("default", "").replace("{", "\\{") + "*"
    return len(list(store.redis.scan_iter(match=pattern, count=1000)))


@contextlib.contextmanager
def inside(tmp_path, token="t1"):
    """As a job's code sees the world."""
    message = {"job": 1, "id": "j", "token": token, "task": "t", "params": {}, "attempt": 1, "started": 0}
    current.set_only(current.CurrentJob(message | {"parents": []}, tmp_path, 1, lambda _: None))
    yield
    current.set_only(None)


def test_a_cursor_goes_on_in_the_generation_it_began_with(store):
    data.load([{"id": n, "n": n} for n in range(6)], store=store)
    page = data.search(limit=3, store=store)
    data.load([{"id": n, "n": n + 100} for n in range(4, 8)], store=store)
    following = data.search(limit=100, cursor=page.next, store=store)
    assert numbers(following.records) == [3, 4, 5]
    assert following.total == 6
    data.empty(store=store)
    assert numbers(data.search(limit=2, cursor=page.next, store=store).records) == [3, 4]


def test_a_range_stays_in_its_generation(store):
    data.load([{"n": n} for n in range(3)], store=store)
    found = data.records(store=store)
    data.load([{"n": 3}], store=store)
    assert numbers(found) == [0, 1, 2]
    assert len(found) == 3
    assert numbers(data.records(store=store)) == [0, 1, 2, 3]


def test_a_superseded_generation_goes_ten_minutes_after_its_last_use(store):
    data.load([{"id": n, "n": n} for n in range(10)], store=store)
    old_range = data.records(store=store)
    page = data.search(limit=2, store=store)
    data.empty(store=store)
    data.load([{"n": 50}], store=store)
    start = store.time_ms()
    store.now = start + 9 * 60_000
    assert data.sweep(store) == 0
    assert numbers(data.search(limit=2, cursor=page.next, store=store).records) == [2, 3]
    store.now = start + 18 * 60_000
    assert data.sweep(store) == 0
    assert (generations(store), segments(store)) == (2, 2)
    store.now = start + 20 * 60_000
    assert data.sweep(store) == 1
    assert data.sweep(store) == 0
    assert (generations(store), segments(store)) == (1, 1)
    with pytest.raises(Unreadable, match="expired"):
        data.search(limit=2, cursor=page.next, store=store)
    with pytest.raises(Unreadable):
        list(old_range)
    assert numbers(data.records(store=store)) == [50]


def test_segments_that_a_later_generation_has_too_stay(store):
    for n in range(3):
        data.load([{"id": n, "n": n}], store=store)
    store.now = store.time_ms() + HOUR
    assert data.sweep(store) == 2
    assert (generations(store), segments(store)) == (1, 3)
    assert numbers(data.records(store=store)) == [0, 1, 2]


def test_after_emptying_and_sweeping_no_key_is_left(store):
    data.load([{"n": n} for n in range(3)], store=store)
    data.load([{"n": n} for n in range(3)], store=store)
    data.empty(store=store)
    store.now = store.time_ms() + HOUR
    assert data.sweep(store) == 2
    assert list(store.redis.scan_iter(match=store.keys.prefix.replace("{", "\\{") + "*")) == []


def test_a_job_sees_what_was_there_when_it_first_looked(store, tmp_path):
    data.load([{"id": n, "n": n} for n in range(3)], store=store)
    with inside(tmp_path):
        assert numbers(data.records(store=store)) == [0, 1, 2]
        _as_another_process(lambda: data.load([{"id": 0, "n": 50}], store=store))
        assert numbers(data.records(store=store)) == [0, 1, 2]
        assert data.get(0, store=store) == {"id": 0, "n": 0}
        assert data.search("50", store=store).total == 0
        assert numbers(data.records(dataset="other", store=store)) == []
    with inside(tmp_path, "t2"):
        assert numbers(data.records(store=store)) == [1, 2, 50]
    assert numbers(data.records(store=store)) == [1, 2, 50]


def test_a_job_sees_its_own_loads(store, tmp_path):
    data.load([{"id": n, "n": n} for n in range(3)], store=store)
    with inside(tmp_path):
        assert len(data.records(store=store)) == 3
        data.load([{"id": 9, "n": 9}], store=store)
        assert numbers(data.records(store=store)) == [0, 1, 2, 9]
        data.empty(store=store)
        assert len(data.records(store=store)) == 0


def _as_another_process(call):
    job, current._only = current._only, None
    call()
    current._only = job


def _claimed(store):
    """One job in progress, under a lease of many hours."""
    schema = {"type": "object", "properties": {}}
    described = {"summary": "", "queue": "default", "timeout": None, "default": False, "schema": schema, "digest": "d"}
    registry.publish(store, [{"name": "work", **described}])
    jobs.add_job("work", {}, store=store)
    return jobs.claim_jobs(store, "w", {"default": ["work"]}, 1, 100_000.0)[0]


def test_what_a_job_in_progress_may_use_is_not_swept(store):
    data.load([{"id": n, "n": n} for n in range(3)], store=store)
    claim = _claimed(store)
    data.load([{"id": n, "n": 50 + n} for n in range(3)], store=store)
    start = store.time_ms()
    for hours in (1, 2):
        store.now = start + hours * HOUR
        assert data.sweep(store) == 0
    assert (generations(store), segments(store)) == (2, 2)
    jobs.complete_job(store, claim.id, claim.token, b"", b"")
    store.now = start + 3 * HOUR
    assert data.sweep(store) == 1
    assert (generations(store), segments(store)) == (1, 1)


def test_a_job_that_was_claimed_later_keeps_nothing_back(store):
    data.load([{"id": n, "n": n} for n in range(3)], store=store)
    data.empty(store=store)
    store.now = store.time_ms() + 1000
    _claimed(store)
    store.now += HOUR
    assert data.sweep(store) == 1
    assert (generations(store), segments(store)) == (0, 0)
