"""How long a job waits between two attempts: the `backoff` option, checked, stored and reckoned."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

__all__ = ["SCHEMA", "pause", "stored"]

_LONGEST = 1e7
_DEFAULTS = {"base": 1.0, "factor": 2.0, "max": 300.0, "jitter": 0.1}
_BOUNDS = {"base": (0.0, _LONGEST), "factor": (1.0, 100.0), "max": (0.0, _LONGEST), "jitter": (0.0, 1.0)}
_EXPECTED = (
    "is a number of seconds, a list of them, or an object with any of `base`, `factor` (1 to 100), `max` and `jitter` "
    "(0 to 1)"
)

SCHEMA: dict[str, Any] = {
    "type": ["number", "array", "object"],
    "minimum": 0,
    "maximum": _LONGEST,
    "items": {"type": "number", "minimum": 0, "maximum": _LONGEST},
    "minItems": 1,
    "maxItems": 100,
    "properties": {
        name: {"type": "number", "minimum": low, "maximum": high, "default": _DEFAULTS[name]}
        for name, (low, high) in _BOUNDS.items()
    },
    "additionalProperties": False,
    "description": "Seconds between two attempts: always the same; one for each attempt, the last one for all that "
    "follow; or `base` · `factor` ^ (attempt - 1), at most `max`, less a random share of up to `jitter`.",
}


def stored(value: Any) -> str:
    """The option as the record keeps it. ValueError says what was expected."""
    if isinstance(value, Mapping):
        fits = all(name in _BOUNDS and _is_number(each, *_BOUNDS[name]) for name, each in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        fits = 1 <= len(value) <= 100 and all(_is_number(each, 0, _LONGEST) for each in value)
    else:
        fits = _is_number(value, 0, _LONGEST)
    if not fits:
        raise ValueError(_EXPECTED)
    return orjson.dumps(value).decode()


def pause(kept: str, attempt: int) -> float:
    """Seconds to wait after that attempt (1 is the first), by what `stored` gave; "": by the defaults."""
    value = orjson.loads(kept) if kept else {}
    if isinstance(value, list):
        return float(value[min(attempt, len(value)) - 1])
    if not isinstance(value, dict):
        return float(value)
    rule = _DEFAULTS | value
    grown = rule["base"] * rule["factor"] ** min(attempt - 1, 100)  # at most 100 ^ 100: no overflow
    return float(min(grown, rule["max"]) * (1 - rule["jitter"] * random.random()))


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
