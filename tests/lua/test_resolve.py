"""resolve: jobs that wait for others go on when those have ended, each parent's children in small steps."""

import pytest

from jobsapi import jobs
from jobsapi.errors import Invalid, UnknownJob


def finish(engine, claim, *, well=True):
    if well:
        jobs.complete_job(engine.store, claim.id, claim.token, b"", b"1")
    else:
        jobs.fail_job(engine.store, claim.id, claim.token, "error", None)


def resolve(engine, most=100):
    """Steps until nothing is left; how many there were."""
    steps = 1
    while jobs.resolve_jobs(engine.store, most):
        steps += 1
    return steps


def status(engine, jid):
    record = engine.record(jid)
    return record.status.value, record.reason


def test_a_job_waits_until_all_its_parents_are_complete(engine):
    first, second = engine.submit(), engine.submit()
    child = engine.submit(after=[first, second])
    assert status(engine, child) == ("scheduled", None)
    assert jobs.get_job_by_id(child, store=engine.store).after == [first, second]
    for claim in engine.claim(5):
        assert status(engine, child) == ("scheduled", None)
        finish(engine, claim)
        assert engine.store.redis.exists(engine.store.keys.stir())
        resolve(engine)
    [claim] = engine.claim(5)
    assert (claim.id, claim.parents) == (child, (first, second))
    assert not {key for key in engine.left() if key.startswith("f:")} | (engine.left() & {"settled"})


@pytest.mark.parametrize("way", ["failed", "cancelled", "lost", "expired"])
def test_a_parent_that_does_not_complete_fails_its_child_and_that_ones_child(engine, way):
    parent = engine.submit(max_deliveries=1, expires_in=5)
    child = engine.submit(after=[parent])
    grandchild, anyway = engine.submit(after=[child]), engine.submit(after_any=[child])
    if way == "cancelled":
        jobs.cancel_job(parent, store=engine.store)
    elif way == "expired":
        engine.store.now += 5_000
        jobs.expire_jobs(engine.store)
    else:
        claim = engine.claim_one()
        if way == "failed":
            finish(engine, claim, well=False)
        else:
            jobs.lose_job(engine.store, parent, claim.token, "killed")
    resolve(engine)
    assert status(engine, child) == status(engine, grandchild) == ("failed", "dependency")
    assert parent in jobs.get_job_by_id(child, store=engine.store).error["message"]
    assert [claim.id for claim in engine.claim(5)] == [anyway]


def test_a_parent_lists_its_children_whether_they_wait_or_not(engine):
    parent, other = engine.submit(), engine.submit()
    assert "children" not in jobs.get_job_by_id(parent, store=engine.store)
    first, second = engine.submit(after=[parent]), engine.submit(after_any=[other, parent])
    for claim in engine.claim(2):
        finish(engine, claim)
    resolve(engine)
    late = engine.submit(after=[parent])
    finish(engine, engine.claim_one())

    def children(jid, **asked):
        found, below, total = jobs.list_children(jid, store=engine.store, **asked)
        return [each.id for each in found], below, total

    assert children(parent) == ([late, second, first], None, 3)
    assert children(other) == ([second], None, 1)
    assert children(parent, status="complete") == ([first], None, None)
    page, below, total = children(parent, limit=2)
    assert (page, total) == ([late, second], 3)
    assert children(parent, limit=2, below=below) == ([first], None, 3)
    job = jobs.get_job_by_id(parent, store=engine.store)
    assert (job.children, job.links["children"]) == (3, f"/jobs/{parent}/children")
    with pytest.raises(UnknownJob):
        jobs.list_children("0" * 20, store=engine.store)


def test_the_children_of_a_large_submit_are_listed_once_they_are_let_in(engine):
    asked = [{"task": "work"}, *[{"task": "work", "after": ["#0"]}] * 250]
    first, *others = jobs.add_jobs(asked, store=engine.store)
    found, below, total = jobs.list_children(first.id, limit=1000, store=engine.store)
    assert ([each.id for each in found], below, total) == ([each.id for each in reversed(others)], None, 250)


def test_parents_that_ended_before_count_at_once(engine):
    good, bad = engine.submit(), engine.submit()
    for claim in engine.claim(2):
        finish(engine, claim, well=claim.id == good)
    add = {"store": engine.store}
    assert jobs.add_job("work", {}, after=[good], after_any=[bad], **add).status == "submitted"
    failed = jobs.add_job("work", {}, after=[good, bad], key="k", **add)
    assert status(engine, failed.id) == (failed.status, "dependency") == ("failed", "dependency")
    assert "u:k" not in engine.left()


