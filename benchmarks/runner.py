"""The runner alone, without a server: no-ops through a pool, in children that run one job each and in threads.

    python -m benchmarks.runner [--jobs 20000] [--rounds 3] [--children 2] [--threads 64]

Jobs are given to the pool as long as it has room, as a worker would whose server takes no time. Prints jobs/s and the
time on a processor that a job costs in the worker's process (the pool) and in the children.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from pathlib import Path

from jobsapi import task
from jobsapi.runner import Done, Pool, Work


@task
def noop(n: int) -> None:
    """The task that is run: this file is its app too."""


def drain(pool: Pool, wake: int, count: int) -> None:
    """Run so many jobs through a pool."""
    given = ended = 0
    while ended < count:
        if room := min(pool.free, count - given):
            numbers = range(given, given + room)
            pool.run([Work(f"{n:032x}", f"t{n:032x}", "noop", b'{"n":%d}' % n, 1, None, 1_000) for n in numbers])
            given += room
        for event in pool.poll(1.0, wake):
            if isinstance(event, Done):
                event.discard()
                ended += 1


def measure(count: int, children: int, threads: int) -> tuple[float, float, float]:
    """(jobs/s, µs of processor time a job in the pool's process, the same in the children) of one pool."""
    wake, _ = os.pipe()
    options = {"threads": threads} if threads else {}
    pool = Pool(str(Path(__file__)), children, recycle_jobs=0, **options)
    pool.start()
    while pool.free < children * max(threads, 1):
        pool.poll(1.0, wake)
    drain(pool, wake, count // 10)
    before = resource.getrusage(resource.RUSAGE_SELF)
    spent = _spent_by(pool)
    started = time.perf_counter()
    drain(pool, wake, count)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_SELF)
    spent = _spent_by(pool) - spent
    pool.close()
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return count / seconds, own / count * 1e6, spent / count * 1e6


def _spent_by(pool: Pool) -> float:
    """Seconds on a processor that the children have had."""
    ticks = 0
    for slot in pool._slots:
        fields = Path(f"/proc/{slot.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--children", type=int, default=2)
    parser.add_argument("--threads", type=int, default=64)
    given = parser.parse_args()
    modes = {"one job a child": (given.children, 0), "threads in one child": (1, given.threads)}
    print(f"{'medians':24} {'jobs/s':>9} {'µs/job, pool':>13} {'children':>9}  (jobs/s of the rounds)")
    for name, (children, threads) in modes.items():
        rounds = [measure(given.jobs, children, threads) for _ in range(given.rounds)]
        rate, own, spent = (statistics.median(column) for column in zip(*rounds, strict=True))
        spread = "–".join(f"{each:,.0f}" for each in (min(rounds)[0], max(rounds)[0]))
        print(f"{name:24} {rate:9,.0f} {own:13.1f} {spent:9.1f}  {spread}")


if __name__ == "__main__":
    main()
