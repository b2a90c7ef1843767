"""Webhooks: tells the URL that a job names of the job's end, at least once, and tries again for about a day."""

from __future__ import annotations

import contextlib
import datetime
import http.client
import random
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson
from standardwebhooks.webhooks import Webhook

from jobsapi import outbound
from jobsapi.errors import JobsApiError, StoreUnavailable, UnknownJob
from jobsapi.reads import get_job_by_id, get_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobsapi.store import Store

__all__ = ["PAUSES", "Due", "Sender", "count_webhooks", "send", "take_webhooks"]

PAUSES = (5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200)
"""Seconds after each try that was not taken; after the tenth, most of a day after the first, it is given up."""

_TIMEOUT = 15.0
"""Seconds that one try may take after the host's name was looked up."""
_LEASE = 60.0
"""Seconds that a sender has a webhook for itself; one that dies leaves it to another after so long."""
_AT_ONCE = 4
_EVERY = 2.0
"""Seconds between two looks of one sender, should no word come."""
_MOST_READ = 1024
_MOST_ADDRESSES = 3
_GONE = 410


@dataclass(frozen=True)
class Due:
    """A webhook that is to be sent now, under a lease."""

    id: str
    """The job's."""
    url: str
    number: int
    """Which end of the job it tells: a retry makes another."""
    tries: int
    """This one among them."""
    until: int
    """When the lease ends, ms by the server's clock; also what tells this sender from another."""

    @property
    def message(self) -> str:
        """The same for every try, so that receivers can drop doubles."""
        return f"{self.id}-{self.number}"


def take_webhooks(store: Store, most: int) -> list[Due]:
    """Up to `most` webhooks that are due, for this sender alone while the lease holds. Raises StoreUnavailable."""
    rows = store.run("webhook_take", round(_LEASE * 1000), most, len(PAUSES) + 1)
    return [
        Due(jid.decode(), url.decode(), int(number), int(tries), int(until)) for jid, url, number, tries, until in rows
    ]


def count_webhooks(store: Store) -> tuple[int, dict[str, int]]:
    """How many are to be sent, now or later; how many were `delivered` and `given-up` since the store began.

    Raises StoreUnavailable.
    """
    ends = store.call("hgetall", store.keys.webhook_ends())
    return store.call("zcard", store.keys.webhooks()), {name.decode(): int(count) for name, count in ends.items()}


def send(store: Store, due: Due) -> None:
    """One try, and what came of it recorded. Raises StoreUnavailable: then another try follows after the lease."""
    try:
        record = get_record(store, due.id)
        if not (record.is_ended and record.webhook and record.webhook.number == due.number):
            return  # it was retried meanwhile: its next end is another webhook
        job = get_job_by_id(due.id, store=store)
    except UnknownJob:
        return
    job.pop("webhook", None)
    problem, is_final = _tried(store, due, orjson.dumps(job))
    pause = "" if is_final or due.tries > len(PAUSES) else round(PAUSES[due.tries - 1] * random.uniform(900, 1100))
    store.run("webhook_told", due.id, due.until, problem[:500], pause)


def _tried(store: Store, due: Due, body: bytes) -> tuple[str, bool]:
    """What went wrong ("": it was taken), and whether another try makes no sense."""
    try:
        status = _post(store, due, body)
    except TimeoutError:
        return f"It did not answer within {_TIMEOUT:g} s.", False
    except outbound.NotAllowed as problem:
        return str(problem), False
    except (OSError, http.client.HTTPException) as problem:
        return f"{type(problem).__name__}: {problem}", False
    if 200 <= status < 300:
        return "", True
    note = ", and redirects are not followed" if 300 <= status < 400 else ""
    return f"It answered {status}{note}.", status == _GONE


