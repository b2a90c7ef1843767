"""What live traffic changes while `audit` walks is no disagreement."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

from jobsapi import jobs
from jobsapi.audit import audit

if TYPE_CHECKING:
    from tests.system import System


def test_a_busy_system_gives_no_false_alarm(system: System):
    system.worker()
    system.worker()
    ids: list[str] = []

    def send() -> None:
        for _ in range(6):
            made = jobs.add_jobs(
                [
                    {"task": "nap", "params": {}, "tags": ["x"], "expires_in": 60},
                    {"task": "nap", "params": {}, "after": ["#0"]},
                    {"task": "flaky", "params": {"failures": 1}, "after_any": ["#0", "#1"]},
                    {"task": "nap", "params": {}, "delay": 0.05},
                    *[{"task": "nap", "params": {}}] * 110,
                ],
                store=system.store,
            )
            ids.extend(job.id for job in made)
            system.until_ended([made[0].id])
            jobs.cancel_job(jobs.add_job("nap", {}, delay=60, store=system.store).id, store=system.store)

    sender = Thread(target=send)
    sender.start()
    try:
        while sender.is_alive():
            assert audit(system.store) == []
    finally:
        sender.join()
    system.until_ended(ids)
    assert audit(system.store) == []
