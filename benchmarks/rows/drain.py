"""One worker against a full queue of no-ops whose results are kept; the rate between its first and its last jobs."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.catalogue import DRAIN, EVERYBODY
from benchmarks.drivers import Failed, driving
from benchmarks.rows import Size, each, turned
from benchmarks.server import fresh_server
from benchmarks.threads import runnable

if TYPE_CHECKING:
    from benchmarks.catalogue import System
    from benchmarks.drivers import Driver

ROUNDS = 3
START_LIMIT = 30.0
LEFT_OUT = 0.05
"""The part of the jobs at the start that is not counted: the worker's own start lies there."""


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Jobs a second, by variant of worker."""
    variants = [
        (system, variant)
        for system in turned(EVERYBODY, round_number)
        for variant in runnable(system, quick=size.quick)
    ]
    return {"drain": each((s.workers[v], partial(_rate, s, v, size)) for s, v in variants)}


def _rate(system: System, variant: str, size: Size) -> float:
    count = system.drains.get(variant, DRAIN) // size.of(1, 4)
    with fresh_server() as server, driving(system, server) as driver:
        if system.name == "Taskiq, streams":  # its consumer group is made by its first start, and begins there
            with driver.worker(variant):
                driver.ask("latency", count=1, pause=0.0, seconds=1.0)
        before = driver.finished(0) if driver.facts["finished"] else 0
        driver.ask("bulk", count=count)
        with driver.worker(variant):
            rate, finished = watched(driver, before, count, size.of(10.0, 1.5))
        if finished == count and not driver.ask("check", number=count - 1)["right"]:
            raise Failed(f"{system.workers[variant]}: the last job has no result")
        return rate


def watched(driver: Driver, before: int, count: int, limit: float) -> tuple[float, int]:
    """Jobs a second until all `count` are finished or `limit` seconds are over; and how many were."""
    began, first = time.perf_counter(), None
    while True:
        now, finished = time.perf_counter(), driver.finished(count + before) - before
        if first is None and finished >= LEFT_OUT * count:
            first = (now, finished) if finished < count else (began, 0)  # all at once: the start is counted too
        if finished >= count or (first and now - first[0] > limit):
            break
        if first is None and now - began > START_LIMIT:
            raise Failed(f"{driver.system.name}: {finished} of {count} jobs after {START_LIMIT:.0f} s: {driver.said()}")
        time.sleep(0.005)
    assert first
    return (finished - first[1]) / max(now - first[0], 1e-9), finished
