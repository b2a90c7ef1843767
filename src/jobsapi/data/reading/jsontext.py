"""JSON text into the values of records, with the limits that records have."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

__all__ = ["NotARecord", "record"]

_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_KINDS = {list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number", type(None): "null"}


class NotARecord(Exception):
    """JSON, but not a record that can be kept; the message goes on after `Row 3: it`."""


def record(text: bytes) -> dict[str, Any]:
    """The object that a text holds. Raises orjson.JSONDecodeError, and NotARecord for other values."""
    value = orjson.loads(text)
    if not isinstance(value, dict):
        raise NotARecord(f"is {_KINDS[type(value)]}, not an object")
    if _LONG_NUMBER.search(text):  # orjson makes a float of an integer that is too wide, and says nothing
        _refuse_wide_integers(text)
    return value


def _refuse_wide_integers(text: bytes) -> None:
    try:
        json.loads(text, parse_int=_narrow)
    except RecursionError:
        raise NotARecord("is nested too deeply") from None


def _narrow(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        raise NotARecord(f"holds an integer beyond 64 bits, {digits[:30]}; send it as text")
    return 0
