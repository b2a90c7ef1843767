"""Blocks on the server for a worker, in threads of its own, and tells it through a pipe what came."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import RedisError

from jobsapi.errors import JobsApiError
from jobsapi.store import revive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobsapi.store import Store

__all__ = ["Heard", "Listener"]

_LONGEST_BLOCK = 5.0
"""Seconds; a word that was lost (its reader died between the server and here) costs an idle worker so much."""

_LOOK, _STIR = "look", "stir"
"""Told among the words of the control key, which are other ones."""


class Heard(NamedTuple):
    """What came since the last time."""

    look: bool
    """A job is in a queue, or the server was away."""
    stir: bool
    """Jobs may wait that need not wait any longer."""
    words: list[str]
    """On the worker's control key: ids of jobs to look at, because a cancel was asked for."""


class Listener:
    """Two blocking reads: of the worker's control key and the marker `stir`, and of its queues' wake markers.

    The first goes on always, the second only while it is `armed`.

    A worker that is full must not take the marker that an idle one is waiting for, so it arms the second read only
    after a claim that left slots free. `fd` becomes readable when `heard()` has something.
    """

    def __init__(self, store: Store, control: str) -> None:
        self._store = store
        self._control = control
        self._wake_keys: Sequence[str] = ()
        self._armed = threading.Event()
        self._stopped = threading.Event()
        self._messages: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.fd, self._write_fd = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._write_fd, False)

    def start(self, wake_keys: Sequence[str]) -> None:
        """Begin to listen; `wake_keys`: the markers of every queue and task of the worker."""
        self._wake_keys = wake_keys
        for read in (self._hear_control, self._hear_wake):
            threading.Thread(target=self._for_ever, args=(read,), daemon=True).start()

    def arm(self) -> None:
        """The worker has a free slot and found no job: tell it of the next one."""
        self._armed.set()

    def heard(self) -> Heard:
        """What came since the last call."""
        try:
            while os.read(self.fd, 4096):
                pass
        except BlockingIOError:
            pass
        came = []
        while not self._messages.empty():
            came.append(self._messages.get())
        return Heard(_LOOK in came, _STIR in came, [each for each in came if each not in (_LOOK, _STIR)])

    def interrupt(self) -> None:
        """Make `fd` readable; safe in a signal handler."""
        with contextlib.suppress(BlockingIOError):  # the pipe is full of words already
            os.write(self._write_fd, b".")

    def close(self) -> None:
        """Stop both reads; their threads end with their present block at the latest."""
        self._stopped.set()
        self._armed.set()

    def _tell(self, message: str) -> None:
        self._messages.put(message)
        self.interrupt()

    def _for_ever(self, read: Callable[[Any], None]) -> None:
        pause = 0.1
        while not self._stopped.is_set():
            client = self._store.blocking(_LONGEST_BLOCK)
            try:
                while not self._stopped.is_set():
                    read(client)
                    pause = 0.1
            except (RedisError, OSError):
                with contextlib.suppress(JobsApiError):
                    revive(self._store)
                self._stopped.wait(pause)
                pause = min(pause * 2, 2.0)
                self._tell(_LOOK)  # the server was away: what it would have told is found by looking
            finally:
                client.close()

    def _hear_control(self, client: Any) -> None:
        stir = self._store.keys.stir()
        if found := client.bzpopmin([self._control, stir], _LONGEST_BLOCK):
            self._tell(_STIR if found[0].decode() == stir else found[1].decode())

    def _hear_wake(self, client: Any) -> None:
        self._armed.wait()
        if self._stopped.is_set():
            return
        client.bzpopmin(list(self._wake_keys), _LONGEST_BLOCK)
        self._armed.clear()
        self._tell(_LOOK)
