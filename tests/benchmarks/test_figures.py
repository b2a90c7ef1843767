"""What a run of the benchmarks says: goals not met are shown so, who is better is said first, what fell is told."""

import pytest

from benchmarks import report
from benchmarks.catalogue import FLOOR, OURS
from benchmarks.compare import fallen
from benchmarks.drivers import driving
from benchmarks.goals import verdicts
from benchmarks.results import Results
from benchmarks.rows.drain import watched
from benchmarks.rows.memory import measured_keys
from benchmarks.server import fresh_server


def run_with(**enqueue: float) -> Results:
    return Results({"enqueue": [{"jobsapi": 900.0, "floor": 1000.0, "RQ": 300.0} | enqueue]})


def test_a_goal_that_is_not_met_is_shown_as_not_met():
    shown = report.text(run_with(floor=1001.0))
    assert "at least 0.9 of the floor | 0.90 × floor (rounds: 0.90) | **not met**" in shown
    assert "ahead of the fastest peer that keeps a record | 3.00 × RQ (rounds: 3.00) | met" in shown


def test_where_a_peer_is_better_is_said_before_anything_else():
    first = report.text(run_with(Huey=1200.0)).splitlines()[0]
    assert first == "- Enqueue one at a time, jobs/s: jobsapi 900; better: Huey 1,200"


def test_ratios_are_of_pairs_within_a_round():
    rounds = [{"jobsapi": 100.0, "floor": 100.0}, {"jobsapi": 10.0, "floor": 10.0}, {"jobsapi": 50.0, "floor": 100.0}]
    ratio = next(each for each in verdicts(Results({"enqueue": rounds})) if "floor" in each.goal)
    assert ratio.value == 1.0  # of the medians it would be 0.5


@pytest.mark.parametrize(("now", "told"), [(900.0, 0), (610.0, 0), (590.0, 2)])
def test_what_fell_by_more_than_a_third_is_told(now, told):
    recorded = {each.key: each.value for each in verdicts(run_with()) if each.is_met is not None}
    assert len(fallen(run_with(jobsapi=now), recorded)) == told


def test_every_kind_of_key_that_a_job_takes_is_told_apart():
    assert measured_keys(["{jobsapi:00}:j:0abc", "{jobsapi:00}:due"]) == [
        "hash: a job's record",
        "sorted set: jobs that wait for a time; when it comes, ms",
    ]


@pytest.mark.parametrize(("system", "variant"), [(FLOOR, "one"), (OURS, "processes")])
def test_a_drain_counts_every_job_and_checks_the_last_result(system, variant):
    with fresh_server() as server, driving(system, server) as driver:
        before = driver.finished(0)
        driver.ask("bulk", count=250)
        with driver.worker(variant) as worker:
            watch = watched(driver, worker.pid, before, 250, 60.0)
        assert watch.finished == 250
        assert watch.rate > 0
        assert driver.ask("check", number=249)["right"]
