"""What became of jobs in the last day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobsapi import jobs, stats, upkeep
from tests.http.test_http_events import claim, complete, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from jobsapi.store import Store


def test_ends_and_waits_of_the_last_day_stand_in_steps(store: Store, make_app: Callable[..., Flask]) -> None:
    http = make_app().test_client()
    assert http.get("/stats").get_json() == {"step": stats.STEP, "points": [], "tasks": []}
    store.now = store.time_ms() - 3_600_000
    upkeep.run(store)
    submit(store)
    store.now += 4000
    complete(store, claim(store))
    store.now += 1000 * stats.STEP
    upkeep.run(store)
    upkeep.run(store)  # any number of workers: one sample a step
    jobs.cancel_job(submit(store, "plot"), store=store)
    told = http.get("/stats").get_json()
    assert [each["ended"] for each in told["points"]] == [
        {"complete": 1, "failed": 0, "cancelled": 0},
        {"complete": 0, "failed": 0, "cancelled": 1},
    ]
    assert [each["wait_mean"] for each in told["points"]] == [4.0, None]
    assert told["tasks"] == [
        {"name": "free", "complete": 1, "failed": 0, "cancelled": 0},
        {"name": "plot", "complete": 0, "failed": 0, "cancelled": 1},
    ]