def test_a_parent_that_is_removed_before_its_children_were_told_did_not_complete(engine):
    parent = engine.submit()
    child, anyway = engine.submit(after=[parent]), engine.submit(after_any=[parent])
    finish(engine, engine.claim_one())
    jobs.remove_job(parent, store=engine.store)
    resolve(engine)
    assert (status(engine, child)[1], status(engine, anyway)[0]) == ("dependency", "submitted")


def test_children_of_a_parent_that_is_retried_in_time_wait_on(engine):
    parent = engine.submit()
    child = engine.submit(after=[parent])
    finish(engine, engine.claim_one(), well=False)
    jobs.retry_job(parent, store=engine.store)
    resolve(engine)
    assert status(engine, child) == ("scheduled", None)
    finish(engine, engine.claim_one())
    resolve(engine)
    assert status(engine, child) == ("submitted", None)


def test_a_child_that_is_cancelled_or_retried_is_left_alone(engine):
    parent = engine.submit()
    cancelled, retried = engine.submit(after=[parent]), engine.submit(after=[parent])
    for jid in (cancelled, retried):
        jobs.cancel_job(jid, store=engine.store)
    jobs.retry_job(retried, store=engine.store)
    finish(engine, engine.claim_one(), well=False)
    resolve(engine)
    assert (status(engine, cancelled)[0], status(engine, retried)[0]) == ("cancelled", "submitted")


@pytest.mark.parametrize("well", [True, False])
def test_a_child_that_was_retried_and_waits_for_its_next_attempt_is_left_alone(engine, well):
    parent = engine.submit()
    child = engine.submit(after=[parent], max_attempts=2)
    [of_parent] = engine.claim()
    jobs.cancel_job(child, store=engine.store)
    jobs.retry_job(child, store=engine.store)
    jobs.fail_job(engine.store, child, engine.claim_one().token, "error", None, again_after=10)
    finish(engine, of_parent, well=well)
    resolve(engine)
    assert status(engine, child) == ("scheduled", None)
    engine.store.now += 10_000
    jobs.promote_jobs(engine.store)
    assert [(claim.id, claim.attempt) for claim in engine.claim(5)] == [(child, 2)]


def test_a_child_with_a_time_of_its_own_waits_for_that_too(engine):
    parent = engine.submit()
    child = engine.submit(after=[parent], delay=10)
    engine.store.now += 5_000
    finish(engine, engine.claim_one())
    resolve(engine)
    assert status(engine, child) == ("scheduled", None)
    engine.store.now += 5_000
    jobs.promote_jobs(engine.store)
    assert [claim.id for claim in engine.claim(1)] == [child]


def test_a_job_of_a_list_may_name_an_earlier_one_by_its_place(engine):
    request = {"task": "work"}
    made = jobs.add_jobs([request, request | {"after": ["#0"]}, request | {"after_any": ["#1"]}], store=engine.store)
    assert [job.status for job in made] == ["submitted", "scheduled", "scheduled"]
    for job in made:
        [claim] = engine.claim(5)
        assert claim.id == job.id
        finish(engine, claim)
        resolve(engine)


def test_fan_out_and_fan_in_go_in_bounded_steps(engine):
    many = 250
    requests = [{"task": "work"}] + [{"task": "work", "after": ["#0"]}] * many
    root, *leaves = jobs.add_jobs(requests, store=engine.store)
    last = engine.submit(after=[job.id for job in leaves])
    finish(engine, engine.claim_one())
    assert status(engine, leaves[0].id) == ("scheduled", None), "the end of a parent does not walk its children"
    assert resolve(engine, 100) == 3
    claims = engine.claim(many + 5)
    assert {claim.id for claim in claims} == {job.id for job in leaves}
    for claim in claims:
        finish(engine, claim)
    resolve(engine)
    assert [claim.id for claim in engine.claim(5)] == [last]
    assert root.id not in {claim.id for claim in claims}


def test_many_jobs_with_many_parents_each_are_taken_in_small_steps(engine):
    parents = [job.id for job in jobs.add_jobs([{"task": "work"}] * 1000, store=engine.store)]
    children = jobs.add_jobs([{"task": "other", "after": parents}] * 3, store=engine.store)
    assert [job.status for job in children] == ["scheduled"] * 3
    for claim in engine.claim(1000):
        finish(engine, claim)
    resolve(engine)
    assert len(engine.claim(5)) == 3


