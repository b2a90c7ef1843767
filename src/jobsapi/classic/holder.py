"""What this program holds: items under claims, from `take` until their end is recorded."""

from __future__ import annotations

import atexit
import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from jobsapi import jobs
from jobsapi import store as stores
from jobsapi.classic import endings, records
from jobsapi.classic.endings import Item
from jobsapi.classic.home import connected, folder, note, wait_for
from jobsapi.classic.link import Link
from jobsapi.classic.signals import Cancelled, Signals
from jobsapi.errors import NotHolder, StoreUnavailable, UnknownJob
from jobsapi.names import new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.store import Store

__all__ = ["Holder", "inherited_token"]

_LONGEST_BLOCK = 5.0
"""Seconds; a wake marker that was lost with its reader costs an idle program so much."""

_GOODBYE = 1.0
"""Seconds the renewer gets to sign off when the program ends."""

_CLAIM_VARIABLE = "_JOBSAPI_CLASSIC_CLAIM"
"""`id:token`, so that programs which the function starts can speak for its job."""


class Holder:
    """The items of this process. Thread-safe; a fork begins with none."""

    def __init__(self) -> None:
        self._reset()
        self._signals = Signals(self._put_back, self._raise_stop)
        os.register_at_fork(after_in_child=self._after_fork)

    def _reset(self) -> None:
        self._items: dict[str, Item] = {}
        self._link: Link | None = None
        self.worker = ""
        self._lock = threading.RLock()
        self._sleep = threading.local()
        self._is_exiting = False

    def _after_fork(self) -> None:
        if self._link:
            self._link.close()  # else the renewer would not see that our parent ended
        self._reset()
        self._signals.reset()

    def find(self, jid: str) -> Item | None:
        """The item of that job, where this process holds it."""
        return next((item for item in list(self._items.values()) if item.id == jid), None)

    # --- Take -------------------------------------------------------------------------------------------------------

    def take(self, *, block: bool, timeout: float | None) -> Item | None:
        """The next item, under a claim that is renewed until its end; None where none came.

        `block`: wait for one, `timeout` seconds at the most (None, 0: for ever), and wait too while the store does
        not answer. Raises StoreUnavailable where it does not block.
        """
        deadline = time.monotonic() + timeout if block and timeout else None
        token = ""
        while not self._signals.is_ending:
            try:
                store = connected(patient=block)
                self._start(store)
                token = token or new_id()  # kept until a reply came: a claim that is sent again gets the same item
                if item := self._claim(store, token):
                    return item
                token = ""
                if block:
                    self._wait(store, deadline)
            except StoreUnavailable:
                if not block:
                    raise
                wait_for(store)
            if not block or (deadline and time.monotonic() >= deadline):
                return None
        raise SystemExit(1)  # the program kept the exception that SIGTERM raised

    def _start(self, store: Store) -> None:
        """Before the first item: the renewer, the signals, what happens at the end of the program."""
        with self._lock:
            if self._link is None or self._link.is_dead():
                self.worker = f"{socket.gethostname()}:{os.getpid()}:classic"
                self._renew_link()
                atexit.unregister(self._at_exit)  # a fork inherits its parent's
                atexit.register(self._at_exit)
        self._signals.install()
        records.publish(store)

    def _claim(self, store: Store, token: str) -> Item | None:
        wanted = {records.QUEUE: [records.TASK, records.ITEM]}
        with self._lock, self._signals.whole():
            for claim in jobs.claim_jobs(store, self.worker, wanted, 1, store.settings.lease, token):
                item = Item(claim, threading.current_thread() is threading.main_thread())
                self._items[claim.token] = item
                self._tell_held(item)
                os.environ[_CLAIM_VARIABLE] = f"{claim.id}:{claim.token}"
                return item
        return None

    def _wait(self, store: Store, deadline: float | None) -> None:
        """Sleep until somebody shall look at the queue."""
        left = _LONGEST_BLOCK if deadline is None else min(_LONGEST_BLOCK, deadline - time.monotonic())
        if left <= 0:
            return
        keys = [store.keys.wake(records.QUEUE, task) for task in (records.TASK, records.ITEM)]
        client = getattr(self._sleep, "client", None) or store.blocking(_LONGEST_BLOCK)
        self._sleep.client = None  # nobody can use a connection again whose read was broken off
        try:
            client.bzpopmin(keys, left)
        except RedisError as problem:
            raise stores.translated(problem) from problem
        self._sleep.client = client

    # --- The renewer ------------------------------------------------------------------------------------------------

    def _tell_held(self, item: Item) -> None:
        claim, can_stop = item.claim, item.is_main and self._signals.can_stop
        self._tell(do="hold", id=claim.id, token=claim.token, timeout=claim.timeout, can_stop=can_stop)

    def _tell(self, **message: Any) -> None:
        """Tell the renewer; where somebody killed it, a new one takes over all that is held."""
        with self._lock:
            if self._link and not self._link.send(**message):
                self._renew_link()

    def _renew_link(self) -> None:
        if self._link:
            self._link.end(0)
        self._link = Link(self.worker, folder())
        for item in self._items.values():
            self._tell_held(item)

    def _raise_stop(self) -> None:
        """The renewer sent STOP: raise it where the main thread works on the item that is meant."""
        told, _ = self._link.received() if self._link else ([], False)
        raised = ""
        for message in told:
            item = self._items.get(message["token"])
            if item and item.is_main and not item.is_over:
                raised = item.stop = message["reason"]
        if raised:
            raise Cancelled(raised)

    def _put_back(self) -> None:
        """SIGTERM, SIGHUP, Ctrl-C: what the main thread does not finish is for others; further threads go on."""
        for item in self._items.values():
            item.is_put_back = item.is_put_back or item.is_main

    # --- The end of an item -----------------------------------------------------------------------------------------

    def conclude(self, item: Item, returned: Any = None) -> None:
        """The work on it is over: complete, unless it was put back, was stopped, or has its end already."""
        if item.stop:
            self.stop(item)
        elif item.is_put_back:
            self._end(item, lambda store: endings.hand_back(store, item))
        else:
            self._end(item, lambda store: endings.complete(store, item, returned))

    def conclude_raised(self, item: Item, problem: BaseException) -> None:
        """The work on it ended with an exception: a stop, the end of the program, or a fault."""
        item.is_put_back = item.is_put_back or isinstance(problem, KeyboardInterrupt)
        is_exit = isinstance(problem, SystemExit) and not problem.code
        if item.stop or item.is_put_back or is_exit:
            self.conclude(item)
        else:
            self.fail(item, endings.describe(problem))

    def complete(self, item: Item) -> None:
        """The program says that it is complete. Raises NotHolder where it is another's by now."""
        self._end(item, lambda store: endings.complete(store, item, None), is_asked=True)

    def fail(self, item: Item, error: dict[str, str], *, is_asked: bool = False) -> None:
        """It failed. Raises NotHolder where it is another's by now and the program `is_asked` for it."""
        self._end(item, lambda store: endings.fail(store, item, error), is_asked=is_asked)

    def stop(self, item: Item, reason: str = "cancelled") -> None:
        """It was stopped; of one that was lost nothing is left to record."""
        reason, claim = item.stop or reason, item.claim
        if reason == "lost":
            self._forget(item)
        else:
            self._end(item, lambda store: endings.stop(store, claim.id, claim.token, reason, claim.timeout))

    def _end(self, item: Item, record: Callable[[Store], None], *, is_asked: bool = False) -> None:
        """Record an end, once; while the store is away it is tried again, but for a program that is ending."""
        while not item.is_over:
            store = connected(patient=False)
            self._tell(do="end", token=item.claim.token)
            try:
                with self._signals.whole():
                    self._record(store, item, record, is_asked=is_asked)
            except StoreUnavailable as problem:
                note(f"{problem.detail} The end of {item.id} is not recorded yet.")
                if self._is_exiting:
                    return
                wait_for(store)

    def _record(self, store: Store, item: Item, record: Callable[[Store], None], *, is_asked: bool) -> None:
        try:
            record(store)
        except (NotHolder, UnknownJob):
            if not self._is_ended(store, item):
                self._forget(item)
                if is_asked:
                    raise
                note(f"{item.id} was given to another worker or removed meanwhile; this end is not recorded.")
        self._forget(item)

    @staticmethod
    def _is_ended(store: Store, item: Item) -> bool:
        try:
            return endings.is_ended(store, item.id, item.claim.token)
        except UnknownJob:
            return not item.is_job  # a carried value is removed with its end

    def _forget(self, item: Item) -> None:
        item.is_over = True
        self._items.pop(item.claim.token, None)
        self._tell(do="forget", token=item.claim.token)
        if os.environ.get(_CLAIM_VARIABLE, "").endswith(item.claim.token):
            del os.environ[_CLAIM_VARIABLE]

    def _at_exit(self) -> None:
        """The program ends in an orderly way: so do the items that it took and did not come back for."""
        self._is_exiting = True
        problem = getattr(sys, "last_value", None)
        for item in list(self._items.values()):
            item.is_put_back = item.is_put_back or not item.is_main  # a daemon thread is cut off in mid-work
            if isinstance(problem, BaseException):
                self.conclude_raised(item, problem)
            else:
                self.conclude(item)
        if self._link:
            self._link.end(_GOODBYE)
            self._link = None


def inherited_token(jid: str) -> str | None:
    """The token of that job's claim, where a process that holds it started this one."""
    held, _, token = os.environ.get(_CLAIM_VARIABLE, "").partition(":")
    return token if held == jid else None
