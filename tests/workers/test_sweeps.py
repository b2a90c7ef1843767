"""Sweeps and batches with real workers: waited for, cancelled while they run, and had as a table."""

import pytest

from jobsapi import jobs
from jobsapi.errors import UnknownBatch
from tests.system import until


def test_a_sweep_is_waited_for_and_had_as_a_table(system):
    system.worker()
    batch = jobs.add_sweep("nap", {"seconds": [0.3, 0.0, 0.1]}, store=system.store)
    done = jobs.wait_for_batch(batch.id, 30, store=system.store)
    assert (done.counts["complete"], done.finished is not None) == (3, True)
    rows = [(row["status"], row["seconds"], row["result"]) for row in jobs.batch_results(batch.id, store=system.store)]
    assert rows == [("complete", seconds, seconds) for seconds in (0.3, 0.0, 0.1)]


def test_waiting_for_a_batch_has_an_end(system):
    system.worker()
    batch = jobs.add_sweep("nap", {"seconds": [60, 61]}, store=system.store)
    with pytest.raises(TimeoutError, match=batch.id):
        jobs.wait_for_batch(batch.id, 0.2, store=system.store)
    jobs.cancel_batch(batch.id, store=system.store)
    assert jobs.wait_for_batch(batch.id, store=system.store).counts["cancelled"] == 2
    with pytest.raises(UnknownBatch):
        jobs.wait_for_batch("00" + "x" * 18, store=system.store)


def test_cancelling_a_batch_stops_the_runs_too(system):
    system.worker()
    batch = jobs.add_sweep("nap", {"seconds": [60] * 20}, store=system.store).id
    until("some run", lambda: jobs.get_batch(batch, store=system.store).counts["in_progress"])
    jobs.cancel_batch(batch, store=system.store)
    assert jobs.wait_for_batch(batch, 30, store=system.store).counts["cancelled"] == 20
