"""submit: records and places in one step."""

import pytest

from jobsapi import jobs, upkeep
from jobsapi.errors import Invalid, KeyTaken
from jobsapi.submission import prepare


def test_a_submitted_job_has_a_record_and_a_place_in_its_queue_which_is_its_list(engine):
    jid = engine.submit()
    assert engine.left() == {f"j:{jid}", "q:default:work", "k:default:work"}
    assert engine.lists() == {"s:default:work": [jid]}


def test_defaults_are_not_stored(engine):
    jid = engine.submit(priority=0, tags=[])
    assert set(engine.store.redis.hgetall(engine.store.keys.job(jid))) == {b"s", b"t", b"q", b"p", b"c", b"n"}


def test_a_submit_that_is_sent_again_is_the_same_job(engine):
    submission = prepare(engine.store, "work", {}, {}, "", "/params")
    first, second = (jobs.submit_jobs(engine.store, [submission])[0] for _ in range(2))
    assert first.id == second.id
    assert len(engine.claim(5)) == 1


def test_tags_are_indexed_and_found(engine):
    jid = engine.submit(tags=["a", "b"])
    engine.submit()
    for tag in ("a", "b"):
        found, _, total = jobs.list_jobs(tag=tag, store=engine.store)
        assert [job.id for job in found] == [jid]
        assert total == 1


def test_a_refused_job_leaves_nothing_behind(engine):
    with pytest.raises(Invalid):
        jobs.add_jobs([{"task": "work"}, {"task": "work", "params": {"n": "x"}}], store=engine.store)
    assert engine.left() == set()


@pytest.mark.parametrize("count", [1, 100, 101, 1050])
def test_many_jobs_are_in_the_queue_in_the_order_sent(engine, count):
    sent = [job.id for job in jobs.add_jobs([{"task": "work"}] * count, store=engine.store)]
    assert [claim.id for claim in engine.claim(count)] == sent
    assert "staged" not in engine.left()


def test_more_jobs_than_one_submit_may_hold_are_refused(engine):
    with pytest.raises(Invalid, match="10,000"):
        jobs.add_jobs([{"task": "work"}] * 10_001, store=engine.store)
    assert engine.left() == set()


def test_a_staged_submit_that_nobody_commits_is_not_seen_and_swept(engine):
    store = engine.store
    store.run("stage", "batch", 0, "00" + "a" * 18, 3, "q", "default", "t", "work", "bt", "batch")
    assert jobs.list_jobs(store=store)[0] == []
    assert engine.claim(5) == []
    store.now += 59_000
    upkeep.run(store)
    assert engine.left() != set()
    store.now += 2_000
    upkeep.run(store)
    store.redis.delete(store.keys.upkeep())
    assert engine.left() == set()


def test_a_committed_submit_is_let_in_though_its_sender_died(engine):
    store, jid = engine.store, "00" + "a" * 18
    store.run("stage", "batch", 0, jid, 3, "q", "default", "t", "work", "bt", "batch")
    store.run("commit", "batch", 1, "{}", 1000, 1)
    assert engine.record(jid).status.value == "submitted"
    store.now += 3_000
    upkeep.run(store)
    assert [claim.id for claim in engine.claim(5)] == [jid]


def test_a_commit_that_is_sent_again_once_all_is_let_in_is_no_loss(engine):
    store, jid = engine.store, "00" + "a" * 18
    store.run("stage", "batch", 0, jid, 3, "q", "default", "t", "work", "bt", "batch")
    store.run("commit", "batch", 1, "{}", 1000, 1)
    jobs.admit_jobs(store, "batch")
    assert store.run("commit", "batch", 1, "{}", 1000, 1) == 1
    assert [claim.id for claim in engine.claim(5)] == [jid]


