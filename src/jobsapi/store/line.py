"""A straight line to the server for scripts: redis-py's connections without its pools, observers and retry layers.

Those cost as much of a script call's time as the call itself. Only for a plain server: a cluster's and a Sentinel's
clients choose connections by themselves.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any

import hiredis
import redis
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

__all__ = ["Line", "line_of"]

_PLAIN = (redis.ConnectionPool,)

_AHEAD = 3
"""Commands on their way of a run that is read one by one; few, so that the server serves others between them."""


class Line:
    """Sends commands and reads their replies. Thread-safe: each call has a connection of its own while it lasts."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._idle: deque[Any] = deque()
        self._pid = os.getpid()

    def ask(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """The replies to all of them, sent at once; an error that the server told is among them, not raised.

        Sent again once where the connection broke, not where the answer does not come in time. Raises redis-py's
        ConnectionError, TimeoutError.
        """
        return self.begin(commands).replies()

    def begin(self, commands: Sequence[tuple[Any, ...]]) -> Asked:
        """Send them, and read the replies when they are asked for. Raises as `ask`."""
        return Asked(self, commands)

    def give_back(self, connection: Any) -> None:
        """It is free for others."""
        self._idle.append(connection)

    def ask_ahead(self, commands: Iterable[tuple[Any, ...]]) -> Generator[Any]:
        """The reply to each, in order; the next ones are made and sent meanwhile, so that the server never waits.

        As `ask`: an error that the server told is a reply, and all that is not answered is sent once more where the
        connection broke. Whoever stops before the end loses the replies to what is on its way.
        """
        connection = self.take()
        run = _Run(connection)
        is_whole = False
        try:
            for command in commands:
                run.send(hiredis.pack_command(command))
                if len(run.waiting) > _AHEAD:
                    yield run.reply()
            while run.waiting:
                yield run.reply()
            is_whole = True
        finally:
            if not is_whole:
                connection.disconnect()
            self._idle.append(connection)

    def close(self) -> None:
        """Give up the connections that nobody uses."""
        while self._idle:
            self._idle.pop().disconnect()

    def take(self) -> Any:
        """A connection that nobody else uses, until it is given back."""
        if self._pid != os.getpid():  # a fork: the connections are the parent's
            self._pid = os.getpid()
            self._idle = deque()
        try:
            return self._idle.pop()  # the one used last: few are open
        except IndexError:
            return self._pool.make_connection()


class _Run:
    """Commands that go over one connection, each sent before the reply to the one before it is read."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.waiting: deque[bytes] = deque()
        self._is_second = False

    def send(self, packed: bytes) -> None:
        self.waiting.append(packed)
        try:
            self._connection.send_packed_command([packed], check_health=False)
        except Unreachable:
            self._send_again()

    def reply(self) -> Any:
        try:
            reply = _reply(self._connection)
        except Unreachable:
            self._send_again()
            reply = _reply(self._connection)
        self.waiting.popleft()
        return reply

    def _send_again(self) -> None:
        self._connection.disconnect()
        if self._is_second:
            raise Unreachable("The connection broke twice.")
        self._is_second = True
        self._connection.send_packed_command([*self.waiting], check_health=False)


class Asked:
    """Commands on their way to the server, on a connection of their own until their replies are read or given up."""

    def __init__(self, line: Line, commands: Sequence[tuple[Any, ...]]) -> None:
        self._line, self._count = line, len(commands)
        self._packed = b"".join([hiredis.pack_command(command) for command in commands])
        self._connection = line.take()
        self._is_second = False
        self._with_one_more(self._send)

    @property
    def socket(self) -> Any:
        """What becomes readable with the first reply, and where the connection broke."""
        return self._connection._sock  # there is no public way to wait for two

    def replies(self) -> list[Any]:
        """Wait for all of them. Raises ConnectionError, TimeoutError."""
        found: list[Any] = self._with_one_more(self._read)
        self._line.give_back(self._connection)
        return found

    def give_up(self) -> None:
        """Read none of them: they may still be on their way."""
        self._connection.disconnect()
        self._line.give_back(self._connection)

    def _send(self) -> None:
        self._connection.send_packed_command([self._packed], check_health=False)

    def _with_one_more(self, act: Callable[[], Any]) -> Any:
        """Do it; where the connection broke, send all again, once, and go on. What fails then is given up."""
        try:
            try:
                return act()
            except Unreachable:
                if self._is_second:
                    raise
                self._is_second = True
                self._connection.disconnect()
                self._send()
                return None if act == self._send else act()
        except BaseException:
            self.give_up()
            raise

    def _read(self) -> list[Any]:
        return [_reply(self._connection) for _ in range(self._count)]


def line_of(client: Any) -> Line | None:
    """A line to the server of a redis-py client; None where that client itself must be asked."""
    pool = getattr(client, "connection_pool", None)
    return Line(pool) if type(pool) in _PLAIN else None


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as refusal:
        return refusal
