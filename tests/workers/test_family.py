"""`after` and `current_job().parents`, with real workers."""

from jobsapi import jobs


def test_a_job_has_the_results_of_those_it_came_after(system):
    system.worker()
    nap = {"task": "nap", "params": {"seconds": 0.1}}
    made = jobs.add_jobs([nap, nap, {"task": "gather", "after": ["#0", "#1"]}], store=system.store)
    *_, last = system.until_ended([job.id for job in made])
    assert last.status == "complete"
    assert jobs.get_results(last.id, store=system.store) == {made[0].id: 0.1, made[1].id: 0.1}


def test_a_failure_reaches_all_that_come_after_it(system):
    system.worker()
    chain = [{"task": "even", "params": {"n": 1}}] + [{"task": "nap", "after": [f"#{n}"]} for n in range(5)]
    first, *others = system.until_ended([job.id for job in jobs.add_jobs(chain, store=system.store)])
    assert first.reason == "error"
    assert {(job.status, job.reason) for job in others} == {("failed", "dependency")}
