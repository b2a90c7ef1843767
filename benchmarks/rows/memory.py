"""Bytes in the server for a job that waits and for one that ended, results kept; and what each of our keys costs."""

from __future__ import annotations

import re
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.catalogue import EVERYBODY, OURS
from benchmarks.drivers import driving
from benchmarks.rows import Size, each
from benchmarks.rows.drain import watched
from benchmarks.server import fresh_server
from jobsapi.store.keys import Keys

if TYPE_CHECKING:
    from benchmarks.catalogue import System
    from benchmarks.drivers import Driver
    from benchmarks.server import Server

ROUNDS = 1
FEW = 6
"""Systems of a quick run: ours, the floor, and the first peers of the catalogue."""

WARM = 150
"""Jobs before the first look at memory: scripts and other fixed things are there then."""
INDEXES: dict[str, dict[str, float]] = {}
"""Of the last measurement: key → bytes a queued job, bytes a finished job."""


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Bytes a job."""
    assert round_number >= 0
    told = each(
        (system.name, partial(_bytes, system, size.of(5000, 500))) for system in size.of(EVERYBODY, EVERYBODY[:FEW])
    )
    measured: dict[str, dict[str, float]] = {"bytes queued": {}, "bytes finished": {}}
    for name, (queued, finished) in told.items():
        measured["bytes queued"][name], measured["bytes finished"][name] = queued, finished
    return measured | {f"index {stage}": keys for stage, keys in INDEXES.items()}


def _bytes(system: System, count: int) -> tuple[float, float]:
    with fresh_server() as server, driving(system, server) as driver:
        variant = next(iter(system.workers))
        _drained(driver, variant, WARM)
        before = server.memory()
        driver.ask("bulk", count=count)
        queued = server.memory()
        if system is OURS:
            INDEXES["queued"] = _by_key(server, driver.facts["database"], count)
        _finish(driver, variant, WARM, count)
        finished = server.memory()
        if system is OURS:
            INDEXES["finished"] = _by_key(server, driver.facts["database"], count)
        return (queued - before) / count, (finished - before) / count


def _drained(driver: Driver, variant: str, count: int) -> None:
    driver.ask("bulk", count=count)
    _finish(driver, variant, 0, count)


def _finish(driver: Driver, variant: str, before: int, count: int) -> None:
    with driver.worker(variant) as worker:
        watched(driver, worker.pid, before if driver.facts["finished"] else 0, count, 60.0)
    time.sleep(0.2)  # what the worker's end leaves is written


def _by_key(server: Server, database: int, count: int) -> dict[str, float]:
    """Bytes a job that each kind of key takes."""
    client, told = server.client(database), dict[str, float]()
    keys = list(client.scan_iter(count=1000))
    for key, name in zip(keys, measured_keys([key.decode() for key in keys]), strict=True):
        told[name] = told.get(name, 0.0) + client.memory_usage(key, samples=0) / count
    client.close()
    return {name: value for name, value in sorted(told.items(), key=lambda row: -row[1]) if value >= 0.5}


def measured_keys(keys: list[str]) -> list[str]:
    """What each of them holds, in the words of `store.keys`."""
    kinds = _kinds()
    return [next((name for name, pattern in kinds if pattern.fullmatch(key)), "other") for key in keys]


def _kinds() -> list[tuple[str, Any]]:
    """What a key holds, and what it looks like."""
    prefix = re.escape(Keys("jobsapi").prefix)
    spelled = [(what, re.sub(r"\\?\{\w+\\?\}", ".+", re.escape(template))) for _, template, what in Keys.described()]
    return [(what, re.compile(prefix + pattern)) for what, pattern in spelled]
