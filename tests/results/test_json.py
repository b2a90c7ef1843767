"""What JSON values come out as."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import subprocess
import sys
import uuid
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobsapi.results.jsontext import NotJson, to_json

_numbers = st.integers() | st.integers(2**64, 2**200) | st.floats()
_values = st.recursive(
    st.none() | st.booleans() | _numbers | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


def _expected(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_expected(each) for each in value]
    if isinstance(value, dict):
        return {key: _expected(each) for key, each in value.items()}
    return value


def _strict(text: bytes) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@given(_values)
@settings(deadline=None)
def test_any_json_value_comes_back_as_it_was_but_nan_and_infinity_become_null(value: Any) -> None:
    assert _strict(to_json(value)) == _expected(value)


@given(st.lists(st.floats() | st.integers(2**64, 2**70), min_size=1))
@settings(deadline=None)
def test_floats_are_the_same_beside_integers_of_any_size(values: list[float]) -> None:
    assert _strict(to_json({"a": tuple(values)})) == {"a": _expected(values)}


class _Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class _Point:
    x: float
    y: Any


class _Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    value: Any
    when: dt.date = dt.date(2026, 1, 31)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC), "2026-01-31T12:00:00+00:00"),
        (dt.datetime(2026, 1, 31, 12), "2026-01-31T12:00:00+00:00"),  # noqa: DTZ001
        (dt.date(2026, 1, 31), "2026-01-31"),
        (dt.time(1, 2, tzinfo=dt.UTC), "01:02:00+00:00"),
        (dt.timedelta(minutes=1, microseconds=500_000), "PT60.5S"),
        (-dt.timedelta(seconds=2), "-PT2S"),
        (decimal.Decimal("1.10"), "1.10"),
        (decimal.Decimal("NaN"), None),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (_Colour.RED, "red"),
        ({3, 1, 2}, [1, 2, 3]),
        (range(3), [0, 1, 2]),
        (collections.deque([1]), [1]),
        (_Point(1.0, math.inf), {"x": 1.0, "y": None}),
        (_Point(1.0, 2**80), {"x": 1.0, "y": 2**80}),
        (_Model(value=np.arange(2)), {"value": [0, 1], "when": "2026-01-31"}),
        (_Model(value=math.nan), {"value": None, "when": "2026-01-31"}),
        ({1: "a", None: "b", False: "c", 1.5: "d", _Colour.RED: "e", dt.date(2026, 1, 31): "f"},
         {"1": "a", "null": "b", "false": "c", "1.5": "d", "red": "e", "2026-01-31": "f"}),
    ],
)  # fmt: skip
def test_python_values_have_one_form_each(value: Any, expected: Any) -> None:
    assert _strict(to_json(value)) == expected
    assert _strict(to_json([value, 2**70])) == [expected, 2**70]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(1.5), 1.5),
        (np.float64("nan"), None),
        (np.int64(-3), -3),
        (np.bool_(True), True),
        (np.array([[1.0, np.nan], [np.inf, 2.0]]), [[1.0, None], [None, 2.0]]),
        (np.array([[1, 2], [3, 4]]).T, [[1, 3], [2, 4]]),
        (np.array(5), 5),
        (np.zeros((2, 0)), [[], []]),
        (np.array([1, 2], dtype=">i4"), [1, 2]),
        (np.array([0.5], dtype=np.float16), [0.5]),
        (np.array([True, False]), [True, False]),
        (np.float32(0.1), 0.1),
        (np.array([0.1, np.nan], dtype=np.float32), [0.1, None]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array(["2026-01-31", "NaT"], dtype="datetime64[ns]"), ["2026-01-31T00:00:00+00:00", None]),
        (np.datetime64("NaT"), None),
        (np.array([1500], dtype="timedelta64[ms]"), ["PT1.5S"]),
        (np.longdouble(2), 2.0),
        (np.array([2], dtype=np.longdouble), [2.0]),
        (np.array([2**63], dtype=np.uint64), [2**63]),
        (np.ma.masked_array([1, 2], mask=[False, True]), [1, None]),
        ({np.int64(3): 1}, {"3": 1}),
        (pd.Timestamp("2026-01-31", tz="UTC"), "2026-01-31T00:00:00+00:00"),
        ([pd.NaT, pd.NA], [None, None]),
        (pd.Series([1, 3]).describe().to_dict()["mean"], 2.0),
    ],
)
def test_numpy_and_pandas_values_become_plain_ones(value: Any, expected: Any) -> None:
    assert _strict(to_json(value)) == expected
    assert _strict(to_json([value, 2**70])) == [expected, 2**70]


@pytest.mark.parametrize(
    ("value", "pointer", "what"),
    [
        ({"a": [1, object()]}, "/a/1", "object"),
        ({"a/b": {"~": {1j}}}, "/a~1b/~0/0", "complex"),
        ([b"x"], "/0", "bytes"),
        (int, "", "class int"),
        ({(1, 2): 3}, "", "tuple"),
        ({1: "a", "1": "b"}, "", "'1'"),
        (_Model(value=object()), "", "object"),
    ],
)
def test_what_has_no_form_is_named_with_the_place_where_it_is(value: Any, pointer: str, what: str) -> None:
    with pytest.raises(NotJson) as refused:
        to_json(value)
    assert refused.value.pointer == pointer
    assert what in refused.value.what


def test_a_list_that_holds_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(NotJson, match="holds itself"):
        to_json(endless)


def test_half_of_a_surrogate_pair_is_written_as_an_escape() -> None:
    assert to_json("\ud800") == b'"\\ud800"'


def test_plain_values_are_compact_utf8() -> None:
    assert to_json({"ä": [1, 2]}) == orjson.dumps({"ä": [1, 2]})


def test_no_library_is_loaded_that_the_users_code_did_not_load() -> None:
    code = (
        "import sys, pathlib; from jobsapi.results.media import encode;"
        "encode({'a': [1.5, 2**80]}, {'b': b'x'}, pathlib.Path('unused'), max_result=100);"
        "print([m for m in ('numpy', 'pandas', 'polars', 'pyarrow', 'matplotlib', 'PIL', 'pydantic', 'redis', 'flask')"
        " if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
