"""A stream of jobs of every kind, sent over HTTP and from Python while what takes them is killed; what was answered."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import urllib3

from jobsapi import Client, errors, jobs
from jobsapi.names import new_id
from jobsapi.states import ACTIVE, Status
from tests.faults.kinds import Wish, draw

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from jobsapi.store import Store

MOST_WAITING = 60
"""Jobs in the queues above which no more are sent: the backlog stays short, so that each fault meets running jobs."""

PATIENCE = 60.0
"""Seconds for one request to be answered, by whichever API."""


@dataclass
class Sent:
    """A submit and its answer."""

    wish: Wish
    tag: str
    way: str
    ids: list[str] = field(default_factory=list)
    """The accepted jobs."""
    refusal: str = ""
    """The code of the error it was refused with."""
    is_unknown: bool = False
    """Nobody answered to the end: all of it is recorded, or nothing."""


class Resender:
    """Sends one request to one API after the other until it is answered."""

    def __init__(self, urls: Sequence[str], chance: random.Random) -> None:
        self._urls, self._chance = list(urls), chance
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=2, read=4))
        self.resent = 0
        """How many requests were sent again."""

    def post(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The answer: its status and its JSON."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                url = self._chance.choice(self._urls)
                encoded = None if body is None else orjson.dumps(body)
                answer = self._http.request("POST", url + path, body=encoded, headers=headers)
                if answer.status < 500:
                    return answer.status, orjson.loads(answer.data)
            except (urllib3.exceptions.HTTPError, orjson.JSONDecodeError):
                pass
            assert time.monotonic() < deadline, f"no API answers POST {path}"
            self.resent += 1
            time.sleep(0.2)


class Stream(threading.Thread):
    """Submits until it is told to stop, and cancels what is to be cancelled."""

    def __init__(self, store: Store, urls: Sequence[str], chance: random.Random, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.sent: list[Sent] = []
        self.problem: BaseException | None = None
        self.http = Resender(urls, chance)
        self._store, self._urls, self._chance = store, urls, chance
        self._to_cancel: deque[tuple[str, str]] = deque()
        self._is_over = threading.Event()

    def run(self) -> None:
        """Send and cancel; what goes wrong is kept for the test to see."""
        try:
            while not self._is_over.is_set():
                if self._waiting() < MOST_WAITING:
                    self._send()
                self._cancel_one()
                self._is_over.wait(self._chance.expovariate(1 / 0.05))
            while self._to_cancel:
                self._cancel_one()
                time.sleep(0.01)
        except BaseException as problem:
            self.problem = problem

    def stop(self) -> None:
        """Send no more, and wait until what is to be cancelled was told so."""
        self._is_over.set()
        self.join(2 * PATIENCE)
        assert not self.is_alive(), f"jobs to be cancelled never ran: {list(self._to_cancel)[:5]}"
        if self.problem:
            raise self.problem

    def _waiting(self) -> int:
        counts = jobs.count_jobs(self._store)
        return sum(count for status, _, _, count, _ in counts if status is Status.SUBMITTED)

    def _send(self) -> None:
        wish = draw(self._chance)
        sent = Sent(wish, tag=f"{self.name}-{len(self.sent)}", way=self._chance.choice(["http", "client", "python"]))
        requests = [request | {"tags": [sent.tag]} for request in wish.requests]
        getattr(self, f"_by_{sent.way}")(sent, requests)
        self.sent.append(sent)
        self._to_cancel += [(jid, wish.cancel) for jid in sent.ids if wish.cancel]

    def _by_http(self, sent: Sent, requests: list[dict[str, Any]]) -> None:
        body = requests if sent.wish.is_array else requests[0]
        status, answer = self.http.post("/jobs", body, **{"Idempotency-Key": new_id()})
        if status == 202:
            sent.ids = [each["id"] for each in answer["jobs"]] if sent.wish.is_array else [answer["id"]]
        else:
            sent.refusal = answer["type"].rpartition(":")[2]

    def _by_client(self, sent: Sent, requests: list[dict[str, Any]]) -> None:
        client = Client(self._chance.choice(list(self._urls)), timeout=4)
        try:
            made = client.add_jobs(requests) if sent.wish.is_array else [client.add_job(**requests[0])]
        except errors.ApiUnavailable:
            sent.is_unknown = True
        except errors.JobsApiError as refusal:
            sent.refusal = refusal.code
        else:
            sent.ids = [job.id for job in made]
        finally:
            client.close()

    def _by_python(self, sent: Sent, requests: list[dict[str, Any]]) -> None:
        try:
            sent.ids = [job.id for job in jobs.add_jobs(requests, store=self._store)]
        except errors.JobsApiError as refusal:
            sent.refusal = refusal.code

    def _cancel_one(self) -> None:
        if not self._to_cancel:
            return
        jid, when = self._to_cancel.popleft()
        status = jobs.get_record(self._store, jid).status
        if when == "running" and status in ACTIVE and status is not Status.IN_PROGRESS:
            self._to_cancel.append((jid, when))
            return
        code, answer = self.http.post(f"/jobs/{jid}/cancel")
        assert code in (200, 409), answer
