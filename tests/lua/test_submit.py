"""submit: records and places in one step."""

import pytest

from jobsapi import jobs, upkeep
from jobsapi.audit import audit
from jobsapi.errors import Invalid, KeyTaken, StoreUnavailable
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


@pytest.mark.parametrize("one", [{}, {"tags": ["x"]}], ids=["alike", "not alike"])
@pytest.mark.parametrize("count", [1, 100, 101, 1050])
def test_many_jobs_are_in_the_queue_in_the_order_sent(engine, count, one):
    asked = [{"task": "work"}] * (count - 1) + [{"task": "work", **one}]
    sent = [job.id for job in jobs.add_jobs(asked, store=engine.store)]
    assert [claim.id for claim in engine.claim(count)] == sent
    assert "staged" not in engine.left()
    assert audit(engine.store) == []


@pytest.mark.parametrize("count", [3, 250])
@pytest.mark.parametrize("options", [{}, {"priority": 7, "keep": 60, "timeout": 5}], ids=["defaults", "options"])
def test_what_is_told_of_many_jobs_that_are_alike_is_what_the_store_has(engine, count, options):
    asked = [{"task": "work", "params": {"n": n}, **options} for n in range(count)]
    made = jobs.add_jobs(asked, store=engine.store)
    for place in (0, 1, count - 1):
        there = jobs.get_job_by_id(made[place].id, store=engine.store)
        assert made[place] == {key: there[key] for key in made[place]} | {"position": None}
        assert there.params == {"n": place}
    made[0].tags.append("x")
    made[0].links["x"] = "y"
    assert (made[1].tags, "x" in made[1].links) == ([], False)
    records = engine.store.redis.hgetall(engine.store.keys.job(made[1].id))
    assert records.keys() == engine.store.redis.hgetall(engine.store.keys.job(made[0].id)).keys()


BATCH = "00" + "b" * 18
ALIKE = [f"00{n:018}" for n in range(10)]


def stage_alike(engine, first, last):
    pairs = [each for jid in ALIKE[first:last] for each in (jid, "{}")]
    common = ("q", "default", "t", "work", "pr", 7, "bt", BATCH)
    engine.store.run("stage_alike", BATCH, first, 4, *common, *pairs)


def commit_alike(engine):
    engine.store.run("commit", BATCH, len(ALIKE), "{}", 1000, len(ALIKE), "default", "work", 7)


def test_alike_jobs_that_are_staged_again_are_counted_once(engine):
    for first, last in ((0, 4), (0, 4), (2, 7), (4, 7), (7, 10), (0, 10)):
        stage_alike(engine, first, last)
    commit_alike(engine)
    stage_alike(engine, 0, 10)
    jobs.admit_jobs(engine.store, BATCH)
    stage_alike(engine, 0, 10)
    commit_alike(engine)
    jobs.admit_jobs(engine.store, BATCH)
    assert [claim.id for claim in engine.claim(20)] == ALIKE
    assert audit(engine.store) == []


def test_alike_jobs_behind_some_that_are_missing_are_refused(engine):
    stage_alike(engine, 0, 4)
    with pytest.raises(StoreUnavailable, match="took too long"):
        stage_alike(engine, 7, 10)
    with pytest.raises(StoreUnavailable, match="took too long"):
        commit_alike(engine)
    jobs.admit_jobs(engine.store, BATCH)
    assert engine.left() == set()


def test_alike_jobs_of_which_some_were_dropped_may_come_again(engine):
    stage_alike(engine, 0, 10)
    engine.store.run("admit", BATCH, 4, 1000)
    with pytest.raises(StoreUnavailable, match="took too long"):
        commit_alike(engine)
    stage_alike(engine, 0, 10)
    commit_alike(engine)
    engine.store.run("admit", BATCH, 3, 1000)
    assert jobs.get_batch(BATCH, store=engine.store).counts["submitted"] == 10
    assert [job.id for job in jobs.list_jobs(store=engine.store)[0]] == ALIKE[2::-1]
    assert audit(engine.store) == []
    first = engine.submit(priority=8)
    jobs.admit_jobs(engine.store, BATCH)
    assert [claim.id for claim in engine.claim(20)] == [first, *ALIKE]


def test_an_accepted_submit_of_alike_jobs_is_let_in_though_its_sender_died(engine):
    stage_alike(engine, 0, 10)
    commit_alike(engine)
    assert engine.record(ALIKE[3]).status.value == "submitted"
    engine.store.now += 3_000
    upkeep.run(engine.store)
    assert [claim.id for claim in engine.claim(20)] == ALIKE
    assert "staged" not in engine.left()


def test_an_accepted_submit_of_alike_jobs_that_comes_again_brings_none_back_that_was_removed(engine):
    stage_alike(engine, 0, 10)
    commit_alike(engine)
    jobs.admit_jobs(engine.store, BATCH)
    jobs.cancel_job(ALIKE[9], store=engine.store)
    jobs.remove_job(ALIKE[9], store=engine.store)
    stage_alike(engine, 0, 10)
    commit_alike(engine)
    jobs.admit_jobs(engine.store, BATCH)
    assert [claim.id for claim in engine.claim(20)] == ALIKE[:9]


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
