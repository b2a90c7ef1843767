"""Where bytes come from: any stream, unpacked, with its beginning to look at, and a copy to read again."""

from __future__ import annotations

import errno
import gzip
import io
import tempfile
import zlib
from typing import IO, TYPE_CHECKING, Protocol

from jobsapi.errors import StoreFull, Unreadable

if TYPE_CHECKING:
    from typing import Any

__all__ = ["CHUNK", "Copy", "Readable", "opened", "unpacked", "with_head"]

CHUNK = 1 << 16
"""Bytes that are read at a time; a stream's beginning, as long as this, can be looked at."""

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_MOST_IN_MEMORY = 1 << 20


class Readable(Protocol):
    """A stream as small as it can be: a request's body, a file, a part of another stream."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes; none at the end."""


class _Filled(io.RawIOBase):
    """Gives all that it is asked for, where there is as much: so a BufferedReader's `peek` shows a whole beginning."""

    def __init__(self, stream: Readable, head: bytes = b"") -> None:
        self._stream = stream
        self._head = head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view, filled = memoryview(buffer), 0
        while filled < len(view):
            more = self._some(len(view) - filled)
            if not more:
                break
            view[filled : filled + len(more)] = more
            filled += len(more)
        return filled

    def _some(self, size: int) -> bytes:
        if self._head:
            some, self._head = self._head[:size], self._head[size:]
            return some
        try:
            return self._stream.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as cause:
            raise Unreadable(f"What was sent is not sound gzip: {cause}.") from cause


def with_head(head: bytes, rest: Readable) -> io.BufferedReader:
    """Some bytes, and then a stream."""
    return io.BufferedReader(_Filled(rest, head), CHUNK)


def unpacked(stream: Readable) -> io.BufferedReader:
    """What a gzip stream holds. Reading raises Unreadable where it is none, or unsound."""
    return with_head(b"", gzip.GzipFile(fileobj=with_head(b"", stream), mode="rb"))


def opened(stream: Readable) -> io.BufferedReader:
    """A stream, unpacked where it is gzip, from behind the mark that some programs begin UTF-8 with."""
    reader = with_head(b"", stream)
    if reader.peek(2).startswith(_GZIP):
        reader = unpacked(reader)
    if reader.peek(3).startswith(_BOM):
        reader.read(len(_BOM))
    return reader


class Copy:
    """A stream that is kept in a temporary file as it is read, for what has to be read twice; use it in `with`."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._file = tempfile.SpooledTemporaryFile(max_size=_MOST_IN_MEMORY)  # noqa: SIM115 - __exit__ closes it

    def __enter__(self) -> Copy:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes; none at the end. Raises StoreFull."""
        return self._kept(self._stream.read(size))

    def readline(self, size: int, /) -> bytes:
        """The next line, or so many bytes of it. Raises StoreFull."""
        return self._kept(self._stream.readline(size))

    def again(self, start: int = 0) -> IO[bytes]:
        """What was read, from there on."""
        self._file.seek(start)
        return self._file

    def _kept(self, some: bytes) -> bytes:
        try:
            self._file.write(some)
        except OSError as cause:
            if cause.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StoreFull(f"There is no room in {tempfile.gettempdir()} to keep what is being loaded.") from cause
        return some
