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
    from collections.abc import Generator, Iterable, Sequence

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
        packed = b"".join([hiredis.pack_command(command) for command in commands])
        connection = self._take()
        is_whole = False
        try:
            try:
                replies = _replies(connection, packed, len(commands))
            except Unreachable:
                connection.disconnect()
                replies = _replies(connection, packed, len(commands))
            is_whole = True
            return replies
        finally:
            if not is_whole:
                connection.disconnect()  # replies may be on their way that nobody reads
            self._idle.append(connection)

    def ask_ahead(self, commands: Iterable[tuple[Any, ...]]) -> Generator[Any]:
        """The reply to each, in order; the next ones are made and sent meanwhile, so that the server never waits.

        As `ask`: an error that the server told is a reply, and all that is not answered is sent once more where the
        connection broke. Whoever stops before the end loses the replies to what is on its way.
        """
        connection = self._take()
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

    def _take(self) -> Any:
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


def line_of(client: Any) -> Line | None:
    """A line to the server of a redis-py client; None where that client itself must be asked."""
    pool = getattr(client, "connection_pool", None)
    return Line(pool) if type(pool) in _PLAIN else None


def _replies(connection: Any, packed: bytes, count: int) -> list[Any]:
    connection.send_packed_command([packed], check_health=False)
    return [_reply(connection) for _ in range(count)]


def _reply(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as refusal:
        return refusal
