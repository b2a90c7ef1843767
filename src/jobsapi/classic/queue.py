"""The course's `q`: HotQueue's interface, on which no item is lost with the process that took it."""

from __future__ import annotations

import functools
import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

from jobsapi import jobs
from jobsapi.classic import records
from jobsapi.classic.home import note, the_store
from jobsapi.classic.signals import Cancelled
from jobsapi.errors import UnknownJob, WrongStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.classic.endings import Item
    from jobsapi.classic.holder import Holder

__all__ = ["Queue"]

_Function = Callable[..., Any]
_TASKS = (records.TASK, records.ITEM)
_CLEARED_AT_ONCE = 1000


class Queue:
    """First in, first out; carries jobs' ids and any JSON values.

    An item that was taken is held under a lease until its end: the function of `worker` returns or raises; the loop
    over `consume` asks for the next item; the same thread calls `get` again; the program ends. When the program dies
    instead, the item is at once another worker's.
    """

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._taken = threading.local()

    def __len__(self) -> int:
        """How many items wait."""
        store = the_store()
        return sum(int(store.call("zcard", store.keys.ready(records.QUEUE, task))) for task in _TASKS)

    def put(self, *items: Any) -> None:
        """Put items at the end: a job's id means that job, anything else is carried as it is.

        Of a job that this process works on it means: back into the queue when its work ends. Raises Invalid for what
        is no JSON value, WrongStatus for the id of a job that another process works on, StoreUnavailable.
        """
        store = the_store()
        if not any(records.is_job(store, each) for each in items):
            records.carry(store, list(items))
            return
        for each in items:
            if not records.is_job(store, each):
                records.carry(store, [each])
            elif item := self._holder.find(each):
                item.is_put_back = True
            else:
                records.put(store, each)

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        """The next item, or None where none came; `block` waits for one, `timeout` seconds at the most.

        The item that this thread took before is over with this call. Raises StoreUnavailable where it does not block.
        """
        self._conclude_taken()
        item = self._holder.take(block=block, timeout=timeout)
        if item is None:
            return None
        self._taken.item = item
        return item.value

    def consume(self, *, block: bool = True, timeout: float | None = None) -> Iterator[Any]:
        """Items as they come, for a for-loop; ends when none came in time, at an item None, and at Ctrl-C."""
        while True:
            try:
                value = self.get(block=block, timeout=timeout)
            except KeyboardInterrupt:
                return
            if value is None:
                self._conclude_taken()
                return
            yield value

    @overload
    def worker(self, function: _Function, /) -> _Function: ...
    @overload
    def worker(self, /, *, block: bool = True, timeout: float | None = None) -> Callable[[_Function], _Function]: ...
    def worker(self, function: _Function | None = None, /, *, block: bool = True, timeout: float | None = None) -> Any:
        """Decorate a function of one item: called without it, it works on items as they come.

        An exception fails that item, is written to stderr, and the next item follows. `block`, `timeout`: as for
        `consume`.
        """

        def decorate(function: _Function) -> _Function:
            @functools.wraps(function)
            def work(*args: Any) -> None:
                self._work(function, args, block=block, timeout=timeout)

            return work

        return decorate if function is None else decorate(function)

    def clear(self) -> None:
        """Take everything out of the queue: jobs are cancelled, carried values are gone. Raises StoreUnavailable."""
        store = the_store()
        for task in _TASKS:
            while waiting := store.call("zrange", store.keys.ready(records.QUEUE, task), 0, _CLEARED_AT_ONCE - 1):
                for jid in waiting:
                    _drop(jid.decode(), is_job=task == records.TASK)

    def _conclude_taken(self) -> None:
        item: Item | None = getattr(self._taken, "item", None)
        self._taken.item = None
        if item is not None:
            self._holder.conclude(item)

    def _work(self, function: _Function, args: tuple[Any, ...], *, block: bool, timeout: float | None) -> None:
        try:
            while (item := self._holder.take(block=block, timeout=timeout)) is not None:
                if item.value is None:  # what HotQueue's workers end at
                    self._holder.conclude(item)
                    return
                self._run(function, args, item)
        except KeyboardInterrupt:
            note("stopped.")

    def _run(self, function: _Function, args: tuple[Any, ...], item: Item) -> None:
        """Work on one item, and record how that ended."""
        try:
            returned = function(*args, item.value)
        except (KeyboardInterrupt, SystemExit) as problem:
            self._holder.conclude_raised(item, problem)
            raise
        except Cancelled as stop:
            note(f"{item.id} was stopped ({stop.reason}).")
            self._holder.conclude_raised(item, stop)
        except Exception as problem:  # noqa: BLE001 - whatever the user's function raises is recorded and shown
            note(f"{item.id} failed; going on with the next.\n{traceback.format_exc().rstrip()}")
            self._holder.conclude_raised(item, problem)
        else:
            self._holder.conclude(item, returned)


def _drop(jid: str, *, is_job: bool) -> None:
    try:
        jobs.cancel_job(jid)
        if not is_job:
            jobs.remove_job(jid)
    except (UnknownJob, WrongStatus):
        return  # somebody took it at this very moment
