"""The options of a job: for each its check and the field of the record it is kept in."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from jobsapi import backoff, outbound
from jobsapi.errors import FieldError
from jobsapi.names import ID_PATTERN, NAME_PATTERN, checked_name

__all__ = ["FAMILY", "MOST_PARENTS", "OPTIONS", "RELATIVE", "TOLD", "Option", "moment", "schema", "stored", "told"]


@dataclass(frozen=True)
class Option:
    """One option beside `task` and `params`."""

    field: str
    """The record's field; a value that equals the default is not stored."""
    schema: dict[str, Any]
    """Its JSON Schema, shown in /openapi.json and checked."""
    store: Callable[[Any], str | int]
    """The checked value → what the record keeps. ValueError says what was expected."""


def _number(low: float, high: float, what: str, scale: int = 1) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(what)
        if scale == 1 and value != int(value):
            raise ValueError(what)
        return round(value * scale)

    return check


def _tags(value: Any) -> str:
    fit = isinstance(value, Sequence) and not isinstance(value, str) and len(value) <= 20
    if not fit:
        raise ValueError("is a list of at most 20 different tags")
    tags = [checked_name("tag", each) for each in value]
    if len(set(tags)) != len(tags):
        raise ValueError("is a list of at most 20 different tags")
    return " ".join(tags)


def moment(value: Any) -> int:
    """RFC 3339 → ms since the epoch. ValueError says what was expected."""
    expected = "is a time such as 2026-01-31T12:00:00Z"
    if not isinstance(value, str) or not re.fullmatch(_RFC3339, value):
        raise ValueError(expected)
    try:
        at = datetime.datetime.fromisoformat(value.upper()).astimezone(datetime.UTC)  # within the years 1 to 9999
        return max(1, (at - _EPOCH) // datetime.timedelta(milliseconds=1))
    except (ValueError, OverflowError):
        raise ValueError(expected) from None


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_RFC3339 = r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})"


def _key(value: Any) -> str:
    fits = isinstance(value, str) and 1 <= len(value) <= 200
    if not fits or any("\ud800" <= each <= "\udfff" for each in value):
        raise ValueError("is a text of 1 to 200 characters")
    return str(value)


def _conflict(value: Any) -> str:
    if value not in ("refuse", "return"):
        raise ValueError("is `refuse` or `return`")
    return "r" if value == "return" else ""


def _cache(value: Any) -> int:
    if not isinstance(value, bool):
        raise ValueError("is true or false")
    return 0 if value else 1


def _parents(value: Any) -> str:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= MOST_PARENTS:
        raise ValueError(f"is a list of 1 to {MOST_PARENTS:,} ids of jobs")
    if not all(isinstance(each, str) and re.fullmatch(_PARENT, each) for each in value):
        raise ValueError("holds ids of jobs, or `#0` for the first job of the same list")
    if len(set(value)) != len(value):
        raise ValueError("names a job twice")
    return " ".join(value)


_PARENT = rf"{ID_PATTERN}|#[0-9]{{1,4}}"
MOST_PARENTS = 1000
"""How many jobs one job may come after."""

_PARENTS = {
    "type": "array",
    "items": {"type": "string", "pattern": f"^({_PARENT})$"},
    "minItems": 1,
    "maxItems": MOST_PARENTS,
    "uniqueItems": True,
}

FAMILY = ("after", "after_any")
"""Options that name jobs to come after."""

RELATIVE = {"dl": "ra", "xi": "xa"}
"""Fields that tell ms from now → the field that a submit makes of them by the server's clock, a point in time."""

_SECONDS = {"type": "number", "minimum": 0.001, "maximum": 1e9}
_NAME = {"type": "string", "pattern": f"^{NAME_PATTERN}$"}

