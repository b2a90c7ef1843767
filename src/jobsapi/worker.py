"""The worker: claim → run → finish, with the leases renewed meanwhile; signals and cancels are heard at once."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobsapi import jobs, registry, upkeep
from jobsapi.ahead import Ahead
from jobsapi.apps import BUILT_IN
from jobsapi.duties import BEAT_EVERY, Duties
from jobsapi.errors import JobsApiError, NotHolder, StoreUnavailable, UnknownJob
from jobsapi.finish import completion, ending
from jobsapi.listener import Listener
from jobsapi.patience import Patience
from jobsapi.renewing import Renewer
from jobsapi.runner import Broken, Died, Done, Output, Progress, Ready, Returned, Stopped, pool_of_worker
from jobsapi.running import Running
from jobsapi.store import connect_when_up, wait_until_up
from jobsapi.timetable import Timetable
from jobsapi.turns import Turns
from jobsapi.webhooks import Sender

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobsapi.jobs import Claim
    from jobsapi.runner import Pool
    from jobsapi.settings import Settings

__all__ = ["Worker"]

_LOG_EVERY, _RETRY_EVERY = 0.3, 0.5


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
        self._unsettled: set[Running] = set()
        """Those of them whose ends are recorded each by itself; until then they keep their slots."""
        self._returned: list[Running] = []
        self._turns = Turns(self.id)
        self._is_deep = False
        """The last claim brought as many jobs as were asked for: more may be waiting."""
        self._stop_at: float | None = None
        self._pool = pool or pool_of_worker(app, settings)
        self._ahead = Ahead(self._pool, settings.lease)
        self._timetable = Timetable()
        self._patience = Patience(self.id, self._timetable)
        self._guarded, self._note = self._patience.guarded, self._patience.note
        self._exit_code = 0
        self._is_hungry = True

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
        self._duties = Duties(self._store, self.id, self._timetable)
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
            while self._stop_at is None or self._running or self._turns.is_underway:
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
        self._ahead.put_back(self._returned)
        self._returned.clear()
        self._move_up()
        self._hear()
        if self._timetable.has_come("move"):
            self._guarded(self._duties.move)
        if self._timetable.is_due("flush", _LOG_EVERY):
            for running in [each for each in self._running.values() if not each.is_log_sent]:
                self._guarded(partial(running.send_log, self._store))
        for jid, token, is_held in self._renewer.answers():
            self._hear_of(jid, token, is_held=is_held)
        if self._timetable.is_due("settle", _RETRY_EVERY):
            for running in list(self._unsettled):
                self._settle(running)
        if self._timetable.is_due("beat", BEAT_EVERY):
            self._guarded(self._beat)
        if self._timetable.is_due("upkeep", upkeep.EVERY):
            self._guarded(self._duties.keep_up)
        self._hand_back_when_grace_is_over()

    def _hear(self) -> None:
        """What the listener was told."""
        heard = self._listener.heard()
        if heard.has_reply or self._turns.is_late:
            self._patience.tried(self._hear_turn)
        self._is_hungry = self._is_hungry or heard.look
        for word in heard.words:
            if word == registry.DRAIN:
                self._drain()
            else:
                self._stop_job(word, "cancelled")
        if heard.stir:
            self._sender.look()
            self._timetable.plan("move", 0.0)

    def _learn_tasks(self) -> bool:
        """Wait for the first child to tell the app's tasks, and publish them; False where the app cannot be used."""
        while not self._tasks and self._stop_at is None:
            ready = next((e for e in self._pool.poll(1.0, self._listener.fd) if isinstance(e, Ready | Broken)), None)
            if isinstance(ready, Broken):
                sys.stderr.write(ready.traceback)
                return False
            self._tasks = ready.tasks if ready else []
        self._names = [each["name"] for each in self._tasks if not (self._settings.threads and each["memory_mb"])]
        if limited := {each["name"] for each in self._tasks} - set(self._names):
            self._note(f"it runs jobs in threads and takes none of tasks with memory_mb: {', '.join(sorted(limited))}")
        if not self._weights:
            self._weights = {each["queue"]: 1.0 for each in self._tasks}
        published = False
        while not published and self._stop_at is None:
            published = self._guarded(lambda: self._duties.publish(self._app, self._tasks, self._note))
            published = published and self._guarded(self._beat)
            if not published:
                wait_until_up(self._store, 1.0)
        return True

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
        """Record the ends that came and take jobs into the free slots; when the queues are empty, ask to be woken.

        While jobs run, the reply is not waited for.
        """
        turns = self._turns
        if self._stop_at is not None:
            for running in turns.take():
                self._settle(running)
            return
        if turns.is_underway or (turns.ended and self._ahead.may_wait(turns.ended_at)):
            return
        if not (turns.ended or self._is_hungry):
            return
        self._is_hungry, free = False, self._free
        ahead = self._ahead.room(self._running.values(), free) if self._is_deep else 0
        is_idle = len(self._running) == len(turns.ended)
        try:
            turns.send(self._store, self._weights, self._names, free, ahead, self._ahead.short())
        except JobsApiError:
            self._fail_turn()
            raise
        if is_idle or turns.socket is None:
            self._hear_turn()
        else:
            self._listener.expect(turns.socket)

    def _hear_turn(self) -> None:
        self._listener.expect_no_more()
        try:
            heard = self._turns.hear()
        except JobsApiError:
            self._fail_turn()
            raise
        for running, refusal in heard.ended:
            self._forget(running, refusal)
        self._take(heard.claims, heard.free, heard.ahead)

    def _fail_turn(self) -> None:
        self._is_hungry = True
        self._unsettled |= {each for each in self._running.values() if each.ending and not each.completion}

    @property
    def _free(self) -> int:
        """The slots that a job may have; where there are none, a word that was heard is passed on to an idle worker."""
        return max(0, self._pool.free - len(self._unsettled))  # an end that is still to be recorded has one

    def _take(self, claims: Sequence[Claim], free: int, ahead: int) -> None:
        new = [claim for claim in claims if not self._is_still_run(claim)]
        if free + ahead:
            self._is_deep = len(claims) >= free + ahead
        room = self._pool.free if self._stop_at is None else 0
        most = room + ahead if self._stop_at is None else 0  # it was told to stop meanwhile
        taken = [Running(claim) for claim in new[:most]]
        self._running |= {each.claim.id: each for each in taken}
        self._ahead.put(taken)
        self._move_up()
        for claim in new[most:]:
            self._release(Running(claim))
        if len(new) < free and self._stop_at is None:
            self._listener.arm()

    def _move_up(self) -> None:
        """Let jobs that were claimed ahead begin; those that will not soon go back to where others may take them."""
        if self._stop_at is not None:
            self._pool.recall()
        else:
            self._ahead.move_up(self._free)
        if self._ahead and (self._stop_at is not None or self._ahead.seconds_to_hand_back() <= 0):
            self._is_deep = False
            for running in self._ahead.take(len(self._ahead)):
                self._release(running)

    def _release(self, running: Running) -> None:
        """Hand back a job that has not begun, perhaps because it came again after a lost reply, or still runs here."""
        self._running[running.claim.id] = running
        running.ending = ending(self._store, running.claim, Stopped(running.claim.id, "released"))
        self._settle(running)

    def _is_still_run(self, claim: Claim) -> bool:
        """Whether an earlier run of the job goes on in a child of ours: its lease ran out, and we took it anew.

        That run is stopped, and at its end the new claim is handed back: its end must not be told as this one's.
        """
        stale = self._running.get(claim.id)
        if stale is None or stale.ending or self._ahead.remove(stale):
            return False
        stale.is_lost, stale.next_claim = True, claim
        self._pool.stop(claim.id, "released")
        return True

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
        if isinstance(event, Returned):
            self._returned.append(running)
        elif isinstance(event, Output):
            if running.keep_log(event.data, self._settings.max_log):
                self._guarded(lambda: running.send_log(self._store))
        elif isinstance(event, Progress):
            told = event.fraction, event.message
            self._guarded(lambda: jobs.report_progress(self._store, claim.id, claim.token, *told))
        else:
            if isinstance(event, Died) and event.signal == signal.SIGTERM and self._stop_at is not None:
                event = Stopped(claim.id, "released")  # the SIGTERM that came to us went to the child as well
            self._ahead.learn(running, event.seconds if isinstance(event, Done) else 0.0)
            running.ending = ending(self._store, claim, event)
            running.completion = None if running.is_lost else completion(self._store, claim, event)
            self._guarded(lambda: running.send_log(self._store))
            if running.completion and running.is_log_sent:
                self._turns.add(running)
            else:
                running.completion = None
                self._settle(running)

    def _settle(self, running: Running) -> None:
        """Record a job's end; while the server is away it is tried again, and the job stays ours."""
        assert running.ending is not None
        self._unsettled.add(running)
        if not self._patience.may_ask:
            return
        try:
            if not running.is_lost:
                running.send_log(self._store)
                running.ending()
        except StoreUnavailable:
            self._patience.leave_alone("the store does not answer; what jobs end with is kept")
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
        if self._running.get(running.claim.id) is running:
            del self._running[running.claim.id]
        self._unsettled.discard(running)
        if running.next_claim:
            self._release(Running(running.next_claim))

    # --- What goes on meanwhile -------------------------------------------------------------------------------------

    def _hear_of(self, jid: str, token: str, *, is_held: bool) -> None:
        """A renewal told that a job's cancel was asked for, or that its claim was taken from us."""
        running = self._running.get(jid)
        if running is None or running.claim.token != token:
            return  # its end was recorded meanwhile
        running.is_lost = running.is_lost or not is_held
        self._stop_job(jid, "cancelled" if is_held else "released")

    def _stop_job(self, jid: str, why: str) -> None:
        running = self._running.get(jid)
        if running and self._ahead.remove(running):
            self._release(running)  # the server knows whether it is cancelled
        elif running and not running.ending:
            self._pool.stop(jid, why)

    def _beat(self) -> None:
        facts: dict[str, str | int | float] = {
            "concurrency": self._pool.size,
            "state": "running" if self._stop_at is None else "draining",
            "queues": " ".join(self._weights),
            "tasks": " ".join(self._names),
            "running": " ".join(self._running),
            registry.MEMORY: self._pool.memory(),
        }
        if self._duties.beat(facts):
            self._drain()

    def _seconds_to_next_due(self) -> float:
        if self._turns.ended and not self._turns.is_underway and self._patience.may_ask:
            return 0.001 if self._ahead else 0.0
        if self._is_hungry and self._stop_at is None and self._pool.free > 0:
            return 0.05  # the server was away just now: ask again soon
        waited_for = {"beat", "upkeep", "move"}
        if self._running:
            waited_for |= {"flush", "settle"}
        seconds = min(self._timetable.seconds_to_next(waited_for), self._ahead.seconds_to_hand_back())
        return seconds if self._stop_at is None else max(0.0, min(seconds, self._stop_at - time.monotonic()))
