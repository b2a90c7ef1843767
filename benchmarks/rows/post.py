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
from benchmarks.web import SITES, Load, load, running

if TYPE_CHECKING:
    from benchmarks.web import Site

ROUNDS = 3
CONNECTIONS, MANY = (16, 64), 1000
JOB = {"task": "echo", "params": {"n": 1}}


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Requests a second and ms; jobs a second for the arrays."""
    sites = turned(SITES, round_number)
    loads = each((site.name, partial(_loads, site, size.of(4.0, 1.0))) for site in sites)
    told: dict[str, dict[str, float]] = {}
    for at, connections in enumerate(CONNECTIONS):
        told[f"post {connections}"] = {name: measured[at].rate for name, measured in loads.items()}
        told[f"post {connections} p99"] = {name: measured[at].p99 for name, measured in loads.items()}
    return told | {"post arrays": each([(OUR_SITE, partial(_arrays, size.of(6.0, 3.0)))])}


def _loads(site: Site, seconds: float) -> list[Load]:
    """One job a request, from each number of connections."""
    body = orjson.dumps(JOB if site.name == OUR_SITE else JOB["params"])
    with (
        fresh_server() as server,
        driving(OURS, server),
        running(site, server) as (url, _),
    ):  # our driver tells the task
        load(f"{url}/jobs", CONNECTIONS[0], 1.0, body=body)
        return [load(f"{url}/jobs", connections, seconds, body=body) for connections in CONNECTIONS]


def _arrays(seconds: float) -> float:
    with fresh_server() as server, driving(OURS, server), running(SITES[0], server) as (url, _):
        return MANY * load(f"{url}/jobs", 4, seconds, body=orjson.dumps([JOB] * MANY)).rate
