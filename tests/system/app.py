"""The tasks of the tests that kill: each run leaves a line in an effect log before and after its work."""

import os
import subprocess
import sys
import time
from pathlib import Path

from jobsapi import current_job, task


def _tell(word: str) -> None:
    job = current_job()
    line = f"{word} {job.id} {job.token} {os.getpid()}\n".encode()
    with Path(os.environ["EFFECTS"]).open("ab", buffering=0) as log:
        log.write(line)  # one write of one line: appended whole, whoever dies


@task(default=True)
def work(seconds: float = 0.05) -> str:
    _tell("begin")
    time.sleep(seconds)
    _tell("end")
    return current_job().id


@task
def stubborn(seconds: float = 60) -> None:
    """Starts a grandchild that ignores TERM and catches everything itself."""
    _tell("begin")
    program = f"import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep({seconds})"
    grandchild = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    with Path(os.environ["EFFECTS"] + ".pids").open("a") as pids:
        pids.write(f"{grandchild.pid}\n")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            time.sleep(0.1)
        except BaseException:
            continue


@task
def die(times: int) -> int:
    """Ends its own process the first `times` runs."""
    _tell("begin")
    runs = Path(os.environ["EFFECTS"]).read_text().count(f"begin {current_job().id} ")
    if runs <= times:
        os._exit(3)
    return runs


@task(backoff={"base": 0.2, "max": 1.5, "jitter": 0.5})
def flaky(failures: int) -> str:
    """Raises in its first attempts."""
    _tell("begin")
    if current_job().attempt <= failures:
        raise ValueError(f"failure {current_job().attempt}")
    _tell("end")
    return current_job().id


@task
def gather() -> list[str]:
    """What its parents returned."""
    _tell("begin")
    found = [parent.result for parent in current_job().parents]
    _tell("end")
    return found


@task(max_running=2)
def limited(seconds: float = 0.2) -> str:
    """Runs twice at a time at the most, on all workers together."""
    _tell("begin")
    time.sleep(seconds)
    _tell("end")
    return current_job().id


@task
def clock(seconds: float = 0) -> list[float]:
    """What the clock of its machine says at its begin and its end."""
    _tell("begin")
    began = time.time()
    time.sleep(seconds)
    _tell("end")
    return [began, time.time()]
