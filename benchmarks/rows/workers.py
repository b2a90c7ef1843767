"""One, two, four and eight workers against one server: the rate, and whose CPU it takes."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from benchmarks.catalogue import OURS
from benchmarks.drivers import driving
from benchmarks.processes import cpu_seconds
from benchmarks.server import fresh_server
from benchmarks.threads import has_threads
from jobsapi.store.keys import Keys

if TYPE_CHECKING:
    from benchmarks.drivers import Driver
    from benchmarks.rows import Size

ROUNDS = 3
NUMBERS = (1, 2, 4, 8)
LIMIT = 60.0
READY = Keys("jobsapi").ready("default", "echo")


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Jobs a second; the server's CPU in % of one core, and the machine's in % of all."""
    assert round_number >= 0
    told: dict[str, dict[str, float]] = {"workers": {}, "workers server": {}, "workers machine": {}}
    for number in NUMBERS[: size.of(4, 3)]:
        with fresh_server() as server, driving(OURS, server) as driver:
            driver.ask("bulk", count=size.of(80_000 if has_threads() else 16_000, 3000))
            measured = _measured(driver, number, server.pid, size.of(5.0, 1.0))
        name = f"{number} worker{'s' if number > 1 else ''}"
        told["workers"][name], told["workers server"][name], told["workers machine"][name] = measured
    return told


def _measured(driver: Driver, number: int, server_pid: int, seconds: float) -> tuple[float, float, float]:
    """The rate once every worker has run jobs for a moment, until the queue is empty or time is over."""
    variant = "threads" if has_threads() else "single"
    with contextlib.ExitStack() as workers:
        for _ in range(number):
            workers.enter_context(driver.worker(variant))
        _until(driver, number * 100)
        began, first, used, busy = time.perf_counter(), driver.finished(0), cpu_seconds([server_pid]), _busy()
        total = first
        waiting = driver.server.client(driver.facts["database"])
        while time.perf_counter() - began < seconds and waiting.zcard(READY) > 0:
            time.sleep(0.01)
        took, total = time.perf_counter() - began, driver.finished(0)
        server = cpu_seconds([server_pid]) - used
        machine = _busy() - busy
        waiting.close()
    return (total - first) / took, 100 * server / took, 100 * machine / took / (os.cpu_count() or 1)


def _until(driver: Driver, finished: int) -> None:
    deadline = time.monotonic() + LIMIT
    while driver.finished(0) < finished and time.monotonic() < deadline:
        time.sleep(0.01)


def _busy() -> float:
    """CPU seconds that the machine has spent on anything."""
    with open("/proc/stat", encoding="ascii") as stat:  # noqa: PTH123
        user, nice, system, idle, iowait, *rest = (int(each) for each in stat.readline().split()[1:])
    assert idle + iowait >= 0
    return (user + nice + system + sum(rest[:3])) / os.sysconf("SC_CLK_TCK")
