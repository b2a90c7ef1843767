"""One worker against a full queue of no-ops whose results are kept; the rate between its first and its last jobs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.catalogue import DRAIN, EVERYBODY
from benchmarks.drivers import Failed, driving
from benchmarks.processes import cpu_seconds, family
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


@dataclass(frozen=True)
class Watch:
    """What was seen of a drain."""

    rate: float
    """Jobs a second."""
    cpu: float
    """µs a job, of the server and of all the worker's processes."""
    finished: int


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Jobs a second, and µs of CPU a job, by variant of worker."""
    systems = turned(EVERYBODY, round_number)
    variants = [(system, variant) for system in systems for variant in runnable(system, quick=size.quick)]
    told = each((s.workers[v], partial(_measured, s, v, size)) for s, v in variants)
    return {
        "drain": {name: watch.rate for name, watch in told.items()},
        "drain cpu": {name: watch.cpu for name, watch in told.items()},
    }


def _measured(system: System, variant: str, size: Size) -> Watch:
    count = system.drains.get(variant, DRAIN) // size.of(1, 4)
    with fresh_server() as server, driving(system, server) as driver:
        before = driver.finished(0) if driver.facts["finished"] else 0
        driver.ask("bulk", count=count)
        with driver.worker(variant) as worker:
            watch = watched(driver, worker.pid, before, count, size.of(10.0, 1.5))
        if watch.finished == count and not driver.ask("check", number=count - 1)["right"]:
            raise Failed(f"{system.workers[variant]}: the last job has no result")
        return watch


def watched(driver: Driver, worker: int, before: int, count: int, limit: float) -> Watch:
    """Looks on until all `count` jobs are finished, or for `limit` seconds after the first of them."""
    began, first = (time.perf_counter(), 0, _cpu(driver, worker)), None
    while True:
        now, finished = time.perf_counter(), driver.finished(count + before) - before
        if first is None and finished >= LEFT_OUT * count:
            first = (now, finished, _cpu(driver, worker)) if finished < count else began
        if finished >= count or (first and now - first[0] > limit):
            break
        if first is None and now - began[0] > START_LIMIT:
            raise Failed(f"{driver.system.name}: {finished} of {count} jobs after {START_LIMIT:.0f} s: {driver.said()}")
        time.sleep(0.005)
    assert first
    jobs = max(1, finished - first[1])
    return Watch(jobs / max(now - first[0], 1e-9), 1e6 * (_cpu(driver, worker) - first[2]) / jobs, finished)


def _cpu(driver: Driver, worker: int) -> float:
    return cpu_seconds([driver.server.pid, *family(worker)])
