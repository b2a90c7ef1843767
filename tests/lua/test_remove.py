"""remove and prune: nothing of an ended job is left behind."""

import dataclasses

import pytest

from jobsapi import jobs
from jobsapi.errors import UnknownJob, WrongStatus


def _ended(engine, **options):
    jid = engine.submit(**options)
    claim = engine.claim_one()
    jobs.append_log(engine.store, jid, claim.token, 0, b"x" * 3_000_000)
    engine.store.redis.hset(engine.store.keys.outputs(jid, claim.token), "x:0", b"data")
    jobs.complete_job(engine.store, jid, claim.token, b"{}", b"")
    return jid


def test_a_removed_job_leaves_no_key(engine):
    jid = _ended(engine, tags=["a"])
    jobs.remove_job(jid, store=engine.store)
    assert engine.left() <= {"k:default:work", "retained"}  # which knows numbers, and forgets these in their time
    engine.store.now += 7 * 24 * 3600 * 1000
    jobs.prune_jobs(engine.store)
    assert engine.left() <= {"k:default:work"}
    with pytest.raises(UnknownJob):
        jobs.get_job_by_id(jid, store=engine.store)


def test_a_removed_parent_and_a_removed_child_forget_each_other(engine):
    parent = _ended(engine)
    children = [_ended(engine, after=[parent]), _ended(engine, after_any=[parent])]
    assert engine.left() >= {f"fo:{parent}"}
    jobs.remove_job(children[0], store=engine.store)
    assert [each.id for each in jobs.list_children(parent, store=engine.store)[0]] == children[1:]
    jobs.remove_job(parent, store=engine.store)
    assert f"fo:{parent}" not in engine.left()
    jobs.remove_job(children[1], store=engine.store)
    assert engine.left() <= {"k:default:work", "stir", "retained"}


def test_a_job_that_came_after_many_counts_by_how_many_where_old_ones_are_removed(engine):
    parents = [engine.submit(keep=60 * 24 * 3600) for _ in range(300)]  # the children alone grow old
    for claim in engine.claim(300):
        jobs.complete_job(engine.store, claim.id, claim.token, b"", b"1")
    for _ in range(20):
        _ended(engine, after=parents)
    engine.store.now += 31 * 24 * 3600 * 1000
    counts = []
    while count := jobs.prune_jobs(engine.store):
        counts.append(count)
    assert counts == [13, 7]
    assert not [key for key in engine.left() if key.startswith("fo:")]


def test_an_active_job_cannot_be_removed(engine):
    jid = engine.submit()
    with pytest.raises(WrongStatus):
        jobs.remove_job(jid, store=engine.store)


def test_results_go_first_and_the_record_later(engine):
    day = 24 * 3600 * 1000
    jid = _ended(engine)
    engine.store.now += 7 * day - 1
    assert jobs.prune_jobs(engine.store) == 0
    engine.store.now += 1
    assert jobs.prune_jobs(engine.store) == 1
    assert engine.record(jid).results_removed
    engine.store.now += 23 * day
    assert jobs.prune_jobs(engine.store) == 1
    assert engine.left() <= {"k:default:work"}


def test_keep_is_the_jobs_own_time_for_its_results(engine):
    jid = _ended(engine, keep=60)
    engine.store.now += 60_000
    jobs.prune_jobs(engine.store)
    assert engine.record(jid).results_removed


def _kept(engine, **settings):
    engine.store.settings = dataclasses.replace(engine.store.settings, **settings)


def test_of_too_many_ended_jobs_the_oldest_go_those_without_results_first(engine):
    ids = []
    for _ in range(5):
        ids.append(_ended(engine, keep=60 if not ids else None))
        engine.store.now += 20_000
    jobs.prune_jobs(engine.store)
    assert engine.record(ids[0]).results_removed
    _kept(engine, keep_count=3)
    assert jobs.prune_jobs(engine.store) == 2
    assert [each.id for each in jobs.list_jobs(store=engine.store)[0]] == ids[:1:-1]
    assert jobs.prune_jobs(engine.store) == 0


def test_of_results_that_are_too_large_together_the_oldest_go_and_small_ones_stay(engine):
    store = engine.store
    sizes = [600, 0, 300, 200]
    ids = [engine.submit() for _ in sizes]
    for size in sizes:
        claim = engine.claim_one()
        jobs.complete_job(store, claim.id, claim.token, b"", b"1", size)
        store.now += 1
    _kept(engine, keep_bytes=500)
    assert jobs.prune_jobs(store) == 1
    assert [engine.record(jid).results_removed for jid in ids] == [True, False, False, False]
    jobs.remove_job(ids[2], store=store)
    jobs.remove_job(ids[3], store=store)
    assert not {"ob", "bulky"} & engine.left()


def test_removing_many_is_done_in_small_steps(engine):
    for _ in range(7):
        _ended(engine)
    _kept(engine, keep_count=1)
    assert [jobs.prune_jobs(engine.store, 4), jobs.prune_jobs(engine.store, 4)] == [4, 2]
