"""Listens to the server for a worker: blocking reads that its one thread waits for beside everything else."""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as NotYet

from jobsapi.errors import JobsApiError
from jobsapi.store import revive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobsapi.store import Store

__all__ = ["Heard", "Listener"]

_LONGEST_BLOCK = 5.0
"""Seconds; a word that was lost (its reader died between the server and here) costs an idle worker so much."""

_PATIENCE = 5.0
"""Seconds past that until a read that gave nothing is given up, and its connection with it."""

_REST = 0.05
"""Seconds for the rest of a reply whose beginning has come."""


_REPLY = "reply"


class Heard(NamedTuple):
    """What a listener was told since it was last asked."""

    look: bool
    """Jobs may be waiting."""
    stir: bool
    """Jobs may wait that need not wait any longer."""
    words: list[str]
    """On the worker's control key: ids of jobs to look at, because a cancel was asked for."""
    has_reply: bool = False
    """What is `expect`ed has come."""


class _Read:
    """A read that blocks on the server until one of `keys` has something, and nobody here meanwhile."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys
        self.connection: Any = None
        self.socket: Any = None
        """What becomes readable with its answer; of a connection that broke as well."""
        self.is_wanted = False
        self.pause = 0.0
        """Seconds to wait before it is connected again."""
        self._asked_at: float | None = None

    @property
    def is_late(self) -> bool:
        """Whether nothing came back for too long."""
        return self._asked_at is not None and time.monotonic() > self._asked_at + _LONGEST_BLOCK + _PATIENCE

    def ask(self) -> None:
        """Send it, where it is wanted and not under way. Raises RedisError, OSError."""
        if self.is_wanted and self.connection and self._asked_at is None:
            self.connection.send_command("BZPOPMIN", *self.keys, _LONGEST_BLOCK, check_health=False)
            self._asked_at = time.monotonic()

    def answer(self) -> tuple[str, str] | None:
        """(key, member) of what has come; None where nothing came for as long as it blocks.

        Raises NotYet where what has come is less than a reply; RedisError, OSError.
        """
        found = self.connection.read_response(timeout=_REST, disconnect_on_error=False)
        self._asked_at, self.pause = None, 0.0
        return (found[0].decode(), found[1].decode()) if found else None

    def drop(self) -> None:
        """Give its connection up."""
        connection, self.connection, self._asked_at = self.connection, None, None
        if connection:
            connection.disconnect()


class Listener:
    """Two reads: of the worker's control key and the marker `stir`, and of its queues' wake markers.

    The first goes on always, the second only while it is `armed`: a worker that is full must not take the marker that
    an idle one is waiting for, so it arms the second read only after a claim that left slots free.

    `fd` becomes readable when `heard()` has something. It reads the replies itself: a thread that blocks and then tells
    cost an idle worker a third of a millisecond before each job. Only what may take long, to connect and to start an
    embedded server again, is done by threads, which end with it.
    """

    def __init__(self, store: Store, control: str) -> None:
        self._store = store
        self._stir = store.keys.stir()
        self._control, self._wake = _Read([control, self._stir]), _Read([])
        self._control.is_wanted = True
        self._stopped = threading.Event()
        self._connected: queue.SimpleQueue[tuple[_Read, Any]] = queue.SimpleQueue()
        self._expected: Any = None
        self._pipe, self._write_fd = os.pipe()
        os.set_blocking(self._pipe, False)
        os.set_blocking(self._write_fd, False)
        self._selector = selectors.DefaultSelector()  # itself a descriptor, so that reads may come and go in it
        self._selector.register(self._pipe, selectors.EVENT_READ, None)
        self.fd: int = self._selector.fileno()

    def start(self, wake_keys: Sequence[str]) -> None:
        """Begin to listen; `wake_keys`: the markers of every queue and task of the worker."""
        self._wake.keys = wake_keys
        for read in (self._control, self._wake) if wake_keys else (self._control,):
            self._connect(read)

    def arm(self) -> None:
        """The worker has a free slot and found no job: tell it of the next one."""
        self._wake.is_wanted = True
        self._ask(self._wake)

    def heard(self) -> Heard:
        """What came since the last call."""
        look, came = False, []
        has_reply = False
        for key, _ in self._selector.select(0):
            if key.data is None:
                look = self._take_connections() or look
                continue
            if key.data is _REPLY:
                has_reply = True
                continue
            is_whole, found = self._answer(key.data)
            look = look or (is_whole and key.data is self._wake) or not key.data.connection
            if found and key.data is self._control:
                came.append(found)
        for read in (self._control, self._wake):
            if read.is_late:
                self._lose(read)
        words = [word for key, word in came if key != self._stir]
        return Heard(look, any(key == self._stir for key, _ in came), words, has_reply)

    def expect(self, socket: Any) -> None:
        """`fd` becomes readable, too, when `socket` does, until it is expected no more."""
        self._expected = socket
        self._selector.register(socket, selectors.EVENT_READ, _REPLY)

    def expect_no_more(self) -> None:
        """The reply has come, or is given up: before its socket is closed."""
        if self._expected is not None:
            self._selector.unregister(self._expected)
            self._expected = None

    def interrupt(self) -> None:
        """Make `fd` readable; safe in a signal handler and in any thread."""
        with contextlib.suppress(BlockingIOError):  # the pipe is full already
            os.write(self._write_fd, b".")

    def close(self) -> None:
        """Stop both reads."""
        self._stopped.set()
        for read in (self._control, self._wake):
            read.drop()

    # --- One read ---------------------------------------------------------------------------------------------------

    def _ask(self, read: _Read) -> None:
        try:
            read.ask()
        except (RedisError, OSError):
            self._lose(read)

    def _answer(self, read: _Read) -> tuple[bool, tuple[str, str] | None]:
        """Whether a reply came, and what it tells."""
        try:
            found = read.answer()
        except NotYet:
            return False, None
        except (RedisError, OSError):
            self._lose(read)
            return False, None
        read.is_wanted = read is self._control
        self._ask(read)
        return True, found

    def _lose(self, read: _Read) -> None:
        """It broke: connect anew. What the server would have told meanwhile is found by looking."""
        if read.connection:
            self._selector.unregister(read.socket)
        read.drop()
        read.pause = min(max(0.1, read.pause * 2), 2.0)
        self._connect(read)

    # --- Connecting -------------------------------------------------------------------------------------------------

    def _connect(self, read: _Read) -> None:
        threading.Thread(target=self._keep_connecting, args=(read, read.pause), daemon=True).start()

    def _keep_connecting(self, read: _Read, pause: float) -> None:
        if pause:
            self._revive()
        while not self._stopped.wait(pause):
            try:
                connection = self._store.connection()
            except (RedisError, OSError):
                self._revive()
                pause = min(max(0.1, pause * 2), 2.0)
            else:
                self._connected.put((read, connection))
                self.interrupt()
                return

    def _revive(self) -> None:
        with contextlib.suppress(JobsApiError):
            revive(self._store)

    def _take_connections(self) -> bool:
        """Go on with those that were made; whether there were any."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._pipe, 4096):
                pass
        are_new = False
        while not self._connected.empty():
            are_new = True
            read, connection = self._connected.get()
            read.connection, read.socket = connection, connection._sock  # there is no public way to wait for two
            self._selector.register(read.socket, selectors.EVENT_READ, read)
            self._ask(read)
        return are_new