def test_a_stage_that_was_swept_cannot_be_committed(engine):
    engine.store.run("stage", "batch", 0, "00" + "a" * 18, 3, "q", "default", "t", "work", "bt", "batch")
    jobs.admit_jobs(engine.store, "batch")
    with pytest.raises(Exception, match="took too long"):
        engine.store.run("commit", "batch", 1, "{}", 1000, 1)


def test_a_delayed_job_is_scheduled_by_the_servers_clock(engine):
    job = jobs.add_job("work", {}, delay=2.5, store=engine.store)
    assert (job.status, job.run_at, job.position) == ("scheduled", "1970-01-01T00:16:42.500Z", None)
    assert engine.lists() == {"w:default:work": [job.id]}
    assert engine.left() == {f"j:{job.id}", "l:w:default:work", "due", "stir"}
    assert engine.claim(1) == []
    engine.store.now += 2_500
    jobs.promote_jobs(engine.store)
    assert [claim.id for claim in engine.claim(1)] == [job.id]


@pytest.mark.parametrize("run_at", ["1970-01-01T00:16:40Z", "1960-01-01T00:00:00+02:00", "1970-01-01t00:00:00.5z"])
def test_a_time_that_has_passed_is_now(engine, run_at):
    job = jobs.add_job("work", {}, run_at=run_at, store=engine.store)
    assert job.status == "submitted"
    assert [claim.id for claim in engine.claim(1)] == [job.id]


def test_a_time_is_read_with_its_offset(engine):
    job = jobs.add_job("work", {}, run_at="1970-01-01T02:20:00.25+02:00", store=engine.store)
    assert (job.status, job.run_at) == ("scheduled", "1970-01-01T00:20:00.250Z")


def test_many_jobs_may_wait_for_their_times(engine):
    made = jobs.add_jobs([{"task": "work", "delay": n % 2} for n in range(150)], store=engine.store)
    assert [job.status for job in made] == ["submitted", "scheduled"] * 75
    assert len(engine.claim(150)) == 75
    engine.store.now += 1_000
    while jobs.promote_jobs(engine.store)[0]:
        pass
    assert len(engine.claim(150)) == 75


def test_a_key_has_one_active_job_whatever_way_that_one_ends(engine):
    def ends():
        yield lambda jid: jobs.cancel_job(jid, store=engine.store)
        yield lambda jid: jobs.complete_job(engine.store, jid, engine.claim_one().token, b"", b"1")
        yield lambda jid: jobs.fail_job(engine.store, jid, engine.claim_one().token, "error", None)
        yield lambda jid: jobs.lose_job(engine.store, jid, engine.claim_one().token, "killed")

    for end in ends():
        jid = engine.submit(key="k", max_deliveries=1)
        with pytest.raises(KeyTaken) as refusal:
            engine.submit(key="k")
        assert refusal.value.job_id == jid
        end(jid)
        assert "u:k" not in engine.left()


def test_a_keyed_job_that_is_sent_again_is_the_same_job(engine):
    submission = prepare(engine.store, "work", {}, {"key": "k"}, "", "/params")
    first, second = (jobs.submit_jobs(engine.store, [submission])[0] for _ in range(2))
    assert first.id == second.id


def test_a_large_submit_is_all_or_nothing_where_a_key_is_taken(engine):
    jid = engine.submit(key="k140")
    before = engine.left()
    many = [{"task": "work", "key": f"k{n}"} for n in range(150)]
    with pytest.raises(KeyTaken):
        jobs.add_jobs(many, store=engine.store)
    assert engine.left() == before
    made = jobs.add_jobs([each | {"on_conflict": "return"} for each in many], store=engine.store)
    assert made[140].id == jid
    assert len({claim.id for claim in engine.claim(200)}) == 150


def test_a_retry_holds_the_key_again(engine):
    jid = engine.submit(key="k")
    jobs.cancel_job(jid, store=engine.store)
    jobs.retry_job(jid, store=engine.store)
    with pytest.raises(KeyTaken):
        engine.submit(key="k")
