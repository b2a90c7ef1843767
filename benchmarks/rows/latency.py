"""From the call that sends a job until its result is in the caller's hands, with nothing else going on."""

from __future__ import annotations

import statistics
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.catalogue import OURS, PEERS
from benchmarks.drivers import driving
from benchmarks.rows import Size, each, turned
from benchmarks.server import fresh_server
from benchmarks.threads import runnable

if TYPE_CHECKING:
    from benchmarks.catalogue import System

ROUNDS = 3
PAUSE = 0.005
"""Seconds between two jobs, so that the worker has gone idle again."""


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Milliseconds: the median and the 99th percentile."""
    systems = turned([OURS, *PEERS], round_number)
    variants = [(system, variant) for system in systems for variant in _variants(system, size)]
    told = each((s.workers[v], partial(_latencies, s, v, size)) for s, v in variants)
    return {
        "latency p50": {name: statistics.median(ms) for name, ms in told.items()},
        "latency p99": {name: statistics.quantiles(ms, n=100, method="inclusive")[98] for name, ms in told.items()},
    }


def _variants(system: System, size: Size) -> list[str]:
    """All of ours; of a peer's, those in one process."""
    return [
        variant for variant in runnable(system, quick=size.quick) if system is OURS or variant not in system.several
    ]


def _latencies(system: System, variant: str, size: Size) -> list[float]:
    with fresh_server() as server, driving(system, server, "latency") as driver, driver.worker(variant):
        asked = {"count": size.of(300, 60), "pause": PAUSE, "seconds": size.of(6.0, 1.0)}
        return list(driver.ask("latency", **asked)["ms"])
