"""The tasks of the tests with real workers."""

import time

from jobsapi import task


@task(default=True)
def nap(seconds: float = 0.0) -> float:
    time.sleep(seconds)
    return seconds


@task(memory_mb=150)
def take(megabytes: int) -> int:
    held = b"x" * (megabytes << 20)
    time.sleep(1 if megabytes < 150 else 60)
    return len(held) >> 20
