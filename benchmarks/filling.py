"""Fills a store with queued jobs, from several processes at once."""

from __future__ import annotations

import multiprocessing
import os
import time
from typing import TYPE_CHECKING

from jobsapi import jobs, registry, tasks
from jobsapi.settings import Settings
from jobsapi.store import connect

if TYPE_CHECKING:
    from jobsapi.store import Store

STEP = 10_000


@tasks.task
def echo(n: int) -> int:
    """As the app's; the workers run that one."""
    return n


def opened(url: str) -> Store:
    """The store on that server, with the task published."""
    store = connect(Settings(redis_url=url))
    registry.publish(store, [tasks.get("echo").described()])
    return store


def fill(url: str, count: int, seconds: float = 300.0) -> int:
    """Add so many queued jobs, or as many as can be had in that time; how many there are now."""
    parts = min(os.cpu_count() or 1, max(1, count // STEP))
    with multiprocessing.get_context("spawn").Pool(parts) as pool:
        share = -(-count // parts)
        pool.starmap(_fill, [(url, start, min(share, count - start), seconds) for start in range(0, count, share)])
    store = opened(url)
    there = jobs.count_jobs(store)
    store.close()
    return sum(row[3] for row in there)


def _fill(url: str, start: int, count: int, seconds: float) -> None:
    store, stop = opened(url), time.perf_counter() + seconds
    for at in range(start, start + count, STEP):
        if time.perf_counter() > stop:
            break
        numbers = range(at, min(at + STEP, start + count))
        jobs.add_jobs([{"task": "echo", "params": {"n": n}} for n in numbers], store=store)
    store.close()
