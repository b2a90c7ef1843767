"""The tasks of the tests with real workers."""

import os
import time
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from jobsapi import Retry, current_job, data, task


@task(default=True)
def nap(seconds: float = 0.0) -> float:
    time.sleep(seconds)
    return seconds


@task(max_attempts=3, backoff={"base": 0.01, "jitter": 0}, retry_on=(ValueError,))
def flaky(failures: int, kind: str = "ValueError") -> int:
    """Raises in its first attempts."""
    number = current_job().attempt
    if number <= failures:
        if kind == "Retry":
            raise Retry(after=0.05)
        raise {"ValueError": ValueError, "KeyError": KeyError}[kind](f"failure {number}")
    return number


def _even(n: int) -> int:
    if n % 2:
        raise ValueError("is odd")
    return n


@task
def even(n: Annotated[int, AfterValidator(_even)]) -> int:
    return n


@task
def unfit() -> object:
    return object()


@task(memory_mb=150)
def take(megabytes: int) -> int:
    held = b"x" * (megabytes << 20)
    time.sleep(1 if megabytes < 150 else 60)
    return len(held) >> 20


@task(every=0.5)
def tick() -> None:
    """Runs by itself twice a second."""


@task(cache="1h", version="1", datasets=["points"])
def count(name: str) -> dict[str, object]:
    """Tells its own id, so that a second run would tell another."""
    time.sleep(0.05)
    return {"name": name, "run": current_job().id, "points": len(data.records(dataset="points"))}


@task
def gather() -> dict[str, float]:
    return {parent.id: parent.result for parent in current_job().parents}


def _overlap(name: str) -> int:
    """How many runs of this name there are at the most while this one naps, itself among them."""
    folder = Path(os.environ["EFFECTS"] + ".running")
    folder.mkdir(exist_ok=True)
    mine = folder / f"{name}-{os.getpid()}"
    mine.touch()
    most = 0
    for _ in range(5):
        most = max(most, len(list(folder.glob(f"{name}-*"))))
        time.sleep(0.01)
    mine.unlink()
    return most


@task(max_running=2)
def crowded() -> int:
    return _overlap("crowded")


@task(max_running=1, max_running_per="params.user")
def personal(user: str = "nobody") -> int:
    return _overlap(user)


@task(rate="3/d")
def seldom() -> None:
    """May start three times a day."""


@task(max_running=1)
def fatal() -> None:
    """Dies at its first run."""
    mark = Path(os.environ["EFFECTS"] + f".{current_job().id}")
    if not mark.exists():
        mark.touch()
        os._exit(1)
