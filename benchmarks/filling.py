"""Fills a store with queued jobs, from several processes at once."""

from __future__ import annotations

import multiprocessing
import os
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


def fill(url: str, count: int) -> None:
    """Add so many queued jobs."""
    parts = min(os.cpu_count() or 1, max(1, count // STEP))
    with multiprocessing.get_context("spawn").Pool(parts) as pool:
        pool.starmap(_fill, [(url, start, count // parts) for start in range(0, count, count // parts)])


def _fill(url: str, start: int, count: int) -> None:
    store = opened(url)
    for at in range(start, start + count, STEP):
        numbers = range(at, min(at + STEP, start + count))
        jobs.add_jobs([{"task": "echo", "params": {"n": n}} for n in numbers], store=store)
    store.close()
