"""Workers, APIs, children and guards killed, stopped and told to end while jobs of every kind come and go.

FAULTS_SECONDS says for how long, FAULTS_SEED which faults and jobs; a failure shows what is wrong and what was done.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobsapi import jobs, schedules
from jobsapi.audit import audit
from jobsapi.errors import UnknownJob
from jobsapi.states import ACTIVE
from tests.faults.chaos import Chaos
from tests.faults.kinds import ENDLESS
from tests.faults.stream import Stream
from tests.faults.verdict import EVERY, SCHEDULE, Verdict
from tests.system import System, free_port, is_alive, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.store import Store

pytestmark = pytest.mark.slow

WORKERS, SENDERS = 3, 2
PAUSE = 0.6
"""Seconds between two faults, on average."""
AUDIT_EVERY = 5.0


@pytest.fixture
def system(store: Store, environment: dict[str, str], tmp_path: Path) -> Iterator[System]:
    """A system of which nothing runs yet."""
    made = System(store, environment, tmp_path)
    yield made
    made.close()


def test_every_accepted_job_ends_once_whatever_is_killed(system: System) -> None:
    seconds, seed = float(os.environ.get("FAULTS_SECONDS", "150")), chosen_seed()
    chance = random.Random(seed)
    chaos = Chaos(system, random.Random(chance.random()), WORKERS, [free_port() for _ in range(2)])
    oom_kills = count_oom_kills()
    chaos.start()
    add_schedule(system.store)
    senders = [Stream(system.store, chaos.urls, random.Random(chance.random()), f"sender-{i}") for i in range(SENDERS)]
    for sender in senders:
        sender.start()
    faults = rage(chaos, chance, seconds)
    chaos.rest()
    for sender in senders:
        sender.stop()
    schedules.remove_schedule(SCHEDULE, store=system.store)
    until("every job has ended", lambda: not active(system.store), 120)

    sent = [each for sender in senders for each in sender.sent]
    lacked = count_oom_kills() > oom_kills
    verdict = Verdict(system.store, sent, system.effects.read_text(), may_lack_memory=lacked)
    faults += verdict.faults() + chaos.surprises + survivors(system)
    tell(chaos, verdict, senders, system)
    assert not faults, "\n".join([f"FAULTS_SEED={seed}: {len(faults)} faults", *faults[:50], *chaos.story])


def chosen_seed() -> int:
    seed = int(os.environ.get("FAULTS_SEED") or random.randrange(10**6))
    print(f"FAULTS_SEED={seed}")
    return seed


def add_schedule(store: Store) -> None:
    """A schedule that keeps every due time, also while no worker is there."""
    options = {"misses": "all", "max_deliveries": ENDLESS, "tags": [SCHEDULE]}
    schedules.add_schedule(SCHEDULE, "work", {"seconds": 0}, every=EVERY, store=store, **options)


def rage(chaos: Chaos, chance: random.Random, seconds: float) -> list[str]:
    """One fault after the other, for so long; where records and indexes disagree meanwhile."""
    deadline, due, audit_due = time.monotonic() + seconds, 0.0, 0.0
    disagreements: list[str] = []
    while (now := time.monotonic()) < deadline:
        chaos.tend()
        if now >= due:
            chaos.act()
            due = now + chance.expovariate(1 / PAUSE)
        if now >= audit_due:
            disagreements += [f"meanwhile: {each.sentence}" for each in audit(chaos.system.store)]
            disagreements += snatched(chaos.system.store)
            audit_due = now + AUDIT_EVERY
        time.sleep(0.02)
    return disagreements


def snatched(store: Store) -> list[str]:
    """Jobs that could be taken from a worker whose lease held."""
    held = store.call("zrange", store.keys.leases(), 0, -1, False, True)
    until_soon = store.time_ms() + 500
    still = [jid.decode() for jid, lease in held if lease > until_soon]
    return [f"meanwhile: {jid} was taken from a live worker" for jid in still if is_snatched(store, jid)]


def is_snatched(store: Store, jid: str) -> bool:
    try:
        return jobs.lose_job(store, jid, "", "somebody was too eager")
    except UnknownJob:
        return False


def active(store: Store) -> int:
    return sum(count for status, _, _, count, _ in jobs.count_jobs(store) if status in ACTIVE)


def count_oom_kills() -> int:
    """How many processes the kernel has ended for want of memory."""
    lines = Path("/proc/vmstat").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def survivors(system: System) -> list[str]:
    """Processes that jobs started and that should be gone."""
    pids = system.effects.with_name("effects.pids")
    started = [int(each) for each in pids.read_text().split()] if pids.exists() else []
    return [f"what a job started still lives: {pid}" for pid in started if is_alive(pid)]


def tell(chaos: Chaos, verdict: Verdict, senders: list[Stream], system: System) -> None:
    """The figures of the run."""
    told = Counter(verdict.figures()) + chaos.counts
    told["requests sent again"] = sum(sender.http.resent for sender in senders)
    told["ends that were refused"] = system.log_path.read_text().count("this end is not recorded")
    for name, count in told.items():
        print(f"{count:7,} {name}")
