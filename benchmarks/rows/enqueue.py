"""Jobs sent one at a time, each acknowledged before the next, by one process."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.catalogue import EVERYBODY
from benchmarks.drivers import driving
from benchmarks.rows import Size, each, turned
from benchmarks.server import fresh_server

if TYPE_CHECKING:
    from benchmarks.catalogue import System

ROUNDS = 5


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Jobs a second."""
    count = size.of(4000, 800)
    systems = turned(EVERYBODY, round_number)
    return {"enqueue": each((system.name, partial(_rate, system, count)) for system in systems)}


def _rate(system: System, count: int) -> float:
    with fresh_server() as server, driving(system, server) as driver:
        driver.ask("enqueue", count=count // 10)  # connections, scripts
        return count / float(driver.ask("enqueue", count=count)["seconds"])
