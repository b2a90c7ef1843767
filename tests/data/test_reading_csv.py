"""CSV: the header names the fields, and a column has the type that all of its values have."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobsapi.errors import BadRow, Invalid, TooLarge, Unreadable
from tests.data.reading_helpers import read

LANDINGS = """name,id,nametype,mass (g),fall,reclat,GeoLocation
Aachen,1,Valid,21,Fell,50.775000,"(50.775, 6.08333)"
"Alt
orf",4,Valid,,Found,,
Ähre,6,Valid,0.5,Fell,-10,"(""x"", y)"
"""


def column(*values: str) -> list[Any]:
    """The values of a column next to one that is never empty."""
    return [each["c"] for each in read(("c,d\n" + "".join(f"{value},x\n" for value in values)).encode(), "text/csv")]


def test_a_sparse_table_with_odd_names_and_quoted_line_ends() -> None:
    found = read(LANDINGS.encode(), "text/csv")
    assert found[0] == {
        "name": "Aachen",
        "id": 1,
        "nametype": "Valid",
        "mass (g)": 21.0,
        "fall": "Fell",
        "reclat": 50.775,
        "GeoLocation": "(50.775, 6.08333)",
    }
    assert found[1] | {"name": "Alt\norf", "id": 4, "mass (g)": None, "reclat": None, "GeoLocation": None} == found[1]
    assert found[2] | {"name": "Ähre", "mass (g)": 0.5, "reclat": -10.0, "GeoLocation": '("x", y)'} == found[2]
    for body in (LANDINGS.replace("\n", "\r\n"), "\ufeff" + LANDINGS, LANDINGS.rstrip("\n"), LANDINGS + "\n\n"):
        assert len(read(body.encode(), "text/csv")) == len(read(body.encode())) == 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "", "-20", "0"], [1, None, -20, 0]),
        (["1", "2.5", ""], [1.0, 2.5, None]),
        ([".5", "1.", "1e3", "-0"], [0.5, 1.0, 1000.0, -0.0]),
        ([" 1", "2 "], [1, 2]),
        (["true", "False", "", "TRUE"], [True, False, None, True]),
        (["true", "1"], ["true", "1"]),
        (["007", "12"], ["007", "12"]),
        (["+1", "2"], ["+1", "2"]),
        (["1", "x"], ["1", "x"]),
        (["2024-01-31", ""], ["2024-01-31", None]),
        (["1,5".replace(",", "."), "nan"], ["1.5", "nan"]),
        (["inf", "1"], ["inf", "1"]),
        (["1e999", "1"], ["1e999", "1"]),
        (["1_000", "2"], ["1_000", "2"]),
        (["١", "2"], ["١", "2"]),
        (["18446744073709551615", "-9223372036854775808"], [2**64 - 1, -(2**63)]),
        (["18446744073709551616", "1"], ["18446744073709551616", "1"]),
        (["9007199254740993", "0.5"], ["9007199254740993", "0.5"]),
        (["", ""], [None, None]),
        ([" ", "1"], [" ", "1"]),
    ],
)
def test_a_column_has_the_type_that_all_of_its_values_have(values: list[str], expected: list[Any]) -> None:
    found = column(*values)
    assert found == expected
    assert [type(each) for each in found] == [type(each) for each in expected]


def test_the_last_row_of_a_long_file_decides_as_the_first_does() -> None:
    assert column(*["1"] * 20_000, "x")[:2] == ["1", "1"]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_semicolons_and_tabs_part_fields_where_the_header_has_no_comma(delimiter: str) -> None:
    body = f'"a,b"{delimiter}c\n1{delimiter}"x,y"\n'.encode()
    assert read(body) == read(body, "text/csv") == [{"a,b": 1, "c": "x,y"}]
    assert read(b"a;b,c\n1,2\n", "text/csv") == [{"a;b": 1, "c": 2}]


def test_tab_separated_values_are_told_by_their_media_type() -> None:
    assert read(b"a,b\tc\n1\t2\n", "text/tab-separated-values") == [{"a,b": 1, "c": 2}]


def test_a_header_alone_is_no_record_where_csv_was_meant_and_a_sentence_about_curl_otherwise() -> None:
    assert read(b"a,b\n", "text/csv") == []
    with pytest.raises(Unreadable, match=r"--data-binary"):
        read(b"a,b1,23,4")
    with pytest.raises(Unreadable, match=r"--data-binary"):
        read(b"start=1&end=2", "application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("a,,c", "column 2 has no name"),
        (",a", "column 1 has no name"),
        ("a,b, a ", "column 3 is called 'a' like another one"),
        ("a,b,", "column 3 has no name"),
    ],
)
def test_a_header_that_cannot_name_the_fields_is_refused(header: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        read(f"{header}\n1,2,3\n".encode(), "text/csv")
    assert caught.value.errors[0].detail == said


@pytest.mark.parametrize("body", [b"", b"\n", b" ", b"\xef\xbb\xbf"])
def test_nothing_is_not_csv(body: bytes) -> None:
    with pytest.raises((Unreadable, Invalid)):
        read(body, "text/csv")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1", "it has 1 field, and the header 2 fields"),
        ("1,2,3", "it has 3 fields, and the header 2 fields"),
        ('"1,2', "unexpected end of data"),
        ('"1"x,2', "expected"),
        ("1\r2,3", "new-line"),
    ],
)
def test_a_bad_row_is_named_counted_from_1_without_the_header(row: str, said: str) -> None:
    with pytest.raises(BadRow, match=f"Row 3: .*{said}") as caught:
        read(f'a,b\n1,2\n\n"3\n",4\n{row}'.encode(), "text/csv")
    assert caught.value.row == 3


def test_what_is_not_utf8_is_refused_by_its_row() -> None:
    with pytest.raises(Unreadable, match=r"Row 2 is not UTF-8"):
        read("a,b\n1,2\né,3\n".encode("latin-1"), "text/csv")
    with pytest.raises(Unreadable, match=r"The header is not UTF-8"):
        read("é,b\n1,2\n".encode("latin-1"), "text/csv")


def test_a_row_is_a_record_and_not_larger_than_one() -> None:
    long = "x" * 200_000  # longer than Python's csv takes by itself
    assert read(f"a,b\n1,{long}\n".encode(), "text/csv")[0]["b"] == long
    body = f"a,b\n1,{'x' * 80}\n".encode()
    size = len(json.dumps({"a": 1, "b": "x" * 80}, separators=(",", ":")))
    assert read(body, "text/csv", most=size)
    for most in (size - 1, 50):
        with pytest.raises(TooLarge, match=r"Row 1 .*JOBSAPI_MAX_RECORD"):
            read(body, "text/csv", most=most)
    with pytest.raises(TooLarge, match=r"Row 2 .*quote in it does not end"):
        read(b'a,b\n1,2\n"3,4\n' + b"5,6\n" * 100_000, "text/csv", most=1000)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=3, max_size=3), min_size=1))
def test_texts_come_back_as_they_were_written(rows: list[list[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([["a", "b", "c"], *([f"-{text}-" for text in row] for row in rows)])
    found = read(out.getvalue().encode(), "text/csv")
    assert [list(each.values()) for each in found] == [[f"-{text}-" for text in row] for row in rows]
