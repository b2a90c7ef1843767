"""claim: the next jobs, by priority and then by age, each under a token and a lease."""

from jobsapi import claims as jobs_claims
from jobsapi import jobs


def test_the_claimed_job_is_in_progress_under_its_token_and_lease(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    record = engine.record(jid)
    assert (record.status.value, record.token, record.worker, record.attempt) == ("in progress", claim.token, "w1", 1)
    assert engine.lists() == {"p:default:work": [jid]}
    assert engine.store.redis.zscore(engine.store.keys.leases(), jid) == 1_010_000


def test_higher_priority_goes_first_and_equal_priority_by_age(engine):
    wanted = {jid: priority for priority in (0, 100, -100, 0, 7, 100) if (jid := engine.submit(priority=priority))}
    by_rule = sorted(wanted, key=lambda jid: (-wanted[jid], list(wanted).index(jid)))
    assert [claim.id for claim in engine.claim(10)] == by_rule


def test_tasks_of_one_queue_share_one_order(engine):
    sent = [engine.submit(task) for task in ("work", "other", "work", "other", "other")]
    assert [claim.id for claim in engine.claim(10)] == sent


def test_a_worker_is_never_given_a_task_it_does_not_know(engine):
    engine.submit("work")
    known = engine.submit("other")
    assert [claim.id for claim in engine.claim(5, default=["other"])] == [known]


def test_no_job_is_given_twice(engine):
    sent = {engine.submit() for _ in range(20)}
    taken = [claim.id for worker in ("a", "b", "c") for claim in engine.claim(7, worker=worker)]
    assert sorted(taken) == sorted(sent)


def test_a_paused_queue_gives_nothing_until_it_is_resumed(engine):
    jid = engine.submit()
    jobs.pause_queue(engine.store, "default")
    assert engine.claim(1) == []
    engine.store.redis.delete(engine.store.keys.wake("default", "work"))
    jobs.resume_queue(engine.store, "default")
    assert engine.store.redis.exists(engine.store.keys.wake("default", "work"))
    assert [claim.id for claim in engine.claim(1)] == [jid]


def test_what_is_left_over_wakes_the_next_idle_worker(engine):
    engine.submit()
    engine.submit()
    wake = engine.store.keys.wake("default", "work")
    engine.store.redis.delete(wake)
    engine.claim(1)
    assert engine.store.redis.exists(wake)
    engine.store.redis.delete(wake)
    engine.claim(1)
    assert not engine.store.redis.exists(wake)


def test_a_full_worker_passes_the_word_on(engine):
    engine.submit()
    wake = engine.store.keys.wake("default", "work")
    engine.store.redis.delete(wake)
    assert engine.claim(0) == []
    assert engine.store.redis.exists(wake)


def test_a_claim_that_is_sent_again_gets_the_same_jobs(engine):
    sent = [engine.submit() for _ in range(4)]
    wanted = {"default": ["work"]}
    first, again = (jobs.claim_jobs(engine.store, "w1", wanted, 2, 10.0, "token") for _ in range(2))
    assert first == again
    assert [claim.id for claim in first] == sent[:2]
    jobs.complete_job(engine.store, sent[0], first[0].token, b"", b"1")
    assert [claim.id for claim in jobs.claim_jobs(engine.store, "w1", wanted, 2, 10.0, "token")] == sent[1:2]


def ahead_of(engine, free, ahead, short):
    wanted = {"default": ["work", "other"]}
    _, claimed = jobs_claims.begin_turn(engine.store, [], "w1", wanted, free, 10, "token", ahead, short).told()
    return [claim.id for claim in claimed]


def test_ahead_of_free_slots_only_jobs_of_short_tasks_are_claimed_and_in_the_one_order(engine):
    sent = [engine.submit(task) for task in ("other", "work", "work", "other", "work")]
    wake = engine.store.keys.wake("default", "other")
    engine.store.redis.delete(wake)
    assert ahead_of(engine, 1, 10, ["work"]) == sent[:3]
    assert engine.store.redis.exists(wake)
    assert [claim.id for claim in engine.claim(10, worker="w2")] == sent[3:]


def test_a_task_with_a_limit_is_not_claimed_ahead(engine):
    sent = [engine.submit() for _ in range(4)]
    engine.store.redis.hset(engine.store.keys.limits(), "work", "3 0 1")
    assert ahead_of(engine, 1, 10, ["work"]) == sent[:1]
