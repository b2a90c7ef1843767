"""Jobs sent one at a time, each acknowledged before the next, by one process."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.catalogue import EVERYBODY
from benchmarks.drivers import driving
from benchmarks.processes import cpu_seconds
from benchmarks.rows import Size, each, turned
from benchmarks.server import fresh_server

if TYPE_CHECKING:
    from benchmarks.catalogue import System

ROUNDS = 5


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Jobs a second, and µs of CPU a job."""
    count = size.of(4000, 800)
    told = each((system.name, partial(_measured, system, count)) for system in turned(EVERYBODY, round_number))
    return {
        "enqueue": {name: rate for name, (rate, _) in told.items()},
        "enqueue cpu": {name: cpu for name, (_, cpu) in told.items()},
    }


def _measured(system: System, count: int) -> tuple[float, float]:
    with fresh_server() as server, driving(system, server) as driver:
        driver.ask("enqueue", count=count // 10)  # connections, scripts
        before = cpu_seconds([driver.pid, server.pid])
        seconds = float(driver.ask("enqueue", count=count)["seconds"])
        return count / seconds, 1e6 * (cpu_seconds([driver.pid, server.pid]) - before) / count
