"""A worker's claim whose reply was lost, with a real worker in this process."""

import dataclasses
import signal
import threading
from pathlib import Path

from jobsapi import jobs, registry
from jobsapi.worker import Worker


def test_of_a_claim_whose_reply_was_lost_what_finds_no_child_any_more_is_handed_back(system):
    store = system.store
    seen = system.worker()  # tells the tasks
    seen.terminate()
    seen.wait(20)
    worker = Worker(str(Path(__file__).parent / "app.py"), dataclasses.replace(store.settings, concurrency=1))
    ids = system.submit("nap", 3)
    lost = jobs.claim_jobs(store, worker.id, {"default": ["nap"]}, 3, 10, worker._turns.token)
    assert len(lost) == 3

    def drain_at_the_end() -> None:
        system.until_ended(ids)
        registry.drain(store, worker.id)

    threading.Thread(target=drain_at_the_end, daemon=True).start()
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert worker.run() == 0
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for jid in ids:
        job = system.job(jid)
        assert (job.status, job.attempt, job.deliveries_lost) == ("complete", 1, 0)
