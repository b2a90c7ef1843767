"""The tasks of the tests of `worker --threads`."""

import asyncio
import os
import threading
import time
from pathlib import Path

from jobsapi import current_job, task

_barrier = threading.Barrier(3, timeout=30)


def _tell(folder: str) -> None:
    """A file for each run, named by its job, holding the process it was in."""
    job = current_job()
    Path(folder, f"{job.id}.{job.token}").write_text(str(os.getpid()))


@task(default=True)
def meet(word: str) -> str:
    """Ends when three are there at the same time."""
    print(word, "came")
    _barrier.wait()
    current_job().log(f"{word} goes")
    return word


@task
def until(folder: str, name: str = "go") -> str:
    """Ends once the file is there, and never looks whether it shall stop."""
    _tell(folder)
    while not Path(folder, name).exists():
        time.sleep(0.01)
    return current_job().id


@task
async def until_async(folder: str, name: str = "go") -> str:
    _tell(folder)
    while not Path(folder, name).exists():
        await asyncio.sleep(0.01)
    return current_job().id


@task(max_attempts=2, backoff=0.01)
def polite(folder: str) -> None:
    _tell(folder)
    while not current_job().cancelled:
        time.sleep(0.01)


@task(memory_mb=150)
def limited() -> int:
    return os.getpid()
