"""JSON frames on a stream socket: four bytes of length, then the text."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    import socket

__all__ = ["Frames"]

_LENGTH = struct.Struct(">I")
_READ = 256 * 1024


class Frames:
    """One end of a socket. `receive` is the child's, which may block; `ready` the parent's, which never does."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_closed = False
        self._buffer = bytearray()

    def send(self, frame: dict[str, Any]) -> None:
        """Write one frame. OSError where the other end is gone."""
        body = orjson.dumps(frame)
        self.sock.sendall(_LENGTH.pack(len(body)) + body)

    def receive(self) -> dict[str, Any] | None:
        """The next frame; None when the other end is gone."""
        while (frame := self._next()) is None:
            if not self._fill():
                return None
        return frame

    def ready(self) -> list[dict[str, Any]]:
        """The frames that have come, without waiting; sets `is_closed` when the other end is gone."""
        self._fill()
        found = []
        while (frame := self._next()) is not None:
            found.append(frame)
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

    def _next(self) -> dict[str, Any] | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
        if len(self._buffer) < end:
            return None
        frame: dict[str, Any] = orjson.loads(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return frame
