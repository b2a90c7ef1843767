"""A real receiver on 127.0.0.1, and a store whose settings let webhooks go there."""

from __future__ import annotations

import base64
import dataclasses
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from jobsapi import jobs, registry
from tests.lua.conftest import SCHEMA
from tests.system import System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.store import Store

SECRET = "whsec_" + base64.b64encode(b"a" * 32).decode()


@dataclass
class Receiver:
    """Keeps what it was sent; answers with the next of `answers`, then with 200."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """path, headers, body"""
    may_answer: threading.Event = field(default_factory=threading.Event)
    has_come: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def until(self, count: int) -> list[tuple[str, dict[str, str], bytes]]:
        """What came, once there are so many."""
        with self.has_come:
            assert self.has_come.wait_for(lambda: len(self.came) >= count, 30), f"{len(self.came)} of {count} came"
            return list(self.came)

    def jobs(self) -> list[dict[str, Any]]:
        return [orjson.loads(body) for _, _, body in self.came]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with made.has_come:
                made.came.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                made.has_come.notify_all()
            made.may_answer.wait(30)
            self.send_response(made.answers.pop(0) if made.answers else 200)
            self.send_header("Location", f"http://127.0.0.1:{made.port}/elsewhere")
            self.end_headers()

        def log_message(self, *words: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        made.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        made.may_answer.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"JOBSAPI_WEBHOOK_HOSTS": "127.0.0.1, localhost", "JOBSAPI_WEBHOOK_SECRET": SECRET}


@dataclass
class Ended:
    """A store on which jobs end as the test says, with a clock of its own."""

    store: Store

    def job(self, url: str, **options: Any) -> str:
        """The id of a job that has just been cancelled, whose webhook goes there."""
        jid = jobs.add_job("work", {}, store=self.store, webhook=url, **options).id
        jobs.cancel_job(jid, store=self.store)
        return jid

    def told(self, jid: str) -> Any:
        return jobs.get_job_by_id(jid, store=self.store)["webhook"]

    def set(self, **settings: Any) -> None:
        self.store.settings = dataclasses.replace(self.store.settings, **settings)


@pytest.fixture
def ended(store: Store) -> Ended:
    described = {"summary": "", "queue": "default", "timeout": None, "default": False, "schema": SCHEMA, "digest": "d"}
    registry.publish(store, [{"name": "work", **described}])
    store.now = 1_700_000_000_000
    return Ended(store)


@pytest.fixture
def system(store: Store, environment: dict[str, str], tmp_path: Path) -> Iterator[System]:
    """A system without workers yet; everything it started is ended."""
    made = System(store, environment, tmp_path, app=Path(__file__).parent.parent / "workers" / "app.py")
    yield made
    made.close()
