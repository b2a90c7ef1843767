"""Cuts a stream of JSON into its values without holding more than one of them.

It finds where a value ends by its brackets and strings alone, several times faster than events for each of its parts
would come, and hands out the text: what a value holds is checked when it is read, by orjson, as everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jobsapi.data.reading.source import CHUNK
from jobsapi.errors import TooLarge, Unreadable

if TYPE_CHECKING:
    from jobsapi.data.reading.source import Readable

__all__ = ["Scanner"]

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,:"\[\]{}]++')
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+([\[\]{}])', re.DOTALL)


class Scanner:
    """Goes through JSON text, forward only."""

    def __init__(self, stream: Readable, most: int, start: int = 0) -> None:
        """`most`: the largest value, in bytes; `start`: where in the text the stream begins."""
        self._stream = stream
        self._most = most
        self._text = b""
        self._at = 0
        self._before = start

    @property
    def position(self) -> int:
        """Bytes that were gone through."""
        return self._before + self._at

    def peek(self) -> bytes:
        """The next byte that is not space; nothing at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found  # it matches nothing, too
            self._at = found.end()
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, *expected: bytes) -> bytes:
        """Go over the next byte that is not space, one of those. Raises Unreadable."""
        found = self.peek()
        if found not in expected:
            wanted = " or ".join(f"`{each.decode()}`" for each in expected)
            shown = f"`{found.decode('latin-1')}` stands" if found else "the text ends"
            raise Unreadable(f"This is not JSON: at byte {self.position:,} {shown} where {wanted} must come.")
        self._at += 1
        return found

    def value(self) -> bytes:
        """The text of the next value. Raises Unreadable, and TooLarge where it is larger than it may be."""
        first = self.peek()
        size = self._container() if first in (b"{", b"[") else self._plain(_STRING if first == b'"' else _SCALAR)
        if size > self._most:
            raise self._too_large()
        text = self._text[self._at : self._at + size]
        self._at += size
        return text

    def _container(self) -> int:
        depth, size = 0, 0
        while True:
            found = _TO_BRACKET.match(self._text, self._at + size)
            if found is None:
                self._grow()
                continue
            depth += 1 if found[1] in (b"{", b"[") else -1
            size = found.end() - self._at
            if not depth:
                return size

    def _plain(self, pattern: re.Pattern[bytes]) -> int:
        while True:
            found = pattern.match(self._text, self._at)
            if found is None and pattern is _SCALAR:
                self.take(b"{", b"[", b'"')  # says what stands here instead of a value
            if found and (found.end() < len(self._text) or pattern is _STRING):
                return found.end() - self._at
            if not self._more():
                if found:
                    return found.end() - self._at
                raise self._broken_off()
            self._check()

    def _grow(self) -> None:
        """Have more of a value that has not ended."""
        if not self._more():
            raise self._broken_off()
        self._check()

    def _check(self) -> None:
        if len(self._text) - self._at > self._most + 2 * CHUNK:
            raise self._too_large()

    def _more(self) -> bool:
        """Read on, and drop what was gone through; whether there was more."""
        held = len(self._text) - self._at
        chunk = self._stream.read(max(CHUNK, min(held, self._most)))  # in growing steps: what is held is read again
        if chunk:
            self._text = self._text[self._at :] + chunk
            self._before += self._at
            self._at = 0
        return bool(chunk)

    def _broken_off(self) -> Unreadable:
        return Unreadable(f"This is not JSON: the text ends inside the value that begins at byte {self.position:,}.")

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The value that begins at byte {self.position:,} is larger than {self._most:,} bytes.")
