"""One of our own rows once, with what each job cost: `python -m benchmarks.profile ROW [VARIANT] [--jobs N] [--hold]`.

ROW is enqueue, bulk, drain or latency; VARIANT processes or threads. Prints the server's commands by time, its latency
events and slow commands, and the CPU of server, driver and worker. `--hold` tells their process ids and repeats the row
for a minute, so that a profiler can be attached.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from typing import TYPE_CHECKING, Any

from benchmarks.catalogue import OURS
from benchmarks.drivers import Driver, driving
from benchmarks.processes import cpu_seconds, family
from benchmarks.rows.drain import watched
from benchmarks.server import Server, fresh_server

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLD = 60.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("row", choices=["enqueue", "bulk", "drain", "latency"])
    parser.add_argument("variant", nargs="?", choices=list(OURS.workers), default="processes")
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--hold", action="store_true")
    given = parser.parse_args()
    with fresh_server("--latency-monitor-threshold", "2", "--slowlog-log-slower-than", "2000") as server:
        with driving(OURS, server, given.row) as driver:
            driver.ask("bulk" if given.row == "drain" else "enqueue", count=given.jobs if given.row == "drain" else 100)
            server.client().execute_command("CONFIG", "RESETSTAT")
            with _working(driver, given.row, given.variant) as pids:
                if given.hold:
                    print("processes:", {name: ids[0] for name, ids in pids().items()}, flush=True)
                before = {name: cpu_seconds(ids) for name, ids in pids().items()}
                began, done = time.perf_counter(), 0
                while not done or (given.hold and time.perf_counter() - began < HOLD):
                    done += _once(driver, given.row, given.jobs, pids().get("worker", [0])[0])
                took = time.perf_counter() - began
                used = {name: cpu_seconds(ids) - before[name] for name, ids in pids().items()}
        _tell(server, done, took, used)


@contextlib.contextmanager
def _working(driver: Driver, row: str, variant: str) -> Iterator[Any]:
    """A worker beside the driver, where the row has one; yields what gives their process ids now."""
    with contextlib.ExitStack() as stack:
        worker = stack.enter_context(driver.worker(variant)) if row in ("drain", "latency") else None
        pids = {"server": [driver.server.pid], "driver": [driver.pid]}
        yield lambda: pids | ({"worker": family(worker.pid)} if worker else {})


def _once(driver: Driver, row: str, count: int, worker: int) -> int:
    if row == "drain":
        finished = driver.finished(0)
        left = count - finished % count
        watched(driver, worker, finished, left, 60.0)
        driver.ask("bulk", count=count)
        return left
    if row == "latency":
        return len(driver.ask("latency", count=200, pause=0.005, seconds=10.0)["ms"])
    driver.ask(row, count=count)
    return count


def _tell(server: Server, done: int, took: float, used: dict[str, float]) -> None:
    client = server.client()
    print(f"{done:,} jobs in {took:.2f} s: {done / took:,.0f} a second")
    for name, seconds in used.items():
        each = f"{1e6 * seconds / done:,.0f} µs a job, {seconds / took:.0%} of a core"
        print(f"  CPU of the {name}: {each}")
    print(f"\n{'command':24} {'calls':>9} {'a job':>7} {'µs a call':>10} {'µs a job':>9}")
    rows = [(name.removeprefix("cmdstat_"), row) for name, row in client.info("commandstats").items()]
    for name, row in sorted(rows, key=lambda each: -each[1]["usec"])[:15]:
        calls, spent = row["calls"], row["usec"]
        print(f"{name:24} {calls:9,} {calls / done:7.2f} {row['usec_per_call']:10.1f} {spent / done:9.1f}")
    print("\nlatency events (ms, of 2 or more):", client.execute_command("LATENCY", "LATEST") or "none")
    print("slow commands (of 2 ms or more):", client.slowlog_len())
    for each in client.slowlog_get(5):
        print(f"  {each['duration'] / 1000:.1f} ms: {each['command'][:100]!r}")


if __name__ == "__main__":
    main()
