"""The worker: claim → run → finish, with the leases renewed meanwhile; signals and cancels are heard at once."""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobsapi import jobs, registry, schedules, upkeep
from jobsapi.apps import BUILT_IN
from jobsapi.claims import complete_and_claim
from jobsapi.errors import NotHolder, SetupError, StoreUnavailable, UnknownJob
from jobsapi.finish import completion, ending
from jobsapi.listener import Listener
from jobsapi.names import new_id
from jobsapi.renewing import Renewer
from jobsapi.runner import Broken, Died, Output, Progress, Ready, Stopped, pool_of_worker
from jobsapi.running import Running
from jobsapi.store import connect_when_up, wait_until_up
from jobsapi.timetable import Timetable
from jobsapi.webhooks import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jobsapi.jobs import Claim
    from jobsapi.runner import Pool
    from jobsapi.settings import Settings

__all__ = ["Worker"]

_BEAT_EVERY = 2.0
_LOG_EVERY = 0.3
_RETRY_EVERY = 0.5
_ASK_EVERY = 0.1
"""Seconds for which a server that did not do what was asked is left alone: one call that hangs is enough for a turn."""


class Worker:
    """Runs the jobs of an app's tasks in child processes until it is told to stop.

    Single-threaded but for the listener's blocking reads, the renewer and what sends webhooks. The server may go away
    at any time: children run on, and what is to be recorded is kept until it is back.
    """

    def __init__(
        self,
        app: str | None,
        settings: Settings,
        *,
        name: str = "1",
        queues: Mapping[str, float] | None = None,
        pool: Pool | None = None,
    ) -> None:
        """`queues`: name → weight; default, every queue that the app's tasks name. `pool`: default the settings'."""
        self.id = f"{socket.gethostname()}:{os.getpid()}:{name}"
        self._app = Path(app).stem if app else BUILT_IN
        self._settings = settings
        self._weights = dict(queues or {})
        self._tasks: list[dict[str, Any]] = []
        self._names: list[str] = []
        """The tasks that it takes jobs of."""
        self._running: dict[str, Running] = {}
        self._ended: list[Running] = []
        """Those of them whose ends are recorded together, in the next turn."""
        self._stop_at: float | None = None
        self._pool = pool or pool_of_worker(app, settings)
        self._timetable = Timetable()
        self._exit_code = 0
        self._is_hungry = True
        self._claim_token = new_id()
        self._started_ms = 0  # told by the server's clock, with the first heartbeat

    # --- The life of the worker -------------------------------------------------------------------------------------

    def run(self) -> int:
        """Work until it is drained, or SIGTERM (jobs go on for the grace time), or SIGINT (jobs are handed back).

        The exit code.
        """
        self._pool.start()  # its children import the app while this connects
        try:
            self._store = connect_when_up(self._settings, "worker")
        except BaseException:
            self._pool.close()
            raise
        self._listener = Listener(self._store, self._store.keys.control(self.id))
        self._sender = Sender(self._store)
        self._renewer = Renewer(
            self._store,
            claims=lambda: [(each.claim.id, each.claim.token) for each in list(self._running.values())],
            hold=lambda: self._pool.hold(self._settings.lease),
            wake=self._listener.interrupt,
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        try:
            if not self._learn_tasks():
                return 1
            self._listener.start([self._store.keys.wake(q, n) for q in self._weights for n in self._names])
            self._sender.start()
            self._renewer.start()
            while not self._is_finished():
                self._renewer.turned()
                self._step()
            return self._exit_code
        finally:
            self._renewer.close()
            self._listener.close()
            self._pool.close()
            self._sender.close()
            self._guarded(lambda: registry.leave(self._store, self.id))

    def _step(self) -> None:
        """One turn: take jobs into free slots, hear what happened, and do what is due."""
        self._guarded(self._turn)
        for event in self._pool.poll(self._seconds_to_next_due(), self._listener.fd):
            self._handle(event)
        heard = self._listener.heard()
        self._is_hungry = self._is_hungry or heard.look
        for word in heard.words:
            if word == registry.DRAIN:
                self._drain()
            else:
                self._stop_job(word, "cancelled")
        if heard.stir:
            self._sender.look()
        if heard.stir or self._timetable.has_come("move"):
            self._guarded(self._move)
        if self._timetable.is_due("flush", _LOG_EVERY):
            self._guarded(self._send_logs)
        for jid, token, is_held in self._renewer.answers():
            self._hear_of(jid, token, is_held=is_held)
        if self._timetable.is_due("settle", _RETRY_EVERY):
            for running in [each for each in self._running.values() if each.ending and not each.completion]:
                self._settle(running)
        if self._timetable.is_due("beat", _BEAT_EVERY):
            self._guarded(self._beat)
        if self._timetable.is_due("upkeep", upkeep.EVERY):
            self._guarded(self._keep_up)
        self._hand_back_when_grace_is_over()

    def _learn_tasks(self) -> bool:
        """Wait for the first child to tell the app's tasks, and publish them; False where the app cannot be used."""
        while not self._tasks and self._stop_at is None:
            for event in self._pool.poll(1.0, self._listener.fd):
                if isinstance(event, Ready):
                    self._tasks = event.tasks
                elif isinstance(event, Broken):
                    sys.stderr.write(event.traceback)
                    return False
        self._names = [each["name"] for each in self._tasks if not (self._settings.threads and each["memory_mb"])]
        if limited := {each["name"] for each in self._tasks} - set(self._names):
            self._note(f"it runs jobs in threads and takes none of tasks with memory_mb: {', '.join(sorted(limited))}")
        if not self._weights:
            self._weights = {each["queue"]: 1.0 for each in self._tasks}
        published = False
        while not published and self._stop_at is None:
            published = self._guarded(self._publish) and self._guarded(self._beat)
            if not published:
                wait_until_up(self._store, 1.0)
        return True

    def _publish(self) -> None:
        registry.publish(self._store, self._tasks)
        for name in schedules.publish(self._store, self._app, self._tasks):
            self._note(f"a schedule named {name} was made by hand and stays; the code's own is not made")

    def _is_finished(self) -> bool:
        return self._stop_at is not None and not self._running

    def _on_signal(self, number: int, _frame: Any) -> None:
        is_first = self._stop_at in (None, float("inf"))
        grace = self._settings.grace if number == signal.SIGTERM and is_first else 0.0
        self._stop_at = time.monotonic() + grace
        self._listener.interrupt()

    def _drain(self) -> None:
        """Claim no more; the jobs that run have all the time they need."""
        if self._stop_at is None:
            self._stop_at = float("inf")
            self._guarded(self._beat)

    def _hand_back_when_grace_is_over(self) -> None:
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            for jid, running in self._running.items():
                if not running.ending:
                    self._pool.stop(jid, "released")

    # --- A job's line: claim, run, finish ---------------------------------------------------------------------------

    def _turn(self) -> None:
        """Record the ends that came and take jobs into the free slots; when the queues are empty, ask to be woken."""
        ended, self._ended = self._ended, []
        ends = [running.completion for running in ended if running.completion]
        for running in ended:
            running.completion = None  # should this turn fail, each is recorded by itself
        if self._stop_at is not None or not (ended or self._is_hungry):
            for running in ended:
                self._settle(running)
            return
        kept = sum(each.ending is not None for each in self._running.values()) - len(ended)  # a kept end has a slot
        free = max(0, self._pool.free - kept)  # where it is full, a word that was heard is passed on to an idle worker
        self._is_hungry = False
        wanted = dict.fromkeys(_shuffled(self._weights), self._names)
        lease = self._settings.lease
        try:
            told = complete_and_claim(self._store, ends, self.id, wanted, free, lease, self._claim_token)
        except StoreUnavailable:
            self._is_hungry = True  # and the token stays: if the claim was made, the next one gets the same jobs
            raise
        self._claim_token = new_id()
        for running, refusal in zip(ended, told[0], strict=True):
            self._forget(running, refusal)
        self._take(told[1], free)

    def _take(self, claims: Sequence[Claim], asked: int) -> None:
        new = [claim for claim in claims if not self._is_still_run(claim)]
        room = self._pool.free
        self._run(new[:room])
        for claim in new[room:]:
            self._hand_back(claim)
        if len(new) < asked:
            self._listener.arm()

    def _run(self, claims: Sequence[Claim]) -> None:
        if claims:
            self._running |= {claim.id: Running(claim) for claim in claims}
            self._pool.hold(self._settings.lease)
            self._pool.run([self._running[claim.id].work for claim in claims])

    def _is_still_run(self, claim: Claim) -> bool:
        """Whether an earlier run of the job goes on in a child of ours: its lease ran out, and we took it anew.

        That run is stopped, and at its end the new claim is handed back: its end must not be told as this one's.
        """
        stale = self._running.get(claim.id)
        if stale is None or stale.ending:
            return False
        stale.is_lost, stale.next_claim = True, claim
        self._pool.stop(claim.id, "released")
        return True

    def _hand_back(self, claim: Claim) -> None:
        """There is a job too many: a claim came again after its reply was lost, or while the job is still run here."""
        running = self._running[claim.id] = Running(claim)
        running.ending = ending(self._store, claim, Stopped(claim.id, "released"))
        self._settle(running)

    def _handle(self, event: Any) -> None:
        """Something happened to a child; of a job's end, prepare what records it, and record it."""
        if isinstance(event, Ready):
            self._is_hungry = True  # a slot more
            return
        if isinstance(event, Broken):
            sys.stderr.write(event.traceback)
            self._exit_code = 1
            self._stop_at = self._stop_at or time.monotonic() + self._settings.grace
            return
        running = self._running.get(getattr(event, "job_id", ""))
        if running is None:
            return
        claim = running.claim
        if isinstance(event, Output):
            if running.keep_log(event.data, self._settings.max_log):
                self._guarded(lambda: running.send_log(self._store))
        elif isinstance(event, Progress):
            told = event.fraction, event.message
            self._guarded(lambda: jobs.report_progress(self._store, claim.id, claim.token, *told))
        else:
            if isinstance(event, Died) and event.signal == signal.SIGTERM and self._stop_at is not None:
                event = Stopped(claim.id, "released")  # the SIGTERM that came to us went to the child as well
            running.ending = ending(self._store, claim, event)
            running.completion = None if running.is_lost else completion(self._store, claim, event)
            self._guarded(lambda: running.send_log(self._store))
            if running.completion and running.is_log_sent:
                self._ended.append(running)
            else:
                self._settle(running)

    def _settle(self, running: Running) -> None:
        """Record a job's end; while the server is away it is tried again, and the job stays ours."""
        assert running.ending is not None
        if not self._timetable.has_come("ask"):
            return
        try:
            if not running.is_lost:
                running.send_log(self._store)
                running.ending()
        except StoreUnavailable:
            self._note("the store does not answer; what jobs end with is kept")
            self._timetable.plan("ask", _ASK_EVERY)
            return
        except (NotHolder, UnknownJob) as refusal:
            self._forget(running, refusal)
        else:
            self._forget(running)
        self._is_hungry = True  # a slot more; where a claim comes with the end, it has that slot already

    def _forget(self, running: Running, refusal: Exception | None = None) -> None:
        """A job's end is recorded, or was refused."""
        if refusal:
            what = "was given to another worker or removed meanwhile; this end is not recorded"
            self._note(f"job {running.claim.id} {what}")
        del self._running[running.claim.id]
        if running.next_claim:
            self._hand_back(running.next_claim)

    # --- What goes on meanwhile -------------------------------------------------------------------------------------

    def _hear_of(self, jid: str, token: str, *, is_held: bool) -> None:
        """A renewal told that a job's cancel was asked for, or that its claim was taken from us."""
        running = self._running.get(jid)
        if running is None or running.claim.token != token:
            return  # its end was recorded meanwhile
        running.is_lost = running.is_lost or not is_held
        self._stop_job(jid, "cancelled" if is_held else "released")

    def _move(self) -> None:
        """Let jobs go that need not wait any longer, and be back when the next one's time comes."""
        self._timetable.plan("move", upkeep.EVERY)  # should the server not answer
        self._timetable.plan("move", min(upkeep.move(self._store), upkeep.EVERY))

    def _keep_up(self) -> None:
        tidies = self._timetable.is_due("tidy", upkeep.TIDY_EVERY)
        if upkeep.run(self._store, tidies=tidies) >= upkeep.MUCH:
            self._timetable.plan("upkeep", 0.0)
            if tidies:
                self._timetable.plan("tidy", 0.0)

    def _stop_job(self, jid: str, why: str) -> None:
        running = self._running.get(jid)
        if running and not running.ending:
            self._pool.stop(jid, why)

    def _send_logs(self) -> None:
        for running in self._running.values():
            running.send_log(self._store)

    def _beat(self) -> None:
        self._started_ms = self._started_ms or self._store.time_ms()
        facts: dict[str, str | int | float] = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": self._started_ms,
            "concurrency": self._pool.size,
            "state": "running" if self._stop_at is None else "draining",
            "queues": " ".join(self._weights),
            "tasks": " ".join(self._names),
            "running": " ".join(self._running),
            registry.MEMORY: self._pool.memory(),
            registry.CLOCK: round(time.time() * 1000),
        }
        if registry.beat(self._store, self.id, facts, lifetime=max(self._settings.lease, 3 * _BEAT_EVERY)):
            self._drain()

    # --- Small things -----------------------------------------------------------------------------------------------

    def _guarded(self, act: Callable[[], Any]) -> bool:
        """Do something that can wait for the server to come back, or the machine to be mended; whether it was done."""
        if not self._timetable.has_come("ask"):
            return False
        try:
            act()
        except (StoreUnavailable, SetupError) as problem:
            self._note(f"{problem.detail}")
            self._timetable.plan("ask", _ASK_EVERY)
            return False
        except (NotHolder, UnknownJob):
            return False  # a log line or a progress of a claim that was taken; the next renewal says so
        return True

    def _seconds_to_next_due(self) -> float:
        if self._ended and self._timetable.has_come("ask"):
            return 0.0
        if self._is_hungry and self._stop_at is None and self._pool.free > 0:
            return 0.05  # the server was away just now: ask again soon
        waited_for = {"beat", "upkeep", "move"}
        if self._running:
            waited_for |= {"flush", "settle"}
        seconds = self._timetable.seconds_to_next(waited_for)
        return seconds if self._stop_at is None else max(0.0, min(seconds, self._stop_at - time.monotonic()))

    def _note(self, what: str) -> None:
        """Tell the operator, but not the same thing over and over."""
        if self._timetable.has_come(what):
            self._timetable.plan(what, 10.0)
            sys.stderr.write(f"jobsapi worker {self.id}: {what}\n")


def _shuffled(weights: Mapping[str, float]) -> list[str]:
    """The queues in an order in which each comes first as often as its weight says: none starves."""
    return sorted(weights, key=lambda queue: random.random() ** (1 / weights[queue]), reverse=True)
