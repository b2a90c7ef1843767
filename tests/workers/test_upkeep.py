"""A worker's upkeep, with real workers."""

import pytest

from jobsapi import jobs, registry
from jobsapi.errors import StoreUnavailable
from jobsapi.results.layout import shared_folder
from jobsapi.settings import Settings
from tests.system import until


def test_files_that_cannot_be_removed_are_told_of_and_end_no_worker(system, tmp_path):
    system.environment["JOBSAPI_RESULTS"] = str(tmp_path / "results")
    folder = shared_folder(Settings.from_environment(system.environment), "00" + "a" * 18, "token")
    folder.parent.mkdir(parents=True)
    folder.symlink_to(tmp_path)  # rmtree refuses it, whoever asks
    system.store.call("zadd", system.store.keys.unclaimed_outputs(), {f"{'00' + 'a' * 18}:token": 0})
    worker = system.worker()
    until("it is told", lambda: "cannot be removed" in system.log_path.read_text())
    assert system.until_ended(system.submit("nap"))[0].status == "complete"
    assert worker.poll() is None


def test_upkeep_goes_on_while_there_is_much_to_do(system):
    first = system.worker()  # tells the tasks
    first.terminate()
    first.wait(20)
    ids = [job.id for job in jobs.add_jobs([{"task": "nap", "keep": 0.001}] * 1000, store=system.store)]
    for jid in ids:
        jobs.cancel_job(jid, store=system.store)
    system.worker()
    removed = [system.store.keys.job(jid) for jid in ids]

    def are_gone() -> bool:
        with system.store.redis.pipeline(transaction=False) as pipe:
            for key in removed:
                pipe.hexists(key, "rx")
            return all(pipe.execute())

    until("the results of all are removed", are_gone, 8)


def test_a_server_that_takes_no_writes_is_told_apart_from_a_fault_of_ours_in_a_pipeline_too(store):
    store.redis.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StoreUnavailable):
            registry.leave(store, "nobody")
    finally:
        store.redis.config_set("min-replicas-to-write", 0)
