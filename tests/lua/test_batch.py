"""submit_batch, stage, commit, batch, cancel_batch, list, erase: what is kept of jobs that were sent together."""

import pytest

from jobsapi import jobs
from jobsapi.errors import KeyTaken, UnknownBatch


def send(engine, count=3, **options):
    made = jobs.add_jobs([{"task": "work", **options} for _ in range(count)], store=engine.store)
    return made[0].batch, [job.id for job in made]


def counts(engine, batch):
    return {name: n for name, n in jobs.get_batch(batch, store=engine.store).counts.items() if n}


def keys_of_batches(engine):
    return {key for key in engine.left() if key.startswith(("b:", "bj:", "batches"))}


def test_a_single_job_makes_no_batch(engine):
    jid = engine.submit()
    assert jobs.get_job_by_id(jid, store=engine.store).batch is None
    assert keys_of_batches(engine) == set()


@pytest.mark.parametrize("count", [1, 3, 100, 101, 750])
def test_a_list_is_a_batch_of_any_size(engine, count):
    batch, ids = send(engine, count)
    found = jobs.get_batch(batch, store=engine.store)
    assert (found.total, found.task, found.sweep, found.finished, found.removed) == (count, "work", None, None, 0)
    assert found.created == "1970-01-01T00:16:40.000Z"
    assert counts(engine, batch) == {"submitted": count}
    assert jobs.get_job_by_id(ids[-1], store=engine.store).links["batch"] == f"/batches/{batch}"


def test_counts_follow_the_jobs_and_the_last_end_is_the_batchs(engine):
    batch, ids = send(engine)
    first, second = engine.claim(2)
    jobs.complete_job(engine.store, first.id, first.token, b"", b"1")
    engine.store.now += 1000
    jobs.fail_job(engine.store, second.id, second.token, "error", None)
    assert counts(engine, batch) == {"complete": 1, "failed": 1, "submitted": 1}
    engine.store.now += 1000
    jobs.cancel_job(ids[2], store=engine.store)
    found = jobs.get_batch(batch, store=engine.store)
    assert found.finished == "1970-01-01T00:16:42.000Z"
    jobs.retry_job(ids[1], store=engine.store)
    assert jobs.get_batch(batch, store=engine.store).finished is None
    assert counts(engine, batch) == {"complete": 1, "submitted": 1, "cancelled": 1}


def test_a_batch_goes_with_the_last_of_its_jobs(engine):
    batch, ids = send(engine)
    jobs.cancel_batch(batch, store=engine.store)
    for left, jid in zip((2, 1), ids, strict=False):
        jobs.remove_job(jid, store=engine.store)
        found = jobs.get_batch(batch, store=engine.store)
        assert (found.total, found.removed, found.counts["cancelled"]) == (3, 3 - left, left)
    jobs.remove_job(ids[2], store=engine.store)
    with pytest.raises(UnknownBatch):
        jobs.get_batch(batch, store=engine.store)
    assert keys_of_batches(engine) == set()


def test_retention_removes_batches_with_their_jobs(engine):
    send(engine, 150)
    for claim in engine.claim(150):
        jobs.complete_job(engine.store, claim.id, claim.token, b"", b"1")
    engine.store.now += round(engine.store.settings.keep_jobs * 1000)
    while jobs.prune_jobs(engine.store):
        pass
    assert keys_of_batches(engine) == set()


def test_a_batch_cancels_what_is_active_and_tells_workers(engine):
    batch, ids = send(engine, 250)
    [claim] = engine.claim()
    other = engine.submit()
    found = jobs.cancel_batch(batch, store=engine.store)
    assert (found.counts["cancelled"], found.counts["in_progress"]) == (249, 1)
    assert engine.record(claim.id).cancel_requested
    assert engine.record(other).status.value == "submitted"
    assert jobs.cancel_batch(batch, store=engine.store) == found, "again changes nothing"
    assert engine.record(ids[100]).reason == "cancelled"


def test_a_batch_that_is_being_let_in_is_cancelled_whole(engine):
    store, batch = engine.store, "00" + "b" * 18
    for n in range(3):
        store.run("stage", batch, n, f"00{n:018}", 3, "q", "default", "t", "work", "bt", batch)
    assert jobs.list_jobs(batch=batch, store=store)[0] == []
    with pytest.raises(UnknownBatch):
        jobs.get_batch(batch, store=store)
    store.run("commit", batch, 3, "{}", 1000, 3)
    assert counts(engine, batch) == {"submitted": 3}
    assert jobs.cancel_batch(batch, store=store).counts["cancelled"] == 3
    assert engine.claim(5) == []


