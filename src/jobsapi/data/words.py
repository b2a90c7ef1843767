"""What a word is, in records and in searches alike: letters and digits, without case and accents."""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata

__all__ = ["LONGEST", "bounded", "sought", "words"]

_WORD = re.compile(r"\d+(?:\.\d+)+|[^\W_]+")
"""A run of letters and digits of any script, or digits with dots between them: 2.5, 192.168.0.1."""

LONGEST = 128
"""Characters of a value that stand in the index as they are."""


def bounded(text: str) -> str:
    """`text` as the index holds it: a long one as its beginning and a digest of all of it.

    So equality stays exact, and order looks at the first 128 characters.
    """
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\0{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"


def words(text: str) -> tuple[str, ...]:
    """The words of a text, folded."""
    return _short_words(text) if len(text) <= LONGEST else _words(text)


def sought(text: str) -> list[tuple[str, bool]]:
    """The words of a search and whether each is the beginning of one: `rain st*` → [("rain", False), ("st", True)]."""
    found = []
    for piece in text.split():
        its = words(piece)
        found += [(word, False) for word in its[:-1]]
        found += [(word, piece.endswith("*")) for word in its[-1:]]
    return found


def _words(text: str) -> tuple[str, ...]:
    return tuple([bounded(word) for word in _WORD.findall(_folded(text))])


_short_words = functools.lru_cache(maxsize=1 << 15)(_words)


def _folded(text: str) -> str:
    """Without case and accents. Folding can make characters that decompose further, hence twice."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join([letter for letter in text if not unicodedata.combining(letter)])
