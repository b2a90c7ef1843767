"""The status words that programs of the course write → what they mean to the engine."""

from __future__ import annotations

import enum
import re

__all__ = ["Meaning", "meaning_of"]


class Meaning(enum.Enum):
    """What a program asks for with a status word."""

    QUEUE = "it waits in the queue"
    START = "somebody works on it"
    COMPLETE = "it is done"
    FAIL = "it went wrong"
    CANCEL = "it was stopped"
    NOTE = "any other word: how far it is"

    @property
    def is_final(self) -> bool:
        """Whether the word ends the job."""
        return self in (Meaning.COMPLETE, Meaning.FAIL, Meaning.CANCEL)


_WORDS = {
    Meaning.QUEUE: ("submitted", "queued", "pending", "waiting", "scheduled"),
    Meaning.START: ("inprogress", "running", "started", "processing", "working"),
    Meaning.COMPLETE: ("complete", "completed", "finished", "done", "success", "succeeded"),
    Meaning.CANCEL: ("cancelled", "canceled", "cancel"),
}
_MEANINGS = {word: meaning for meaning, words in _WORDS.items() for word in words}
_FAILURES = ("fail", "error")
"""How a failure's word begins: `failed`, `failed: no such file`, `error in row 7`."""


def meaning_of(word: str) -> Meaning:
    """The meaning of a status word; case, blanks, underscores, hyphens and dots at the end do not matter."""
    plain = re.sub(r"[\s_-]+", "", word).lower().rstrip(".…")
    if plain.startswith(_FAILURES):
        return Meaning.FAIL
    return _MEANINGS.get(plain, Meaning.NOTE)
