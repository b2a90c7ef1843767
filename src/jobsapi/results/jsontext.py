"""Python values → JSON text that any reader takes: no NaN, whole big integers, keys that are strings."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence, Set, ValuesView
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson

__all__ = ["NotJson", "to_json"]

_OPTIONS = orjson.OPT_NAIVE_UTC


class NotJson(TypeError):
    """A value inside that has no form in JSON; `path` leads to it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.path: list[str] = []

    @property
    def pointer(self) -> str:
        """Where it is, as a JSON pointer (RFC 6901); "" is the value as a whole."""
        return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in self.path)


def to_json(value: Any) -> bytes:
    """Compact UTF-8 JSON of a value.

    Dates and times become RFC 3339 (without a zone: UTC), durations ISO 8601, decimals and UUIDs strings, sets
    and tuples arrays, enum members their values, NaN and infinity null. Raises NotJson for what has no form.
    """
    try:
        return orjson.dumps(value, default=_quick, option=_OPTIONS)
    except TypeError:
        pass  # what orjson cannot do is rare; the slow way can, or says exactly where it stops
    try:
        return json.dumps(_plain(value), allow_nan=False, separators=(",", ":")).encode()
    except RecursionError:
        raise NotJson("a value that holds itself, or nests too deep") from None


def _quick(value: Any) -> Any:
    """One step towards JSON within orjson, which writes arrays of plain numbers itself.

    Not others: it takes NaT for a date of the year 1677.
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(value) is numpy.ndarray and value.ndim:
        kind = value.dtype
        if kind.kind in "biuf" and kind.itemsize <= 8 and kind.isnative:
            flat = numpy.ascontiguousarray(value)
            return orjson.Fragment(orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY))
    return _simpler(value)


def _plain(value: Any) -> Any:
    """The value out of nothing but dict, list, str, int, float, bool and None."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return _plain_object(value)
    if isinstance(value, list | tuple):
        return _plain_array(value)
    return _plain(_simpler(value))


def _plain_object(value: Mapping[Any, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, inner in value.items():
        text = _key(key)
        if text in plain:
            raise NotJson(f"an object with two keys that both become {text!r}")
        try:
            plain[text] = _plain(inner)
        except NotJson as problem:
            problem.path.insert(0, text)
            raise
    return plain


def _plain_array(value: Sequence[Any]) -> list[Any]:
    plain: list[Any] = []
    try:
        for inner in value:
            plain.append(_plain(inner))  # noqa: PERF401 - the error needs to know how far it came
    except NotJson as problem:
        problem.path.insert(0, str(len(plain)))
        raise
    return plain


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        return _key(key.value)
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, bool | int | float):
        return json.dumps(_plain(key))
    if isinstance(key, tuple | Mapping | Set | bytes):
        raise NotJson(f"an object with a key of the type {type(key).__name__}")
    return _key(_simpler(key))


def _simpler(value: Any) -> Any:
    """One step towards JSON for a value that is none of its own types. Raises NotJson."""
    for kinds, step in _STEPS:
        if isinstance(value, kinds):
            return step(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (f.name for f in dataclasses.fields(value) if not f.name.startswith("_"))  # as orjson does
        return {name: getattr(value, name) for name in fields}
    return _of_libraries(value)


def _of_libraries(value: Any) -> Any:
    """The same for types of pydantic, numpy and pandas, which exist only where the user's code loaded them."""
    pydantic, numpy, pandas = (sys.modules.get(name) for name in ("pydantic", "numpy", "pandas"))
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        try:
            return value.model_dump(mode="json", fallback=_simpler)
        except ValueError as problem:
            raise NotJson(f"a {_name(value)} model that pydantic cannot turn into JSON ({problem})") from problem
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
        return _of_numpy(numpy, value)
    if pandas is not None and value is pandas.NA:
        return None
    if hasattr(value, "__array__") and not isinstance(value, type) and callable(getattr(value, "tolist", None)):
        return value.tolist()  # tensors, series: arrays by their own account
    return _refused(value)


def _of_numpy(numpy: Any, value: Any) -> Any:
    if value.dtype.kind == "M":  # tolist() would give nanoseconds as bare numbers
        return value.astype("datetime64[us]").tolist()
    if value.dtype.kind == "m":
        return value.astype("timedelta64[us]").tolist()
    if value.dtype.kind == "f" and value.dtype.itemsize < 8:  # 0.1 shall not become 0.10000000149011612
        return numpy.asarray(value.astype("str")).astype("float64").tolist()
    if isinstance(value, numpy.longdouble):
        return float(value)
    if value.dtype.type is numpy.longdouble:
        return value.astype("float64").tolist()
    return value.tolist()


def _moment(value: dt.datetime | dt.date | dt.time) -> str | None:
    if value != value:  # noqa: PLR0124 - pandas' NaT is a datetime that is unequal to itself
        return None
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return value.isoformat() + "+00:00"
    return value.isoformat()


def _duration(value: dt.timedelta) -> str:
    micros = value // dt.timedelta(microseconds=1)
    seconds, rest = divmod(abs(micros), 1_000_000)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{'-' if micros < 0 else ''}PT{seconds}{fraction}S"


def _ordered(value: Set[Any]) -> list[Any]:
    """A set's members in an order that does not change from run to run, where they have one."""
    try:
        return sorted(value)
    except TypeError:
        return list(value)


def _refused(value: Any) -> Any:
    raise NotJson(f"a value of the type {_name(value)}")


def _name(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    module = "" if kind.__module__ in ("builtins", "__main__") else kind.__module__ + "."
    return f"{'class ' if isinstance(value, type) else ''}{module}{kind.__qualname__}"


_STEPS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (bytes | bytearray | memoryview, _refused),
    (dt.datetime | dt.date | dt.time, _moment),
    (dt.timedelta, _duration),
    (Decimal, lambda value: str(value) if value.is_finite() else None),
    (UUID, str),
    (Set, _ordered),
    (Mapping, dict),
    (Sequence | ValuesView, list),
)
