"""`k=v` follows the task's schema."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic looks at it
import json
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from jobsapi.cli.params import parsed, swept
from jobsapi.errors import Invalid
from jobsapi.fit import mismatches
from jobsapi.tasks import Task


class Point(BaseModel):
    x: float
    label: str | None = None


def everything(
    text: str = "",
    whole: int = 0,
    number: float = 0,
    share: Annotated[float, Field(ge=0, le=1)] = 0,
    flag: bool = False,
    maybe_text: str | None = None,
    maybe_whole: int | None = None,
    either: int | str = 0,
    mode: Literal["1", "fast"] = "fast",
    level: Literal[1, 2] = 1,
    day: dt.date | None = None,
    numbers: list[int] = [],  # noqa: B006 -- nobody changes it
    point: Point | None = None,
    points: list[Point] = [],  # noqa: B006
    anything: Any = None,
) -> None:
    """Every kind of parameter."""


SCHEMA = Task("everything", everything).schema


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("text=5", "5"),
        ("text=", ""),
        ("text=a=b", "a=b"),
        ("text=null", "null"),
        ('text="quoted"', '"quoted"'),
        ("whole=5", 5),
        ("whole=-5", -5),
        ("number=5", 5),
        ("whole=5.5", 5.5),  # refused by the API, with its sentence
        ("number=1e3", 1000.0),
        ("share=.5", ".5"),  # no JSON: the API says what it expected
        ("flag=true", True),
        ("flag=False", False),
        ("maybe_text=5", "5"),
        ("maybe_text=null", None),
        ("maybe_text=true", "true"),
        ("maybe_whole=null", None),
        ("maybe_whole=7", 7),
        ("either=7", 7),
        ("either=seven", "seven"),
        ("either=7.5", "7.5"),
        ("mode=1", "1"),
        ("level=2", 2),
        ("day=2026-01-31", "2026-01-31"),
        ("numbers=[1, 2]", [1, 2]),
        ('point={"x": 1}', {"x": 1}),
        ('points=[{"x": 1}]', [{"x": 1}]),
        ("anything=1", 1),
        ("anything=word", "word"),
        ("anything=NaN", "NaN"),
        ("unknown=1", 1),
    ],
)
def test_a_value_becomes_what_its_parameter_wants(word, value):
    name = word.partition("=")[0]
    made = parsed([word], SCHEMA)[name]
    assert (made, type(made)) == (value, type(value))


@pytest.mark.parametrize("word", ["text", "=5", ""])
def test_a_word_without_a_name_or_a_value_is_told(word):
    with pytest.raises(Invalid, match="NAME=VALUE"):
        parsed([word], SCHEMA)


def test_a_parameter_that_is_given_twice_is_told():
    with pytest.raises(Invalid, match="given twice"):
        parsed(["whole=1", "whole=2"], SCHEMA)


def test_free_parameters_are_json_where_they_are_json():
    def free(**anything: Any) -> None: ...

    assert parsed(["a=1", "b=x y"], Task("free", free).schema) == {"a": 1, "b": "x y"}


def test_free_parameters_with_a_type_follow_it():
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    assert parsed(["a=1"], schema) == {"a": "1"}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "text": st.text(),
            "whole": st.integers(-(2**63), 2**63),
            "number": st.floats(allow_nan=False, allow_infinity=False),
            "flag": st.booleans(),
            "maybe_whole": st.none() | st.integers(-1000, 1000),
            "numbers": st.lists(st.integers(-1000, 1000)),
            "point": st.none() | st.fixed_dictionaries({"x": st.integers(-9, 9), "label": st.none() | st.text()}),
        },
    )
)
def test_whatever_fits_the_schema_comes_through_as_it_was(params):
    words = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in params.items()]
    made = parsed(words, SCHEMA)
    assert made == params
    assert not mismatches("everything", lambda: SCHEMA, made, "")


def test_a_sweep_lists_values_as_the_schema_wants_them():
    schema = Task("everything", everything).schema
    words = [
        "text=1,2",
        "number=0.1,2",
        "flag=true,False",
        "mode=1,fast",
        "numbers=[[1], [2, 3]]",
        "maybe_whole=1,null",
    ]
    assert swept(words, schema) == {
        "text": ["1", "2"],
        "number": [0.1, 2],
        "flag": [True, False],
        "mode": ["1", "fast"],
        "numbers": [[1], [2, 3]],
        "maybe_whole": [1, None],
    }
    assert swept(["whole=x,1"], schema) == {"whole": ["x", 1]}, "what does not fit is for the API to refuse"
    assert swept(["text=a"], schema) == {"text": ["a"]}
    with pytest.raises(Invalid):
        swept(["text"], schema)