OPTIONS: dict[str, Option] = {
    "queue": Option(
        "q", _NAME | {"description": "The line it waits in; default the task's."}, lambda v: checked_name("queue", v)
    ),
    "priority": Option(
        "pr",
        {"type": "integer", "minimum": -100, "maximum": 100, "default": 0, "description": "Higher goes first."},
        _number(-100, 100, "is an integer from -100 to 100"),
    ),
    "timeout": Option(
        "to",
        _SECONDS | {"description": "Seconds one run may take; default the task's."},
        _number(0.001, 1e9, "is a number of seconds from 0.001 to 1,000,000,000", scale=1000),
    ),
    "memory_mb": Option(
        "mm",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": 10**8,
            "description": "MiB that the job's processes may have together, about 50 of them Python's own; then it "
            "ends `failed`, reason `memory`. Default the task's.",
        },
        _number(1, 10**8, "is an integer from 1 to 100,000,000"),
    ),
    "delay": Option(
        "dl",
        {"type": "number", "minimum": 0, "maximum": 1e9, "description": "Seconds until it goes into its queue."},
        _number(0, 1e9, "is a number of seconds from 0 to 1,000,000,000", scale=1000),
    ),
    "run_at": Option(
        "ra",
        {
            "type": "string",
            "format": "date-time",
            "pattern": f"^{_RFC3339}$",
            "description": "When it goes into its queue, as RFC 3339; in the past: at once. Not beside `delay`.",
        },
        moment,
    ),
    "expires_in": Option(
        "xi",
        _SECONDS | {"description": "Seconds by which a worker must have claimed it; then it fails, reason `expired`."},
        _number(0.001, 1e9, "is a number of seconds from 0.001 to 1,000,000,000", scale=1000),
    ),
    "key": Option(
        "ky",
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "At most one job with this key is active at a time.",
        },
        _key,
    ),
    "on_conflict": Option(
        "oc",
        {
            "type": "string",
            "enum": ["refuse", "return"],
            "default": "refuse",
            "description": "Where another active job has the `key`: refuse this one (409), or return that one.",
        },
        _conflict,
    ),
    "after": Option(
        "af",
        _PARENTS
        | {
            "description": "Ids of jobs that must complete first; where one does not, it fails, reason `dependency`. "
            "`#0` is the first job of the same list, and so on."
        },
        _parents,
    ),
    "after_any": Option(
        "ay", _PARENTS | {"description": "Ids of jobs that must end first, however they end."}, _parents
    ),
    "max_attempts": Option(
        "ma",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": 1000,
            "description": "Tries that may end in an exception or a timeout; default the task's, else 1.",
        },
        _number(1, 1000, "is an integer from 1 to 1000"),
    ),
    "backoff": Option("bo", backoff.SCHEMA, backoff.stored),
    "max_deliveries": Option(
        "md",
        {"type": "integer", "minimum": 1, "maximum": 1000, "description": "Runs whose process may die; then `lost`."},
        _number(1, 1000, "is an integer from 1 to 1000"),
    ),
    "cache": Option(
        "nc",
        {
            "type": "boolean",
            "default": True,
            "description": "Whether a result of the same parameters may answer, where the task keeps them for that.",
        },
        _cache,
    ),
    "tags": Option(
        "tg",
        {"type": "array", "items": _NAME, "maxItems": 20, "uniqueItems": True, "description": "Words to find it by."},
        _tags,
    ),
    "webhook": Option(
        "wh",
        {
            "type": "string",
            "format": "uri",
            "pattern": "^https?://[!-~]+$",
            "maxLength": outbound.MOST_URL,
            "description": "Where the job is posted to when it has ended, signed as Standard Webhooks say.",
        },
        outbound.checked_url,
    ),
    "keep": Option(
        "kp",
        _SECONDS | {"description": "Seconds its results are kept after its end."},
        _number(0.001, 1e9, "is a number of seconds from 0.001 to 1,000,000,000", scale=1000),
    ),
}
"""A new option is a line here, a field in `record.JobRecord`, and what the scripts make of it."""


def _seconds(ms: bytes) -> int | float:
    whole, rest = divmod(int(ms), 1000)
    return int(ms) / 1000 if rest else whole


TOLD: dict[str, tuple[str, Callable[[bytes], Any]]] = {
    "timeout": ("to", _seconds),
    "memory_mb": ("mm", int),
    "backoff": ("bo", orjson.loads),
    "max_deliveries": ("md", int),
    "expires_in": ("ei", _seconds),
    "key": ("ky", bytes.decode),
    "on_conflict": ("oc", lambda _: "return"),
    "cache": ("nc", lambda _: False),
    "keep": ("kp", _seconds),
}
"""Options that one job's document shows only where they hold: the record's field of each, and how it is read.

The document shows the others by themselves; what a task says for all its jobs stands in them, too.
"""


def told(fields: Mapping[str, bytes | None]) -> dict[str, Any]:
    """The options of TOLD that a record has, as a submit takes them."""
    return {name: read(value) for name, (field, read) in TOLD.items() if (value := fields.get(field))}


_ALONE = "makes a batch of its own: it is sent alone, with a `task` and not in a list"


def stored(options: Mapping[str, Any], base: str) -> tuple[dict[str, str | int], list[FieldError]]:
    """The record's fields for these options, and where they do not fit; pointers start with `base`. None: not given."""
    fields: dict[str, str | int] = {}
    faults: list[FieldError] = []
    for name, value in options.items():
        if name == "sweep":
            faults.append(FieldError(f"{base}/{name}", _ALONE))
        elif name not in OPTIONS:
            known = ", ".join(OPTIONS)
            faults.append(
                FieldError(f"{base}/{name.replace('~', '~0').replace('/', '~1')}", f"is no option; options are {known}")
            )
        elif value is not None:
            try:
                kept = OPTIONS[name].store(value)
            except (ValueError, OverflowError) as problem:
                faults.append(FieldError(f"{base}/{name}", str(problem)))
            else:
                if kept not in ("", 0):
                    fields[OPTIONS[name].field] = kept
    if "dl" in fields and "ra" in fields:
        faults.append(FieldError(f"{base}/run_at", "cannot stand beside `delay`"))
    together = f"{fields.get('af', '')} {fields.get('ay', '')}".split()
    if len(set(together)) != len(together) or len(together) > MOST_PARENTS:
        detail = f"and `after` name at most {MOST_PARENTS:,} jobs, each once"
        faults.append(FieldError(f"{base}/after_any", detail))
    return fields, faults


def schema() -> dict[str, Any]:
    """The options as properties of a JSON Schema."""
    return {name: option.schema for name, option in OPTIONS.items()}
