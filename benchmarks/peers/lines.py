"""What every peer's driver shares: commands come as JSON lines on stdin, answers go as JSON lines to stdout.

A driver runs in its peer's own environment and imports nothing of this project but this file, which needs the standard
library alone. It times itself, so that the pipe between it and the benchmark is not part of any figure.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any


class Driver:
    """One job queue as its own users would call it. Job number `n` returns `n`."""

    packages: tuple[str, ...] = ()
    """What the page names the versions of."""

    finished: tuple[str | int, ...] = ()
    """A server command whose integer reply is the number of jobs with their result recorded."""

    left: tuple[str | int, ...] = ()
    """Or one whose reply is the number of jobs that are not finished yet."""

    database = 0
    """Where that command is asked."""

    def __init__(self, url: str) -> None:
        """`url`: the server, without a database's number."""
        self.url = url
        self.last: Any = None
        """The last job that `bulk` sent: what `result` takes."""

    def prepare(self) -> None:
        """What has to be there before jobs can be sent."""

    def enqueue(self, count: int) -> None:
        """Send jobs one at a time, each acknowledged by the server before the next."""
        raise NotImplementedError

    def bulk(self, count: int) -> None:
        """Send many jobs in the fastest way that the queue documents."""
        self.enqueue(count)

    def result(self, job: Any) -> Any:
        """Wait for a job's end: what it returned."""
        raise NotImplementedError

    def send(self, number: int) -> Any:
        """Send one job: what `result` takes."""
        raise NotImplementedError

    def once(self, number: int) -> None:
        """From the call that sends a job until its result is in the caller's hands."""
        assert self.result(self.send(number)) == number

    def worker(self, variant: str) -> list[str]:
        """The command of a worker, without the interpreter."""
        raise NotImplementedError


def serve(driver: Driver) -> None:
    """Answer commands until stdin ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        answer = _ANSWERS[asked.pop("do")](driver, **asked)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _timed(what: str) -> Any:
    def answer(driver: Driver, count: int) -> dict[str, Any]:
        started = time.perf_counter()
        getattr(driver, what)(count)
        return {"seconds": time.perf_counter() - started}

    return answer


def _latencies(driver: Driver, count: int, pause: float, seconds: float) -> dict[str, Any]:
    """Up to `count` jobs, each sent when nothing else goes on, for about `seconds` s; ms each."""
    _warm_up(driver)
    told, stop = [], time.perf_counter() + seconds
    for number in range(count):
        time.sleep(pause)
        started = time.perf_counter()
        driver.once(number)
        ended = time.perf_counter()
        told.append(1000 * (ended - started))
        if ended > stop and len(told) >= 20:
            break
    return {"ms": told}


def _warm_up(driver: Driver) -> None:
    """The first jobs wait for the worker's start; one queue's start sweeps jobs away that it has just taken itself."""
    for tries in range(10):
        try:
            driver.once(tries)
        except Exception:  # whatever the queue raises
            if tries == 9:
                raise
        if tries > 5:
            return


def _facts(driver: Driver) -> dict[str, Any]:
    driver.prepare()
    return {
        "finished": driver.finished,
        "left": driver.left,
        "database": driver.database,
        "versions": {name: version(name) for name in driver.packages},
    }


def _check(driver: Driver, number: int) -> dict[str, Any]:
    """Whether the last job of a bulk has its result: every queue kept them, so every queue did the same work."""
    return {"right": driver.result(driver.last) == number}


_ANSWERS: dict[str, Any] = {
    "facts": _facts,
    "enqueue": _timed("enqueue"),
    "bulk": _timed("bulk"),
    "latency": _latencies,
    "check": _check,
    "worker": lambda driver, variant: {"command": driver.worker(variant)},
}
