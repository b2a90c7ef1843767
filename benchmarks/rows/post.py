"""`POST /jobs`: one job a request from 16 and from 64 connections, one server process each; and arrays of 1,000."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import orjson

from benchmarks.catalogue import OURS
from benchmarks.drivers import driving
from benchmarks.rows import Size, each, turned
from benchmarks.server import fresh_server
from benchmarks.web import OURS as OUR_SITE
from benchmarks.web import SITES, load, running

if TYPE_CHECKING:
    from benchmarks.web import Site

ROUNDS = 3
MANY = 1000


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Requests a second; jobs a second for the arrays."""
    told: dict[str, dict[str, float]] = {}
    for connections in (16, 64):
        sites = turned(SITES, round_number)
        loads = each((site.name, partial(_rate, site, connections, size.of(4.0, 1.0))) for site in sites)
        told[f"post {connections}"] = {name: value[0] for name, value in loads.items()}
        told[f"post {connections} p99"] = {name: value[1] for name, value in loads.items()}
    told["post arrays"] = each([(OUR_SITE, lambda: MANY * _rate(SITES[0], 4, size.of(6.0, 3.0), MANY)[0])])
    return told


def _rate(site: Site, connections: int, seconds: float, many: int = 0) -> tuple[float, float]:
    """Requests a second, and the 99th percentile in ms."""
    with (
        fresh_server() as server,
        driving(OURS, server),
        running(site, server) as (url, _),
    ):  # our driver tells the task
        job = {"task": "echo", "params": {"n": 1}} if site.name == OUR_SITE else {"n": 1}
        body = orjson.dumps([job] * many if many else job)
        load(f"{url}/jobs", connections, 1.0, body=body)
        told = load(f"{url}/jobs", connections, seconds, body=body)
        return told.rate, told.p99
