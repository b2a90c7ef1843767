"""`POST /workers/<id>/drain`, with real workers."""

from jobsapi import registry
from jobsapi.api import create_app
from tests.system import until


def test_a_drained_worker_finishes_what_it_runs_and_exits_with_0_and_others_go_on(system):
    first = system.worker()
    running = system.submit("nap", 2, seconds=2)
    until("both run", lambda: all(system.job(jid).status == "in progress" for jid in running))
    second = system.worker()
    http = create_app(store=system.store).test_client()
    named = system.job(running[0]).worker
    answer = http.post(f"/workers/{named}/drain")
    assert (answer.status_code, answer.json["id"], answer.json["state"]) == (200, named, "draining")
    later = system.submit("nap", 10)
    assert first.wait(20) == 0
    for job in system.until_ended(running):
        assert (job.status, job.worker, job.attempt, job.deliveries_lost) == ("complete", named, 1, 0)
    assert {job.worker for job in system.until_ended(later)} == {each["id"] for each in registry.workers(system.store)}
    assert second.poll() is None
    assert http.post(f"/workers/{named}/drain").status_code == 404


def test_a_drain_whose_word_was_lost_is_heard_with_the_next_heartbeat(system):
    process = system.worker()
    [worker] = [each["id"] for each in registry.workers(system.store)]
    system.store.call("hset", system.store.keys.worker(worker), registry.DRAIN, 1)
    assert process.wait(20) == 0


def test_a_drained_worker_can_still_be_hurried(system):
    process = system.worker("--grace", "0")
    [jid] = system.submit("nap", seconds=60)
    until("it runs", lambda: system.job(jid).status == "in progress")
    registry.drain(system.store, system.job(jid).worker)
    until("it drains", lambda: registry.workers(system.store)[0]["state"] == "draining")
    process.terminate()
    process.wait(20)
    assert system.job(jid).status == "submitted"
