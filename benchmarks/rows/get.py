"""`GET /jobs/<id>` and `GET /jobs?limit=100` with few and many jobs in the store, beside FastAPI's read of a key."""

from __future__ import annotations

import random
import urllib.request
from typing import TYPE_CHECKING

from benchmarks import filling
from benchmarks.server import fresh_server
from benchmarks.web import SITES, Load, load, running
from jobsapi import jobs

if TYPE_CHECKING:
    from benchmarks.rows import Size
    from benchmarks.server import Server

ROUNDS = 1
FEW, CONNECTIONS = 1000, 16
BARE = "FastAPI, bare push"


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Requests a second, and the 99th percentile in ms."""
    assert round_number >= 0
    many, seconds = size.of(1_000_000, 20_000), size.of(5.0, 1.0)
    told: dict[str, dict[str, float]] = {}
    with fresh_server() as server:
        store = filling.opened(server.url)
        filling.fill(server.url, FEW)
        _ours(server, f"{FEW:,} jobs", seconds, told)
        there = filling.fill(server.url, many - FEW)
        _ours(server, f"{there:,} jobs", seconds, told)
        shown = jobs.list_jobs(limit=1, store=store)[0][0]
        store.close()
        _bare(server, shown["id"], seconds, told)
    return told


def _ours(server: Server, name: str, seconds: float, told: dict[str, dict[str, float]]) -> None:
    store = filling.opened(server.url)
    page = jobs.list_jobs(limit=1000, store=store)[0]
    store.close()
    paths = [f"/jobs/{job['id']}" for job in random.Random(5).sample(page, 500)]
    with running(SITES[0], server) as (url, _):
        for what, these in (("get job", paths), ("get page", ["/jobs?limit=100"])):
            load(url, CONNECTIONS, 1.0, paths=these)
            _keep(what, name, load(url, CONNECTIONS, seconds, paths=these), told)


def _bare(server: Server, jid: str, seconds: float, told: dict[str, dict[str, float]]) -> None:
    """FastAPI answers with the same bytes, read from one key."""
    with running(SITES[0], server) as (url, _), urllib.request.urlopen(f"{url}/jobs/{jid}") as answer:
        server.client().set("bare", answer.read())
    site = next(each for each in SITES if each.name == BARE)
    with running(site, server) as (url, _):
        load(url, CONNECTIONS, 1.0, paths=["/jobs/bare"])
        _keep("get job", "FastAPI, one key", load(url, CONNECTIONS, seconds, paths=["/jobs/bare"]), told)


def _keep(what: str, name: str, measured: Load, told: dict[str, dict[str, float]]) -> None:
    told.setdefault(what, {})[name] = measured.rate
    told.setdefault(f"{what} p99", {})[name] = measured.p99
