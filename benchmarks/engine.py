"""The engine against the hand-written floor, in pairs on one server: enqueue, claim, complete, bytes a job.

    python -m benchmarks.engine [--jobs 5000] [--rounds 5]

Starts a Valkey of its own (append-only file, `everysec`) and prints medians and the ratio of each pair's median.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING, Any

from benchmarks.floor import Floor
from benchmarks.server import fresh_store
from jobsapi import jobs, registry
from jobsapi.names import new_id
from jobsapi.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.store import Store

PARAMS = {"n": 12345}
ENCODED = b'{"n":12345}'


def noop(n: int) -> None:
    """The task whose jobs are moved about."""


def rate(count: int, act: Callable[[], Any]) -> float:
    """How many things a second `act` does, which does `count` of them."""
    started = time.perf_counter()
    act()
    return count / (time.perf_counter() - started)


class Round:
    """One pass of each measurement, ours and the floor's, one after the other."""

    def __init__(self, store: Store, floor: Floor, count: int) -> None:
        self.store, self.floor, self.count = store, floor, count

    def run(self) -> dict[str, tuple[float, float]]:
        """Name → (ours, floor's), per second."""
        many = self.count
        return {
            "enqueue, one at a time": (
                rate(many, lambda: [jobs.add_job("noop", PARAMS, store=self.store) for _ in range(many)]),
                rate(many, lambda: [self.floor.create([(new_id(), ENCODED)]) for _ in range(many)]),
            ),
            "claim and complete, one at a time": (
                rate(many, lambda: self._drain(1)),
                rate(many, lambda: self._floor(1)),
            ),
            "enqueue in bulk": (
                rate(many, lambda: jobs.add_jobs([{"task": "noop", "params": PARAMS}] * many, store=self.store)),
                rate(many, self._create_in_batches),
            ),
            "claim 100, complete one at a time; the floor, 100": (
                rate(many, lambda: self._drain(100)),
                rate(many, lambda: self._floor(100)),
            ),
        }

    def _create_in_batches(self) -> None:
        for start in range(0, self.count, 100):
            self.floor.create([(new_id(), ENCODED) for _ in range(min(100, self.count - start))])

    def _drain(self, most: int) -> None:
        while claims := jobs.claim_jobs(self.store, "bench", {"default": ["noop"]}, most, 30.0):
            for claim in claims:
                jobs.complete_job(self.store, claim.id, claim.token, b"", b"null")

    def _floor(self, most: int) -> None:
        ended: list[tuple[bytes, bytes]] = []
        while claimed := self.floor.turn(ended, most):
            ended = [(jid, b"null") for jid, _ in claimed]


def bytes_a_job(store: Store, count: int) -> tuple[float, float]:
    """The server's memory for one queued and for one finished job, in bytes."""
    before = store.redis.info("memory")["used_memory"]
    jobs.add_jobs([{"task": "noop", "params": PARAMS}] * count, store=store)
    queued = store.redis.info("memory")["used_memory"]
    while claims := jobs.claim_jobs(store, "bench", {"default": ["noop"]}, 100, 30.0):
        for claim in claims:
            jobs.complete_job(store, claim.id, claim.token, b"", b"null")
    finished = store.redis.info("memory")["used_memory"]
    return (queued - before) / count, (finished - before) / count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with fresh_store() as store:
        _measure(store, given.jobs, given.rounds)


def _measure(store: Store, count: int, rounds: int) -> None:
    registry.publish(store, [Task("noop", noop).described()])
    passes = [Round(store, Floor(store.redis), count).run() for _ in range(rounds)]
    print(f"{'per second, medians':36} {'jobsapi':>9} {'floor':>9} {'ratio':>6}  (ratios of the rounds)")
    for name in passes[0]:
        pairs = [each[name] for each in passes]
        ratios = [ours / floor for ours, floor in pairs]
        ours, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
        spread = f"{min(ratios):.2f}–{max(ratios):.2f}"
        print(f"{name:36} {ours:9,.0f} {floor:9,.0f} {statistics.median(ratios):6.2f}  {spread}")
    queued, finished = bytes_a_job(store, 9_000)
    print(f"bytes in the server: {queued:.0f} a queued job, {finished:.0f} a finished job, with every index")


if __name__ == "__main__":
    main()
