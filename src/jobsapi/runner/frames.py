"""Messages on a stream socket, several a frame: four bytes of length, then a JSON array."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

__all__ = ["Frames", "Message"]

_LENGTH = struct.Struct(">I")
_READ = 256 * 1024

Message = dict[str, Any]
"""What `messages` spells."""


class Frames:
    """One end of a socket. `send` and `receive` are the child's, which may block; the parent's others never do."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_closed = False
        self._buffer = bytearray()
        self._unsent = bytearray()

    def send(self, messages: Sequence[Message]) -> None:
        """Write messages in one frame. OSError where the other end is gone."""
        self.sock.sendall(_frame(messages))

    def receive(self) -> list[Message] | None:
        """The messages of the next frame; None when the other end is gone."""
        while (messages := self._next()) is None:
            if not self._fill():
                return None
        return messages

    def push(self, messages: Sequence[Message]) -> None:
        """Write as much of a frame as the other end takes now; `flush` writes the rest."""
        self._unsent += _frame(messages)
        self.flush()

    @property
    def is_behind(self) -> bool:
        """Whether something is left to `flush`, as when the other end is stopped or has megabytes to read."""
        return bool(self._unsent)

    def flush(self) -> None:
        """Go on writing; an other end that is gone is noticed by `ready`."""
        try:
            while self._unsent:
                del self._unsent[: self.sock.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()

    def ready(self) -> list[Message]:
        """The messages that have come, without waiting; sets `is_closed` when the other end is gone."""
        self._fill()
        found: list[Message] = []
        while (messages := self._next()) is not None:
            found += messages
        return found

    def _fill(self) -> bool:
        try:
            data = self.sock.recv(_READ)
        except BlockingIOError:
            return True
        except ConnectionError:
            data = b""
        self._buffer += data
        self.is_closed = not data
        return bool(data)

    def _next(self) -> list[Message] | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
        if len(self._buffer) < end:
            return None
        messages: list[Message] = orjson.loads(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return messages


def _frame(messages: Sequence[Message]) -> bytes:
    body = orjson.dumps(messages)
    return _LENGTH.pack(len(body)) + body
