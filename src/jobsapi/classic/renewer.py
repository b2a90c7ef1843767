"""The process beside a classic program: renews its claims, hears cancels, and reports what the program dies with."""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobsapi import jobs, registry, upkeep
from jobsapi.classic import endings, records
from jobsapi.classic.home import note
from jobsapi.classic.link import Messages
from jobsapi.classic.signals import STOP
from jobsapi.errors import JobsApiError, NotHolder, StoreUnavailable, UnknownJob
from jobsapi.listener import Listener
from jobsapi.runner.processes import descendants
from jobsapi.settings import Settings
from jobsapi.store import connect, wait_until_up
from jobsapi.webhooks import Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.store import Store

__all__ = ["main"]

_GRACE = 1.5
"""Seconds a function has to end after it was told to stop; then the program is killed."""

_BEAT_EVERY = 2.0
_CONNECT_EVERY = 0.5


@dataclass
class _Held:
    """One claim of the program's."""

    id: str
    token: str
    can_stop: bool
    """Whether a stop can be raised in the program; else it can only be killed."""
    timeout: float | None = None
    """Seconds."""
    late_at: float | None = None
    """When `timeout` is over, by this process's clock."""
    is_ending: bool = False
    """The program is recording its end."""
    stop: str = ""
    """Why it shall stop."""
    kill_at: float | None = None


