"""Random faults: processes are killed, stopped for longer than a lease, told to end; what ended is started again."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3

from jobsapi import registry
from tests.system import System, is_alive, tree, until

if TYPE_CHECKING:
    import random
    import subprocess
    from collections.abc import Sequence

LEASE = 2.0
_STARTING = 3.0
"""Seconds in which a process that was just started is left alone: else nothing would ever run."""

_PORT_TAKEN = 2
"""The exit code of an API whose port is taken."""


@dataclass
class Post:
    """A place that a process is to fill, and who fills it now."""

    name: str
    words: tuple[str, ...]
    variables: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    is_expected_to_end: bool = False


class Chaos:
    """Does one thing after the other to the processes of a system; `counts` says how often which."""

    def __init__(self, system: System, chance: random.Random, workers: int, ports: Sequence[int]) -> None:
        self.system, self._chance = system, chance
        words = ("worker", str(system.app), "--grace", "0.5")
        children = [("--concurrency", "2")] * (workers - 1) + [("--concurrency", "1", "--threads", "3")]
        self.workers = [Post(f"worker {i}", (*words, *how, "--name", str(i)), {}) for i, how in enumerate(children)]
        self.apis = [Post(f"api {port}", ("api", "--port", str(port)), {}) for port in ports]
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.counts: Counter[str] = Counter()
        self.story: list[str] = []
        self.surprises: list[str] = []
        """Processes that ended though nothing was done to them."""
        self._stopped: dict[int, float] = {}
        self._began = time.monotonic()

    def start(self) -> None:
        """Start everything, and wait until it can be used."""
        self.tend()
        until("the workers tell their tasks", lambda: len(registry.workers(self.system.store)) >= len(self.workers))
        until("the APIs answer", lambda: all(map(_answers, self.urls)))

    def act(self) -> None:
        """One fault, by chance."""
        does = [
            (self._kill_worker, 2),
            (self._stop_worker, 2),
            (self._end_worker, 1),
            (self._hit_below_worker, 6),
            (self._hit_api, 3),
        ]
        [act] = self._chance.choices([each for each, _ in does], [weight for _, weight in does])
        act()

    def tend(self) -> None:
        """Start again what ended, and let what was stopped go on when its time has come."""
        for pid, moment in list(self._stopped.items()):
            if moment <= time.monotonic():
                del self._stopped[pid]
                self._signal(pid, signal.SIGCONT)
        for post in self.workers + self.apis:
            code = post.process.poll() if post.process else 0
            if code is None:
                continue
            was_too_early = post in self.apis and code == _PORT_TAKEN  # what it replaces is still leaving
            if post.process and not post.is_expected_to_end and not was_too_early:
                self.surprises.append(f"{post.name} ended by itself with {code}")
            post.process = self.system.start(*post.words, **post.variables)
            post.since, post.is_expected_to_end = time.monotonic(), False

    def rest(self) -> None:
        """No more faults: everything is let go on, and is there again."""
        self._stopped = dict.fromkeys(self._stopped, 0.0)
        self.tend()
        until("the workers are there again", self._is_whole, 60)

    def _is_whole(self) -> bool:
        self.tend()
        known = {int(each["pid"]) for each in registry.workers(self.system.store)}
        return all(post.process and post.process.pid in known for post in self.workers) and all(
            map(_answers, self.urls)
        )

    # --- Faults -------------------------------------------------------------------------------------------------------

    def _kill_worker(self) -> None:
        self._hit(self._one_of(self.workers), signal.SIGKILL, "a worker", ends=True)

    def _end_worker(self) -> None:
        self._hit(self._one_of(self.workers), signal.SIGTERM, "a worker", ends=True)

    def _stop_worker(self) -> None:
        self._hit(self._one_of(self.workers), signal.SIGSTOP, "a worker")

    def _hit_below_worker(self) -> None:
        """A child, a guard, or what a job started."""
        post = self._one_of(self.workers)
        if post and post.process and (below := [pid for pid in tree(post.process.pid) if is_alive(pid)]):
            pid = self._chance.choice(below)
            what = "a guard" if "guard.py" in _command(pid) else "a child"
            self._strike(pid, self._any_signal(), what)

    def _hit_api(self) -> None:
        post = self._one_of(self.apis)
        if post and post.process:
            number = self._any_signal()
            below = [pid for pid in tree(post.process.pid) if "resource_tracker" not in _command(pid)]
            if below and self._chance.random() < 0.5:
                post.is_expected_to_end |= number != signal.SIGSTOP  # it may be that its parent ends with it
                self._strike(self._chance.choice(below), number, "an API's child")
            else:
                self._hit(post, number, "an API", ends=number != signal.SIGSTOP)

    def _any_signal(self) -> signal.Signals:
        return self._chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])

    def _one_of(self, posts: list[Post]) -> Post | None:
        """One that had time to start and is not stopped."""
        now = time.monotonic()
        fit = [
            each
            for each in posts
            if each.process and now - each.since > _STARTING and each.process.pid not in self._stopped
        ]
        return self._chance.choice(fit) if fit else None

    def _hit(self, post: Post | None, number: signal.Signals, what: str, *, ends: bool = False) -> None:
        if post and post.process:
            post.is_expected_to_end |= ends
            self._strike(post.process.pid, number, what)

    def _strike(self, pid: int, number: signal.Signals, what: str) -> None:
        if pid in self._stopped and number == signal.SIGSTOP:
            return
        self._signal(pid, number)
        self.counts[f"{number.name} to {what}"] += 1
        self.story.append(f"{time.monotonic() - self._began:7.2f} s: {number.name} to {what}, {pid}")
        if number == signal.SIGSTOP:
            self._stopped[pid] = time.monotonic() + self._chance.uniform(0.2, 2.5) * LEASE

    def _signal(self, pid: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/readyz", retries=False, timeout=2).status == 200
    except urllib3.exceptions.HTTPError:
        return False