def test_a_stage_that_nobody_commits_leaves_no_batch(engine):
    engine.submit(key="k")
    with pytest.raises(KeyTaken):
        jobs.add_jobs([{"task": "work"}] * 150 + [{"task": "work", "key": "k"}], store=engine.store)
    assert keys_of_batches(engine) == set()


def test_pages_of_a_batch_are_in_the_order_sent_whatever_their_numbers(engine):
    batch, ids = send(engine, 5)
    engine.submit()
    found, below, total = jobs.list_jobs(batch=batch, limit=3, store=engine.store)
    rest, end, _ = jobs.list_jobs(batch=batch, limit=3, below=below, store=engine.store)
    assert ([job.id for job in found + rest], end, total) == (ids[::-1], None, 5)


def test_a_batch_is_one_filter_of_several(engine):
    batch = jobs.add_jobs(
        [{"task": "work", "tags": ["a"]}, {"task": "work", "tags": ["aa"]}, {"task": "other", "tags": ["a"]}],
        store=engine.store,
    )[0].batch
    engine.submit(tags=["a"])
    found = jobs.list_jobs(batch=batch, tag="a", task="work", store=engine.store)
    assert ([job.tags for job in found[0]], found[2]) == ([["a"]], None)
    assert jobs.list_jobs(batch="00" + "x" * 18, store=engine.store) == ([], None, 0)
    assert jobs.get_batch(batch, store=engine.store).task is None


@pytest.mark.parametrize("count", [2, 150])
def test_a_job_that_stands_for_one_of_the_batch_is_counted_with_it_and_not_cancelled_with_it(engine, count):
    other = engine.submit(key="k")
    asked = [{"task": "work"}] * (count - 1)
    asked.insert(1, {"task": "work", "key": "k", "on_conflict": "return"})
    made = jobs.add_jobs(asked, store=engine.store)
    batch = jobs.list_batches(store=engine.store)[0][0].id
    assert {job.batch for job in made} == {batch}
    assert jobs.get_batch(batch, store=engine.store).total == count
    page, _, total = jobs.list_jobs(batch=batch, limit=1000, store=engine.store)
    assert (page[-2].id, page[-2].batch, total) == (other, None, None)
    assert jobs.cancel_batch(batch, store=engine.store).counts == {
        **dict.fromkeys(("scheduled", "in_progress", "complete", "failed"), 0),
        "submitted": 1,
        "cancelled": count - 1,
    }


def test_a_batch_for_all_of_which_others_stand_is_kept_as_long_as_results(engine):
    other = engine.submit(key="k")
    jobs.add_jobs([{"task": "work", "key": "k", "on_conflict": "return"}], store=engine.store)
    [found] = jobs.list_batches(store=engine.store)[0]
    assert jobs.get_batch(found.id, store=engine.store).counts["submitted"] == 1
    jobs.cancel_job(other, store=engine.store)
    jobs.remove_job(other, store=engine.store)
    found = jobs.get_batch(found.id, store=engine.store)
    assert (found.total, found.removed, found.finished) == (1, 1, None)
    engine.store.now += round(engine.store.settings.keep_results * 1000)
    jobs.prune_jobs(engine.store)
    assert keys_of_batches(engine) == set()


def test_batches_are_listed_newest_first_in_pages(engine):
    made = [send(engine, 1)[0] for _ in range(5)]
    first, below = jobs.list_batches(limit=3, store=engine.store)
    rest, end = jobs.list_batches(limit=3, below=below, store=engine.store)
    assert ([each.id for each in first + rest], end) == (made[::-1], None)
    assert jobs.list_batches(limit=5, store=engine.store)[1] is None


def test_a_submit_that_is_sent_again_is_the_same_batch(engine):
    from jobsapi.names import new_id
    from jobsapi.submission import prepare

    for count in (2, 150):
        sent = [prepare(engine.store, "work", {}, {}, f"/{i}", f"/{i}/params") for i in range(count)]
        batch = new_id()
        for _ in range(2):
            jobs.submit_jobs(engine.store, sent, batch)
        assert jobs.get_batch(batch, store=engine.store).total == count
        assert engine.store.redis.hget(engine.store.keys.batch(batch), "o") == str(count).encode()