def _post(store: Store, due: Due, body: bytes) -> int:
    """The status of the answer. Raises OSError (TimeoutError among them), HTTPException, NotAllowed."""
    headers = _headers(store, due, body)
    sock = _connected(store, due.url)
    is_late = threading.Event()
    deadline = threading.Timer(_TIMEOUT, _shut, [sock, is_late])  # a socket's own timeout is only that of one read
    deadline.start()
    try:
        return _answered(sock, due.url, headers, body)
    except (OSError, http.client.HTTPException) as problem:
        if is_late.is_set():
            raise TimeoutError from problem
        raise
    finally:
        deadline.cancel()
        sock.close()


def _connected(store: Store, url: str) -> socket.socket:
    """To an address that was checked; the name is not looked up a second time, and no proxy is used."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    last: OSError | None = None
    for address in outbound.addresses(store.settings, url)[:_MOST_ADDRESSES]:
        try:
            sock = socket.create_connection((address, port), timeout=_TIMEOUT / _MOST_ADDRESSES)
        except OSError as problem:
            last = problem
            continue
        sock.settimeout(_TIMEOUT)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return context.wrap_socket(sock, server_hostname=parts.hostname, do_handshake_on_connect=False)
        return sock
    raise last or OSError("the host has no address")


def _shut(sock: socket.socket, is_late: threading.Event) -> None:
    is_late.set()
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of TLS too, under a read that is under way


def _answered(sock: socket.socket, url: str, headers: Mapping[str, str], body: bytes) -> int:
    """The status; redirects are not followed, and of the answer's body next to nothing is read."""
    parts = urlsplit(url)
    if isinstance(sock, ssl.SSLSocket):
        sock.do_handshake()
    connection = http.client.HTTPConnection(str(parts.hostname))
    connection.sock = sock
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", target, body, {"Host": parts.netloc, **headers})
    with connection.getresponse() as response:
        with contextlib.suppress(OSError, http.client.HTTPException):
            response.read(_MOST_READ)  # so that who answers with a few words can end them
        return response.status


def _headers(store: Store, due: Due, body: bytes) -> Mapping[str, str]:
    """Those of Standard Webhooks; without a secret there is no signature."""
    now = datetime.datetime.fromtimestamp(store.time_ms() // 1000, datetime.UTC)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "jobsapi",
        "Connection": "close",
        "webhook-id": due.message,
        "webhook-timestamp": str(int(now.timestamp())),
    }
    signed = [Webhook(secret).sign(due.message, now, body.decode()) for secret in store.settings.webhook_secrets]
    return headers | ({"webhook-signature": " ".join(signed)} if signed else {})


class Sender:
    """Sends what is due, a few at a time, in threads of its own; whoever has one need not wait for anything."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._busy: set[threading.Thread] = set()

    def start(self) -> None:
        """Look every two seconds, and when told to."""
        threading.Thread(target=self._run, daemon=True, name="webhooks").start()

    def look(self) -> None:
        """A job may have ended whose webhook is to be sent."""
        self._woken.set()

    def close(self, seconds: float = 2.0) -> None:
        """Send what is due now, if it takes no longer than so; the rest is left to other workers."""
        with contextlib.suppress(JobsApiError):
            self._send_due()
        self._stopped.set()
        self._woken.set()
        deadline = time.monotonic() + seconds
        for each in list(self._busy):
            each.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(JobsApiError):  # the server is away: its worker says so
                self._send_due()
            self._woken.wait(_EVERY)
            self._woken.clear()

    def _send_due(self) -> None:
        while not self._stopped.is_set() and (free := _AT_ONCE - len(self._busy)) > 0:
            taken = take_webhooks(self._store, free)
            for due in taken:
                thread = threading.Thread(target=self._send, args=(due,), daemon=True, name=f"webhook {due.id}")
                self._busy.add(thread)
                thread.start()
            if len(taken) < free:
                return

    def _send(self, due: Due) -> None:
        try:
            with contextlib.suppress(StoreUnavailable):
                send(self._store, due)
        finally:
            self._busy.discard(threading.current_thread())
            self._woken.set()
