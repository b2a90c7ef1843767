"""Real processes on a test's namespace: workers of `app.py`, APIs, and ways to find and end what they started."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobsapi import jobs, registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.store import Store

APP = Path(__file__).parent / "app.py"


def until(what: str, condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true value of a condition; asks often, fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"within {seconds} s: {what}")


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listened a moment ago, and that stays free while its server is killed.

    It lies below those that the system gives to outgoing connections: one of these could take it meanwhile, even one to
    that very port, which is then connected to itself.
    """
    for _ in range(100):
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def is_alive(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def tree(pid: int) -> list[int]:
    """The descendants of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(each) for each in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *tree(child)]
    return found


class System:
    """The workers of one test, its store and its effect log."""

    def __init__(self, store: Store, environment: dict[str, str], folder: Path, app: Path = APP) -> None:
        self.store, self.app = store, app
        self.effects = folder / "effects"
        self.effects.touch()
        self.environment = {**os.environ, **environment, "EFFECTS": str(self.effects), "JOBSAPI_LEASE": "2"}
        self.processes: list[subprocess.Popen[bytes]] = []
        self._log = (folder / "workers.log").open("wb")
        self.log_path = folder / "workers.log"

    def worker(self, *flags: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a worker and wait until it told its tasks; `more`: variables of its environment."""
        before = {each["id"] for each in registry.workers(self.store)}
        process = self.start("worker", str(self.app), "--concurrency", "2", *flags, **more)
        until("the worker tells its tasks", lambda: {each["id"] for each in registry.workers(self.store)} - before)
        return process

    def start(self, *words: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a `jobsapi` command and do not wait; `more`: variables of its environment."""
        command = [sys.executable, "-m", "jobsapi", *words]
        process = subprocess.Popen(command, env=self.environment | more, stdout=self._log, stderr=self._log)
        self.processes.append(process)
        return process

    def submit(self, task: str = "work", count: int = 1, **params: Any) -> list[str]:
        return [job.id for job in jobs.add_jobs([{"task": task, "params": params}] * count, store=self.store)]

    def job(self, jid: str) -> Any:
        return jobs.get_job_by_id(jid, store=self.store)

    def until_ended(self, ids: list[str], seconds: float = 60.0) -> list[Any]:
        waiting = set(ids)

        def is_done() -> bool:
            waiting.difference_update([jid for jid in waiting if jobs.get_record(self.store, jid).is_ended])
            return not waiting

        try:
            until(f"{len(ids)} jobs end", is_done, seconds)
        except AssertionError as problem:
            left = {jid: dict(self.job(jid)) for jid in sorted(waiting)[:5]}
            workers = registry.workers(self.store)
            raise AssertionError(f"{problem}: {len(waiting)} left, {left}, {workers}") from None
        return [self.job(jid) for jid in ids]

    def runs(self, jid: str, word: str = "begin") -> list[tuple[str, int]]:
        """(token, pid) of each run of a job that told `word`."""
        lines = [line.split() for line in self.effects.read_text().splitlines()]
        return [(token, int(pid)) for said, its, token, pid in lines if (said, its) == (word, jid)]

    def check_promise(self, ids: list[str]) -> None:
        """Every job ended with one recorded completion, and every further run is told as lost or handed back."""
        for job in self.until_ended(ids):
            assert job.status == "complete", dict(job)
            lost = {line["token"] for line in job.attempts if line["outcome"] in ("lost", "released")}
            tokens = [token for token, _ in self.runs(job.id)]
            assert len(tokens) == len(set(tokens)), "one claim ran twice"
            final = jobs.get_record(self.store, job.id).token
            assert set(tokens) <= lost | {final}, "a run that neither completed nor is told as lost or handed back"
            assert jobs.get_results(job.id, store=self.store) == job.id
        completed = sum(count for _, outcome, count in jobs.count_ended(self.store) if outcome == "complete")
        assert completed == len(ids)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(10)
        self._log.close()
