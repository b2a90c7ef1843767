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
        self._high, self._low = 0, 0
        self._head = ""
        """How `_high` is spelled: most ids differ from the one before them in their last digits alone."""

    def next(self) -> str:
        ms = time.time_ns() // 1_000_000
        with self._lock:
            high, low = self._high, self._low + 1  # within one millisecond only the first is random: no two can meet
            if ms != self._last_ms:
                self._last_ms = ms
                high, low = divmod(ms << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS), _SIX)
            elif low == _SIX:
                high, low = high + 1, 0
            if high != self._high:
                self._high, self._head = high, _head(high)
            self._low, head = low, self._head
        return head + _six(low)


def _spelled(number: int) -> str:
    """18 digits, in three parts: small numbers are divided many times faster than one of 110 bits."""
    high, low = divmod(number, _SIX)
    return _head(high) + _six(low)


def _head(number: int) -> str:
    high, low = divmod(number, _SIX)
    return f"00{_six(high)}{_six(low)}"


def _six(part: int) -> str:
    first, rest = divmod(part, _FOUR)
    second, third = divmod(rest, _TWO)
    return _PAIRS[first] + _PAIRS[second] + _PAIRS[third]


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
