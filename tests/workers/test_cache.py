"""The result cache with real workers: one run for all that are the same, until the data changes."""

from jobsapi import data, jobs


def test_equal_jobs_of_a_sweep_run_once_and_again_when_the_data_changes(system):
    system.worker()
    names = ["a", "b", "a", "c", "a"]
    data.load([{"id": 1}], dataset="points", store=system.store)

    def table(first):
        batch = jobs.add_sweep("count", {"name": names}, store=system.store)
        jobs.wait_for_batch(batch.id, 30, store=system.store)
        found = list(jobs.batch_results(batch.id, store=system.store))
        assert [row["result.name"] for row in found] == ["a", "b", "c"]
        assert all(row["result.run"] == row["id"] for row in found)
        assert {row["result.points"] for row in found} == {first}
        return [row["id"] for row in found]

    runs = table(1)
    assert table(1) == runs
    data.load([{"id": 1}, {"id": 2}], dataset="points", store=system.store)
    assert not set(table(2)) & set(runs)
    own = jobs.add_job("count", {"name": "a"}, cache=False, store=system.store)
    assert own.id not in runs
    system.until_ended([own.id])
