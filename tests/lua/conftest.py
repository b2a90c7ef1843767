"""For tests that look at the keys: a small engine on the test's namespace with a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs, registry

if TYPE_CHECKING:
    from jobsapi.jobs import Claim
    from jobsapi.record import JobRecord
    from jobsapi.store import Store

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}


@dataclass
class Engine:
    """Short words for what the tests do most."""

    store: Store

    def submit(self, task: str = "work", **options: Any) -> str:
        return jobs.add_job(task, {}, store=self.store, **options)["id"]

    def claim(self, most: int = 1, *, worker: str = "w1", **queues: list[str]) -> list[Claim]:
        return jobs.claim_jobs(self.store, worker, queues or {"default": ["work", "other"]}, most, 10.0)

    def claim_one(self) -> Claim:
        return self.claim()[0]

    def record(self, jid: str) -> JobRecord:
        return jobs.get_record(self.store, jid)

    def left(self) -> set[str]:
        """Every key of the namespace, without its prefix and without what publishing a task leaves."""
        prefix = self.store.keys.prefix
        found = {
            key.decode().removeprefix(prefix)
            for key in self.store.redis.scan_iter(count=1000)
            if key.startswith(prefix.encode())
        }
        return found - {"tasks", "schemas", "seq", "lists", "ended", "waits", "samples", "cl:w1"}

    def lists(self) -> dict[str, list[str]]:
        """Which jobs stand in which list, for lists that hold any."""
        found = {}
        for member in self.store.redis.smembers(self.store.keys.lists()):
            status, queue, task = member.decode().split(":")
            ids = self.store.redis.zrange(self.store.keys.listed(status, queue, task), 0, -1)
            if status == "s":
                ids += self.store.redis.zrange(self.store.keys.ready(queue, task), 0, -1)
            if ids:
                found[member.decode()] = [each.decode() for each in ids]
        return found


@pytest.fixture
def engine(store: Store) -> Engine:
    """An engine that knows the tasks `work` and `other` of the queue `default`; its clock stands at 1,000,000 ms."""
    described = {"summary": "", "queue": "default", "timeout": None, "default": False, "schema": SCHEMA, "digest": "d"}
    registry.publish(store, [{"name": name, **described} for name in ("work", "other")])
    store.now = 1_000_000
    return Engine(store)