@pytest.mark.parametrize(
    ("wrong", "pointers"),
    [
        ({"after": ["00" + "z" * 18]}, ["/1/after/0"]),
        ({"after": ["#1"]}, ["/1/after/0"]),
        ({"after": ["#0", "#7"]}, ["/1/after/1"]),
        ({"after": ["#0"], "after_any": ["#0"]}, ["/1/after_any"]),
        ({"after": ["#0", "#0"]}, ["/1/after"]),
        ({"after_any": []}, ["/1/after_any"]),
        ({"after": "#0"}, ["/1/after"]),
    ],
)
def test_what_is_no_earlier_job_is_pointed_at_and_nothing_recorded(engine, wrong, pointers):
    with pytest.raises(Invalid) as refusal:
        jobs.add_jobs([{"task": "work"}, {"task": "work", **wrong}], store=engine.store)
    assert [fault.pointer for fault in refusal.value.errors] == pointers
    assert engine.left() == set()


def test_a_job_that_another_may_stand_for_is_not_named_by_its_place(engine):
    first = {"task": "work", "key": "k", "on_conflict": "return"}
    with pytest.raises(Invalid) as refusal:
        jobs.add_jobs([first, {"task": "work", "after": ["#0"]}], store=engine.store)
    assert [fault.pointer for fault in refusal.value.errors] == ["/1/after/0"]


def test_a_staged_job_that_was_not_accepted_is_no_parent(engine):
    staged = "00" + "a" * 18
    engine.store.run("stage", "batch", 0, staged, 3, "q", "default", "t", "work", "bt", "batch")
    with pytest.raises(Invalid):
        engine.submit(after=[staged])


def test_an_accepted_job_that_cannot_run_tells_those_that_came_after_it_before_it_was_let_in(engine):
    store, lost = engine.store, engine.submit()
    jobs.cancel_job(lost, store=store)
    parent = "00" + "a" * 18
    store.run("stage", "batch", 0, parent, 4, "q", "default", "t", "work", "bt", "batch", "af", lost)
    store.run("commit", "batch", 1, "{}", 1000, 1)
    child = engine.submit(after=[parent])
    jobs.admit_jobs(store, "batch")
    resolve(engine)
    assert status(engine, parent) == status(engine, child) == ("failed", "dependency")


def commands(engine) -> int:
    """How many commands the server has run, those of scripts too."""
    return sum(int(each["calls"]) for each in engine.store.redis.info("commandstats").values())


def counts(engine, made):
    return jobs.get_batch(made[0].batch, store=engine.store).counts


def fan_out(engine, count):
    """One job that many come after."""
    first = engine.submit()
    made = jobs.add_jobs([{"task": "work", "after": [first], "queue": "aside"}] * count, store=engine.store)
    finish(engine, engine.claim_one())
    resolve(engine)
    assert counts(engine, made)["submitted"] == count


def fan_in(engine, count):
    """Many jobs that one comes after, by way of some that come after as many as one may."""
    made = jobs.add_jobs([{"task": "work", "queue": "aside"}] * count, store=engine.store)
    ids = [job.id for job in made]
    middle = [{"task": "work", "after_any": ids[at : at + 500], "queue": "aside"} for at in range(0, count, 500)]
    places = [f"#{n}" for n in range(len(middle))]
    second = jobs.add_jobs([*middle, {"task": "work", "after_any": places}], store=engine.store)
    jobs.cancel_batch(made[0].batch, store=engine.store)
    resolve(engine)
    assert (counts(engine, second)["submitted"], counts(engine, second)["scheduled"]) == (len(middle), 1)


def cascade(engine, count):
    """One that does not complete, half as many jobs that come after it, and half that come after those."""
    first = engine.submit()
    children = jobs.add_jobs([{"task": "work", "after": [first]}] * (count // 2), store=engine.store)
    last = jobs.add_jobs([{"task": "work", "after": [child.id]} for child in children], store=engine.store)
    jobs.cancel_job(first, store=engine.store)
    resolve(engine)
    assert counts(engine, children)["failed"] == counts(engine, last)["failed"] == count // 2


@pytest.mark.parametrize("shape", [fan_out, fan_in, cascade])
def test_ten_times_as_many_jobs_that_wait_for_others_cost_ten_times_as_many_commands(engine, shape):
    used = []
    for count in (1_000, 10_000):
        before = commands(engine)
        shape(engine, count)
        used.append((commands(engine) - before) / count)
    print(f"{shape.__name__}: {used[0]:.1f} and {used[1]:.1f} commands a job")
    assert used[1] < used[0] * 1.1
