"""list: pages, newest first, whatever the filter."""

import dataclasses
import itertools

import pytest

from jobsapi import jobs, registry
from jobsapi.errors import Invalid
from jobsapi.record import rfc3339


def _pages(engine, **filters):
    found, below = [], None
    for _ in range(100):
        page, below, total = jobs.list_jobs(store=engine.store, below=below, limit=7, **filters)
        found += [job.id for job in page]
        if below is None:
            return found, total
    raise AssertionError("the pages do not end")


def test_every_filter_finds_what_a_walk_over_all_jobs_finds(engine):
    made = []
    for i, (task, queue, tags) in enumerate(
        itertools.product(("work", "other"), ("default", "second"), ([], ["a"], ["a", "b"]))
    ):
        made += [engine.submit(task, queue=queue, tags=tags) for _ in range(i % 3 + 1)]
    for claim in engine.claim(9):
        jobs.complete_job(engine.store, claim.id, claim.token, b"", b"1")
    engine.claim(3, second=["work"])
    walked = [jobs.get_job_by_id(jid, store=engine.store) for jid in reversed(made)]
    for status, task, queue, tag in itertools.product(
        (None, "submitted", "in progress", "complete", "failed"), (None, "work"), (None, "second"), (None, "a", "b")
    ):
        wanted = [
            job.id
            for job in walked
            if status in (None, job.status)
            and task in (None, job.task)
            and queue in (None, job.queue)
            and (tag is None or tag in job.tags)
        ]
        filters = {"status": status, "task": task, "queue": queue, "tag": tag}
        found, total = _pages(engine, **filters)
        assert found == wanted, filters
        assert total == (len(wanted) if sum(value is not None for value in filters.values()) <= 1 else None), filters


def test_jobs_made_between_two_times_are_what_a_walk_finds(engine):
    def ends(most):
        for claim in engine.claim(most):
            jobs.complete_job(engine.store, claim.id, claim.token, b"", b"1")

    engine.store.now = start = 1_700_000_000_000
    for i in range(60):
        engine.store.now += 700 * (i % 4)
        engine.submit(("work", "other")[i % 2], priority=i % 3, tags=["a"] if i % 5 else [])
        ends(i % 3)
        if i == 30:
            batch = jobs.add_jobs([{"task": "work", "tags": ["a"]}] * 120, store=engine.store)[0].batch
    walked, below = jobs.list_jobs(limit=1000, store=engine.store)[:2]
    assert (len(walked), below) == (180, None)
    for first, last in itertools.product((None, 0, 5_600, 21_000, 21_001, 63_000, 90_000), repeat=2):
        since, until = (None if ms is None else rfc3339(start + ms) for ms in (first, last))
        for filters in ({}, {"status": "complete"}, {"task": "work"}, {"tag": "a"}, {"batch": batch}):
            asked = {"limit": 1000, "store": engine.store, **filters}
            wanted = [
                job.id
                for job in jobs.list_jobs(**asked)[0]
                if (since is None or job.created >= since) and (until is None or job.created <= until)
            ]
            found, total = _pages(engine, since=since, until=until, **filters)
            assert found == wanted, (first, last, filters)
            assert total is None or since is until is None


def test_of_many_jobs_only_those_of_the_time_are_looked_at(engine):
    for hour in range(5):
        engine.store.now = 1_700_000_000_000 + hour * 3_600_000
        jobs.add_jobs([{"task": "work"}] * 6_000, store=engine.store)
    asked = {"since": rfc3339(1_700_003_600_000), "until": rfc3339(1_700_007_000_000), "store": engine.store}
    calls = engine.store.redis.info("commandstats").get("cmdstat_hget", {"calls": 0})["calls"]
    found, below, _ = jobs.list_jobs(limit=10, **asked)
    assert [job.created for job in found] == [rfc3339(1_700_003_600_000)] * 10
    assert below is not None
    assert engine.store.redis.info("commandstats")["cmdstat_hget"]["calls"] - calls < 200


@pytest.mark.parametrize("time", ["yesterday", "2026-01-31", "2026-01-31T12:00:00"])
def test_a_time_that_is_none_is_refused(engine, time):
    with pytest.raises(Invalid, match="`until` is a time such as 2026-01-31T12:00:00Z"):
        jobs.list_jobs(until=time, store=engine.store)


def test_in_progress_is_understood_with_an_underscore_and_other_words_are_refused(engine):
    jid = engine.submit()
    engine.claim_one()
    assert [job.id for job in jobs.list_jobs(status="in_progress", store=engine.store)[0]] == [jid]
    with pytest.raises(Invalid, match="in progress"):
        jobs.list_jobs(status="running", store=engine.store)


def test_the_position_counts_the_jobs_that_are_claimed_before(engine):
    first, second, third = engine.submit(), engine.submit("other"), engine.submit(priority=1)
    positions = [jobs.get_job_by_id(jid, store=engine.store).position for jid in (first, second, third)]
    assert positions == [1, 2, 0]


def test_pages_merge_many_lists(engine):
    made = [engine.submit(queue=f"queue{i * 7 % 40}") for i in range(90)]
    assert _pages(engine) == (made[::-1], 90)
    assert _pages(engine, queue="queue7") == ([made[i] for i in (81, 41, 1)], 3)


def test_a_page_of_large_jobs_is_shorter(engine):
    registry.publish(engine.store, [{**registry.published(engine.store)["work"], "schema": {}, "digest": "any"}])
    params = {"text": "x" * 2**20}
    engine.store.settings = dataclasses.replace(engine.store.settings, max_params=2**21)
    made = [jobs.add_job("work", params, store=engine.store).id for _ in range(20)]
    found, below, _ = jobs.list_jobs(store=engine.store)
    rest, end, _ = jobs.list_jobs(store=engine.store, below=below)
    assert ([job.id for job in found + rest], len(found), end) == (made[::-1], 16, None)


def test_queues_of_which_no_job_is_left_are_forgotten_and_known_again_with_the_next(engine):
    jid, other = engine.submit(queue="once"), engine.submit(queue="often")
    jobs.cancel_job(jid, store=engine.store)
    assert jobs.tidy_lists(engine.store, 100) == 0
    jobs.remove_job(jid, store=engine.store)
    assert jobs.tidy_lists(engine.store, 100) == 2
    assert {queue for _, queue, *_ in jobs.count_jobs(engine.store)} == {"often"}
    assert [job.id for job in jobs.list_jobs(store=engine.store)[0]] == [other]
    again = engine.submit(queue="once")
    assert [job.id for job in jobs.list_jobs(queue="once", store=engine.store)[0]] == [again]
    assert [claim.id for claim in engine.claim(once=["work"])] == [again]
