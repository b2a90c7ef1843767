"""A whole system on a server that faults happen to: workers, an API, and streams of submits whose answers are noted."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson
import urllib3

from jobsapi import jobs
from jobsapi.client import Client
from jobsapi.errors import JobsApiError, StoreUnavailable
from jobsapi.settings import Settings
from jobsapi.store import Store, connect
from tests.system import System, free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Losses", "Rig", "Stream", "rig"]

_MOST_SUBMITS = 50_000
_PAUSE = 0.01


class Stream(threading.Thread):
    """Submits one job after the other until it is stopped; `answered`: id → when its 202 or its return came."""

    def __init__(self, way: Client | Store, task: str = "work", **params: object) -> None:
        super().__init__(daemon=True)
        self._way, self._task, self._params = way, task, params
        self.answered: dict[str, float] = {}
        self.refused: list[str] = []
        self._stopped = threading.Event()
        self.start()

    def run(self) -> None:
        for _ in range(_MOST_SUBMITS):
            if self._stopped.wait(_PAUSE):
                return
            try:
                if isinstance(self._way, Client):
                    job = self._way.add_job(self._task, self._params)
                else:
                    job = jobs.add_job(self._task, self._params, store=self._way)
            except StoreUnavailable as refusal:
                self.refused.append(refusal.code)
            else:
                self.answered[job.id] = time.monotonic()

    def stop(self) -> dict[str, float]:
        """No more submits; what was answered."""
        self._stopped.set()
        self.join(90)
        assert not self.is_alive(), "a submit hangs"
        return self.answered


class Losses:
    """How many of the jobs that were answered the store did not have after a kill, and how old the oldest was."""

    def __init__(self, answered: dict[str, float], known: dict[str, str], killed_at: list[float]) -> None:
        self.lost = {jid: at for jid, at in answered.items() if jid not in known}
        self.kills = {next(each for each in killed_at if each > at - 0.1) for at in self.lost.values()}
        self.oldest = max(
            (min(each - at for each in killed_at if each > at - 0.1) for at in self.lost.values()), default=0
        )
        print(
            f"{len(killed_at)} kills, {len(answered):,} jobs answered, {len(self.lost)} of them lost, in "
            f"{len(self.kills)} of the kills; the oldest of these was answered {self.oldest:.2f} s before its kill"
        )


class Rig(System):
    """A system whose server's address is `url`."""

    def __init__(self, url: str, folder: Path, **settings: str) -> None:
        namespace = f"t-{uuid.uuid4().hex[:12]}"
        environment = {"REDIS_URL": url, "JOBSAPI_NAMESPACE": namespace, "JOBSAPI_PORT": str(free_port()), **settings}
        super().__init__(connect(Settings.from_environment(environment)), environment, folder)
        self.url = f"http://127.0.0.1:{environment['JOBSAPI_PORT']}"
        self._stores = [self.store]

    def api(self) -> Client:
        """Start an API; a client of it."""
        command = [sys.executable, "-m", "jobsapi", "api"]
        self.processes.append(subprocess.Popen(command, env=self.environment, stdout=self._log, stderr=self._log))
        client = Client(self.url)
        until("the API answers", lambda: _answers(client))
        return client

    def another_store(self) -> Store:
        """As another process would have it."""
        self._stores.append(connect(self.store.settings))
        return self._stores[-1]

    def known(self) -> dict[str, str]:
        """Every job that the store has: id → status."""
        found: dict[str, str] = {}
        below: int | None = None
        for _ in range(1000):
            page, below, _ = jobs.list_jobs(limit=1000, below=below, store=self.store)
            found |= {job.id: job.status for job in page}
            if below is None:
                break
        return found

    def check_everything(self, seconds: float = 120.0, *, may_lose: bool = False) -> dict[str, str]:
        """Every job that the store has completed, once, and every further run has a lost delivery in its story.

        `may_lose`: the server may have forgotten what it had answered, so there may be runs of claims it does not know.
        """
        until("nothing is left to do", self._is_done, seconds)
        known = self.known()
        runs: dict[str, list[str]] = {}
        for line in self.effects.read_text().splitlines():
            word, jid, token, _ = line.split()
            if word == "begin":
                runs.setdefault(jid, []).append(token)
        for jid, status in known.items():
            assert status == "complete", dict(self.job(jid))
            tokens = runs[jid]
            assert len(tokens) == len(set(tokens)), "one claim ran twice"
            final = jobs.get_record(self.store, jid).token
            assert final in tokens
            if len(tokens) > 1 and not may_lose:
                lost = {line["token"] for line in self.job(jid).attempts if line["outcome"] == "lost"}
                assert set(tokens) <= lost | {final}, "a run that neither completed nor is told as lost"
        completed = sum(count for _, outcome, count in jobs.count_ended(self.store) if outcome == "complete")
        assert completed == len(known)
        return known

    def _is_done(self) -> bool:
        rows = jobs.count_jobs(self.store)
        return all(status.value in ("complete", "failed", "cancelled") or not count for status, _, _, count, _ in rows)

    def post(self, key: str = "") -> tuple[int, Mapping[str, str], dict[str, Any]]:
        """One `POST /jobs` without any help of the client library: status, headers, body. `key`: Idempotency-Key."""
        body = orjson.dumps({"task": "work", "params": {"seconds": 0.01}})
        headers = {"Idempotency-Key": key} if key else {}
        answer = urllib3.request("POST", f"{self.url}/jobs", body=body, headers=headers, retries=False, timeout=60.0)
        return answer.status, answer.headers, orjson.loads(answer.data)

    def close(self) -> None:
        super().close()
        for each in self._stores:
            each.close()


def _answers(client: Client) -> bool:
    try:
        client.tasks()
    except JobsApiError:
        return False
    return True


@contextmanager
def rig(url: str, folder: Path, **settings: str) -> Iterator[Rig]:
    """A system on that server; everything it started is ended."""
    made = Rig(url, folder, **settings)
    try:
        yield made
    finally:
        made.close()
