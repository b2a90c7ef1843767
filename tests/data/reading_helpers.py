"""What the tests of reading share."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from jobsapi.data import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 1 << 20


def read(body: bytes, media_type: str = "", *, pointer: str | None = None, most: int = MOST) -> list[dict[str, Any]]:
    """Every record of a body."""
    return list(reading.read(io.BytesIO(body), media_type, pointer=pointer, most_record=most))


class Endless:
    """A stream of pieces made while they are read, of any length; it knows how much it gave."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""
        self.given = 0

    def read(self, size: int, /) -> bytes:
        while len(self._held) < size and (piece := next(self._pieces, None)) is not None:
            self._held += piece
        some, self._held = self._held[:size], self._held[size:]
        self.given += len(some)
        return some
