"""What names of tasks, queues, data sets, tags and outputs look like, and what ids do."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from typing import Any

__all__ = ["ID_PATTERN", "NAME_PATTERN", "checked_name", "id_at", "is_id", "new_id"]

NAME_PATTERN = r"[A-Za-z0-9_.-]{1,100}"
"""Tasks, queues, data sets, outputs: safe in a key, an address and a shell."""

ID_PATTERN = r"[0-9]{2}[0-9A-Za-z]{18}"
"""A job's id: its shard (00 today), then 18 base-62 digits that grow with time."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_BITS = 62


def checked_name(kind: str, name: Any) -> str:
    """`name` itself where it is a fit name for a `kind` (task, queue, data set); else ValueError says what is."""
    if isinstance(name, str) and re.fullmatch(NAME_PATTERN, name):
        return name
    raise ValueError(f"a {kind}'s name has 1 to 100 letters, digits, '_', '.' or '-'")


def is_id(text: str) -> bool:
    """Whether a text can be a job's id at all."""
    return re.fullmatch(ID_PATTERN, text) is not None


class _Ids:
    """Ids that never repeat in a process and, by 62 random bits, not between processes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_ms = 0
        self._last = 0

    def next(self) -> str:
        ms = time.time_ns() // 1_000_000
        with self._lock:
            if ms == self._last_ms:
                self._last += 1  # within one millisecond only the first is random: no two can meet
            else:
                self._last_ms, self._last = ms, ms << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
            number = self._last
        return _spelled(number)


def _spelled(number: int) -> str:
    """18 digits, in three parts: small numbers are divided many times faster than one of 110 bits."""
    rest, low = divmod(number, _SIX)
    high, middle = divmod(rest, _SIX)
    digits = ["00"]
    for part in (high, middle, low):
        first, rest = divmod(part, _FOUR)
        second, third = divmod(rest, _TWO)
        digits += (_PAIRS[first], _PAIRS[second], _PAIRS[third])
    return "".join(digits)


_TWO, _FOUR, _SIX = 62**2, 62**4, 62**6
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]

_ids = _Ids()


def new_id() -> str:
    """A fresh id: 20 letters and digits; later ones sort later."""
    return _ids.next()


def id_at(ms: int, what: str) -> str:
    """The id of `what` at a time: the same whoever asks, in the order of the others."""
    return _spelled(
        ms << _RANDOM_BITS | int.from_bytes(hashlib.sha256(what.encode()).digest()[:8]) >> 64 - _RANDOM_BITS
    )
