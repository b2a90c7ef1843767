"""Rates with five million jobs in the queue beside those with ten thousand; memory of the worker and of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import filling
from benchmarks.catalogue import OURS
from benchmarks.drivers import driving
from benchmarks.processes import resident_mb
from benchmarks.rows.drain import watched
from benchmarks.server import fresh_server
from benchmarks.threads import runnable
from benchmarks.web import SITES, load, running

if TYPE_CHECKING:
    from benchmarks.rows import Size
    from benchmarks.server import Server

ROUNDS = 1
FEW = 10_000


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Jobs a second and MB, by how many jobs are queued."""
    assert round_number >= 0
    many = size.of(5_000_000, 30_000)
    told: dict[str, dict[str, float]] = {}
    with fresh_server() as server:
        filling.fill(server.url, FEW)
        _at(server, f"{FEW:,} queued", FEW, size, told)
        many = filling.fill(server.url, many - FEW, 600.0)
        server.wait_for_rewrite()
        _at(server, f"{many:,} queued", many, size, told)
        told["millions server"] = {f"{many:,} queued": server.memory() / 1e6}
    return told


def _at(server: Server, name: str, queued: int, size: Size, told: dict[str, dict[str, float]]) -> None:
    one, bulk, seconds = size.of(2000, 500), size.of(5000, 1000), size.of(10.0, 1.5)
    with driving(OURS, server) as driver:
        for what, count in (("enqueue", one), ("bulk", bulk)):
            rate = count / float(driver.ask(what, count=count)["seconds"])
            told.setdefault(f"millions {what}", {})[name] = rate
        for variant in runnable(OURS):
            before = driver.finished(0)
            with driver.worker(variant) as process:
                # some of what is queued, so that the queue stays as long as it is
                rate = watched(driver, process.pid, before, min(queued // 4, 10_000), seconds).rate
                told.setdefault(f"millions worker {variant}", {})[name] = resident_mb(process.pid)
            told.setdefault(f"millions drain {variant}", {})[name] = rate
    with running(SITES[0], server) as (url, pid):
        load(url, 16, size.of(4.0, 1.0), paths=["/jobs?limit=100"])
        told.setdefault("millions api", {})[name] = resident_mb(pid)