class _Renewer:
    """Lives as long as the program: it ends when the other end of the line is closed."""

    def __init__(self, line: Messages, program: int, worker: str, settings: Settings) -> None:
        self._line, self._program, self._worker, self._settings = line, program, worker, settings
        self._held: dict[str, _Held] = {}
        self._due: dict[str, float] = {}
        self._is_killed = False
        self._noted = ""
        self._started_ms = 0  # told by the server's clock, with the first heartbeat

    def run(self) -> None:
        """Work until the program ends; then say how what it held ended."""
        store = self._connected()
        if store is None:
            return
        self._store = store
        self._listener = Listener(store, store.keys.control(self._worker))
        self._listener.start([])
        self._sender = Sender(store)
        self._sender.start()
        while self._hear_program():
            self._hear_cancels()
            self._do_what_is_due()
            self._stop_what_is_late()
            select.select([self._line.fileno(), self._listener.fd], [], [], self._seconds_to_next())
        self._listener.close()
        self._report()
        self._sender.close()
        self._guarded(lambda: registry.leave(self._store, self._worker))

    def _connected(self) -> Store | None:
        """The store; None where the program ended before it answered."""
        while True:
            try:
                return connect(self._settings)
            except StoreUnavailable:
                if not self._hear_program():
                    return None
                select.select([self._line], [], [], _CONNECT_EVERY)

    # --- The program ------------------------------------------------------------------------------------------------

    def _hear_program(self) -> bool:
        """Take in what it says; False once it has ended."""
        messages, is_there = self._line.received()
        for message in messages:
            token = message["token"]
            if message["do"] == "hold":
                limit = message["timeout"]
                late_at = time.monotonic() + limit if limit else None
                self._held[token] = _Held(message["id"], token, message["can_stop"], limit, late_at)
            elif message["do"] == "end" and token in self._held:
                self._held[token].is_ending = True
            else:
                self._held.pop(token, None)
        return is_there

    def _ask_to_stop(self, held: _Held, reason: str) -> None:
        """Raise a stop in the program; one that does not heed it is killed later. A lost claim is no reason to kill."""
        if held.stop or held.is_ending:
            return
        held.stop = reason
        if held.can_stop and self._line.send(token=held.token, reason=reason):
            self._signal(STOP)
        if reason != "lost":
            held.kill_at = time.monotonic() + _GRACE

    def _stop_what_is_late(self) -> None:
        now = time.monotonic()
        for held in list(self._held.values()):
            if held.late_at and now >= held.late_at:
                self._ask_to_stop(held, "timeout")
            if held.kill_at and now >= held.kill_at and not held.is_ending:
                held.kill_at = None
                self._kill()

    def _kill(self) -> None:
        """End the program and everything that its function started."""
        self._is_killed = True
        below = [pid for pid in descendants(self._program) if pid != os.getpid()]
        self._signal(signal.SIGKILL)
        for pid in below:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if os.getppid() == self._program:
            os.kill(self._program, number)

    # --- The store --------------------------------------------------------------------------------------------------

    def _hear_cancels(self) -> None:
        heard = self._listener.heard()
        if heard.stir:
            self._sender.look()
            self._due["move"] = 0.0
        for held in list(self._held.values()):
            if held.id in heard.words:
                self._ask_to_stop(held, "cancelled")

    def _do_what_is_due(self) -> None:
        for what, every, act in (
            ("renew", self._settings.lease / 3, self._renew),
            ("beat", _BEAT_EVERY, self._beat),
            ("move", upkeep.EVERY, lambda: upkeep.move(self._store)),
            ("upkeep", min(upkeep.EVERY, self._settings.lease / 3), lambda: upkeep.run(self._store)),
        ):
            if time.monotonic() >= self._due.get(what, 0.0):
                self._due[what] = time.monotonic() + every
                self._guarded(act)

    def _seconds_to_next(self) -> float:
        moments = [*self._due.values()]
        moments += [
            at for held in self._held.values() for at in (held.late_at if not held.stop else None, held.kill_at) if at
        ]
        return max(0.0, min(moments) - time.monotonic())

    def _renew(self) -> None:
        if not self._held:
            return
        claims = [(held.id, held.token) for held in self._held.values()]
        answers = jobs.renew_jobs(self._store, claims, self._settings.lease)
        for held in list(self._held.values()):
            if answers[held.id]:
                self._ask_to_stop(held, "cancelled")
            elif answers[held.id] is None and self._is_ended(held):
                held.is_ending = True
            elif answers[held.id] is None:
                self._ask_to_stop(held, "lost")
                del self._held[held.token]

    def _is_ended(self, held: _Held) -> bool:
        """Whether the program ended it, or one that it started did, and did not tell us yet."""
        try:
            return endings.is_ended(self._store, held.id, held.token)
        except UnknownJob:
            return False

    def _beat(self) -> None:
        self._started_ms = self._started_ms or self._store.time_ms()
        facts: dict[str, str | int | float] = {
            "host": socket.gethostname(),
            "pid": self._program,
            "started": self._started_ms,
            "concurrency": 1,
            "state": "running",
            "queues": records.QUEUE,
            "tasks": records.TASK,
            registry.OWN_LOOP: 1,
            "running": " ".join(held.id for held in self._held.values()),
        }
        registry.beat(self._store, self._worker, facts, lifetime=max(self._settings.lease, 3 * _BEAT_EVERY))

    # --- The end ----------------------------------------------------------------------------------------------------

    def _report(self) -> None:
        """The program is gone. What it still held is lost; where we killed it for one item, only that one is over."""
        for held in self._held.values():
            report = functools.partial(self._report_one, held)
            if not self._guarded(report) and wait_until_up(self._store, self._settings.lease):
                self._guarded(report)  # later the lease has run out by itself

    def _report_one(self, held: _Held) -> None:
        if held.stop:
            endings.stop(self._store, held.id, held.token, held.stop, held.timeout)
        elif self._is_killed:
            jobs.release_job(self._store, held.id, held.token)
        else:
            jobs.lose_job(self._store, held.id, held.token, "the program that worked on it ended")

    def _guarded(self, act: Callable[[], Any]) -> bool:
        """Do something; False where the store was away. What ended or was taken meanwhile needs nothing more."""
        try:
            act()
        except StoreUnavailable:
            return False
        except (NotHolder, UnknownJob):
            return True
        except JobsApiError as problem:
            self._note(problem.detail)  # leases must be renewed whatever else is wrong
        return True

    def _note(self, text: str) -> None:
        if text != self._noted:  # upkeep meets the same fault every second
            self._noted = text
            note(text)


def main(descriptor: str, program: str, worker: str) -> None:
    """Started by `link.Link`: the descriptor of its line, the program's process id, the id it claims under."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it goes when the program does, not before
    line = Messages(socket.socket(fileno=int(descriptor)))
    _Renewer(line, int(program), worker, Settings.from_environment()).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
