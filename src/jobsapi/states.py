"""The statuses of a job, and the one table of transitions between them: verb → from, to."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ACTIVE", "ENDED", "REASONS", "STAGED_CODE", "TRANSITIONS", "Status"]


class Status(enum.Enum):
    """Where a job is; the value is the word on the wire, `code` the letter in the store."""

    SCHEDULED = "scheduled"
    """To run later: at a time, after other jobs, or after a back-off. No worker can claim it yet."""

    SUBMITTED = "submitted"
    """In its queue. The next free worker that knows its task claims it, by priority, then by age."""

    IN_PROGRESS = "in progress"
    """Claimed. One worker holds it under a lease; only the holder of the claim's token can finish it."""

    COMPLETE = "complete"
    """Its function returned and its outputs are stored. Recorded exactly once."""

    FAILED = "failed"
    """It will not complete by itself; `reason` says why. A retry grants it a fresh set of attempts."""

    CANCELLED = "cancelled"
    """Somebody stopped it: before it ran, or while it ran (then its processes are gone)."""

    @property
    def code(self) -> str:
        """One letter, what the store keeps in a record and in the keys of its lists."""
        return _CODES[self]

    @classmethod
    def from_code(cls, code: str) -> Status:
        """The status a stored letter stands for."""
        return _BY_CODE[code]

    @classmethod
    def from_word(cls, word: str) -> Status:
        """The status of a filter's word; `in_progress` is taken too. ValueError for another word."""
        return cls(word.replace("_", " "))


_CODES = {
    Status.SCHEDULED: "w",
    Status.SUBMITTED: "s",
    Status.IN_PROGRESS: "p",
    Status.COMPLETE: "c",
    Status.FAILED: "f",
    Status.CANCELLED: "x",
}
_BY_CODE = {code: status for status, code in _CODES.items()}

STAGED_CODE = "g"
"""What the store keeps for a job of a large submit that was not accepted as a whole yet; never on the wire."""

ACTIVE = frozenset({Status.SCHEDULED, Status.SUBMITTED, Status.IN_PROGRESS})
ENDED = frozenset(Status) - ACTIVE

Moves = frozenset[tuple[Status | None, Status | None]]
"""Pairs of statuses, from → to; None is "no record"."""


def _from(*origins: Status | None, to: Iterable[Status | None]) -> Moves:
    return frozenset((origin, target) for origin in origins for target in to)


TRANSITIONS: dict[str, Moves] = {
    "submit": _from(None, to=[Status.SUBMITTED, Status.SCHEDULED, Status.FAILED]),
    "promote": _from(Status.SCHEDULED, to=[Status.SUBMITTED]),
    "resolve": _from(Status.SCHEDULED, to=[Status.SCHEDULED, Status.SUBMITTED, Status.FAILED]),
    "claim": _from(Status.SUBMITTED, to=[Status.IN_PROGRESS]),
    "renew": _from(Status.IN_PROGRESS, to=[Status.IN_PROGRESS]),
    "release": _from(Status.IN_PROGRESS, to=[Status.SUBMITTED, Status.CANCELLED]),
    "complete": _from(Status.IN_PROGRESS, to=[Status.COMPLETE]),
    "fail": _from(Status.IN_PROGRESS, to=[Status.SCHEDULED, Status.FAILED, Status.CANCELLED]),
    "lose": _from(Status.IN_PROGRESS, to=[Status.SUBMITTED, Status.FAILED, Status.CANCELLED]),
    "expire": _from(Status.SCHEDULED, Status.SUBMITTED, to=[Status.FAILED]),
    "cancel": _from(Status.SCHEDULED, Status.SUBMITTED, to=[Status.CANCELLED])
    | _from(Status.IN_PROGRESS, to=[Status.IN_PROGRESS]),
    "retry": _from(*ENDED, to=[Status.SUBMITTED]),
    "remove": _from(*ENDED, to=[None]),
}
"""Each verb is one Lua file, one function of `jobs` and one test file; random histories hold it to be true."""

REASONS = ("error", "timeout", "memory", "lost", "expired", "dependency", "cancelled")
"""Why a job did not complete."""
