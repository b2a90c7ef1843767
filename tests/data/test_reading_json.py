"""JSON arrays and documents become records, one after another, exactly as orjson reads them."""

from __future__ import annotations

import io
import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobsapi.data import reading
from jobsapi.errors import BadRow, Invalid, TooLarge, Unreadable
from tests.data.reading_helpers import read

QUAKES = {
    "type": "FeatureCollection",
    "metadata": {"count": 2, "status": 200, "bounds": [1, 2.5, None]},
    "features": [
        {
            "id": "a1",
            "properties": {"mag": 2, "felt": None, "title": 'M 2 - "near" [X] {y}'},
            "geometry": {"c": [1, 2]},
        },
        {"id": "b2", "properties": {"mag": None, "sources": [{"net": "ci"}]}, "geometry": None},
    ],
    "bbox": [[1, 2], [3, 4]],
}


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_an_array_gives_its_objects_in_order() -> None:
    records = [{"a": 1}, {"b": [1, {"c": "}]"}]}, {}, {"é": '\\"'}]
    assert read(encoded(records)) == records
    assert read(json.dumps(records, indent=3).encode(), "application/json") == records
    assert read(b" \n [ ] \n") == []


def test_the_mark_that_some_programs_put_first_is_passed_over() -> None:
    assert read(b'\xef\xbb\xbf[{"a":1}]') == [{"a": 1}]
    assert read(b'\xef\xbb\xbf{"a":1}\n', "application/x-ndjson") == [{"a": 1}]


def test_numbers_come_as_they_were_written() -> None:
    assert read(b'[{"a":18446744073709551615,"b":-9223372036854775808,"c":1e3,"d":0.1,"e":-0.0}]') == [
        {"a": 2**64 - 1, "b": -(2**63), "c": 1000.0, "d": 0.1, "e": -0.0}
    ]


@pytest.mark.parametrize("number", ["18446744073709551616", "-9223372036854775809", "1" + "0" * 100])
def test_an_integer_beyond_64_bits_is_refused_by_its_row(number: str) -> None:
    with pytest.raises(BadRow, match=r"Row 2: .*beyond 64 bits.* as text") as caught:
        read(b'[{"a":1},{"a":{"b":[' + number.encode() + b"]}}]")
    assert caught.value.row == 2


def test_many_digits_in_a_text_or_a_fraction_are_no_wide_integer() -> None:
    records = [{"a": "1" * 50, "b": 0.12345678901234567890123}]
    assert read(encoded(records)) == records


@pytest.mark.parametrize(
    "body",
    [
        b"[",
        b'[{"a":1}',
        b'[{"a":1},',
        b'[{"a":1},]',
        b'[{"a":1} {"a":2}]',
        b'[{"a":1}}',
        b'[{"a":1]]',
        b'[{"a":NaN}]',
        b'[{"a":Infinity}]',
        b'[{"a":1e999}]',
        b'[{"a":01}]',
        b"[{'a':1}]",
        b'[{"a":1,}]',
        b'[{"a":1}] x',
        b'[{"a":1}][{"a":2}]',
        b'[{"a":"\xff"}]',
        b'[{"a":"\\ud800"}]',
        b'[{"a":"\n"}]',
        b'[{"a":"unended]}',
        b'[{"a":' + b"[" * 2000 + b"]" * 2000 + b"}]",
        b"[nul]",
        b"[,]",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a":[{}]',
        b'{"a":[{}]} {"b":1}',
        b'{"a":[{}],"b":nope}',
        b'{"a":[{}],"b":[1,,2]}',
        b'{"a":[{}],"b":tru',
        b'{"a":[{}],b:1}',
        b'{"a":[{}],}',
        b'{"a":[{}] "b":1}',
        b'{"\xff":[{}]}',
        b'{"a":' * 300 + b"[{}]" + b"}" * 300,
        b"",
        b" \n ",
        b"\xff\xfe[\0]\0",
    ],
)
@pytest.mark.parametrize("media_type", ["", "application/json"])
def test_what_is_not_json_cannot_be_read(body: bytes, media_type: str) -> None:
    with pytest.raises(Unreadable):
        read(body, media_type)


def test_the_sentence_says_where_it_stops_being_json() -> None:
    with pytest.raises(Unreadable, match=r"at byte 8 `}` stands where"):
        read(b'[{"a":1}}')
    with pytest.raises(Unreadable, match=r"at byte 8 the text ends where"):
        read(b'[{"a":1}')
    with pytest.raises(Unreadable, match=r"Record 2 is not JSON"):
        read(b'[{"a":1},{"a":nope}]')
    with pytest.raises(Unreadable, match=r"--data-binary"):
        read(b'{"a":[{}]}{"b":1}')


@pytest.mark.parametrize(
    ("value", "kind"),
    [("1", "a number"), ("true", "a boolean"), ("null", "null"), ('"x,]"', "a text"), ("[{}]", "a list")],
)
def test_an_element_that_is_no_object_is_a_bad_row(value: str, kind: str) -> None:
    for rest in ("]", " , {}]"):
        with pytest.raises(BadRow, match=f"Row 2: it is {kind}, not an object") as caught:
            read(f'[{{"a":1}}, {value}{rest}'.encode())
        assert caught.value.row == 2


def test_a_record_may_be_as_large_as_allowed_and_no_larger() -> None:
    fits = encoded([{}, {"a": "x" * 91}])
    assert len(read(fits, most=100)) == 2
    for body in (fits.replace(b"x", b"xx", 1), b'[{},{"a":"' + b"x" * 500_000, b"[{}," + b"1" * 500_000):
        with pytest.raises(TooLarge, match=r"Record 2 .* 100 bytes .*JOBSAPI_MAX_RECORD"):
            read(body, most=100)


# --- Documents ------------------------------------------------------------------------------------------------------


def test_the_one_list_of_objects_in_a_document_is_found() -> None:
    assert read(encoded(QUAKES)) == QUAKES["features"]
    assert read(json.dumps(QUAKES, indent=2).encode(), "application/geo+json") == QUAKES["features"]
    assert read(b'{"response":{"n":[1,2],"docs":[{"a":1}]}}') == [{"a": 1}]


def test_a_list_is_named_by_its_pointer() -> None:
    body = encoded({"a": {"b/c": [{"x": 1}], "~": [{"x": 2}]}, "d": [{"x": 3}, {"in": [{"x": 4}]}], "": [{"x": 5}]})
    for pointer, x in (("/a/b~1c", 1), ("/a/~0", 2), ("/", 5), ("/d/1/in", 4)):
        assert read(body, pointer=pointer) == [{"x": x}]
    assert read(body, "application/json", pointer="/d")[0] == {"x": 3}
    assert read(b'[{"x":1}]', pointer="") == [{"x": 1}]
    assert read(b'[{"in":[{"x":1}]}]', pointer="/0/in") == [{"x": 1}]


def test_two_lists_that_could_be_meant_are_refused_with_both_pointers() -> None:
    with pytest.raises(Invalid, match=r"2 lists of objects.*\?records=/features, \?records=/meta/li~1nks") as caught:
        read(encoded({"features": [{"a": 1}], "meta": {"li/nks": [{"b": 2}]}}))
    assert [each.pointer for each in caught.value.errors] == ["/features", "/meta/li~1nks"]


def test_an_empty_list_is_meant_only_where_there_is_no_other() -> None:
    assert read(b'{"docs":[{"a":1}],"errors":[]}') == [{"a": 1}]
    assert read(b'{"docs":[],"n":0}') == []
    assert read(b'{"docs":[],"errors":[{"a":1}]}', pointer="/docs") == []
    with pytest.raises(Invalid, match=r"/docs, .*/errors"):
        read(b'{"docs":[],"errors":[]}')


@pytest.mark.parametrize("body", [b'{"a":1}', b'{"a":[1,{"b":2}]}', b"{}", b'{"a":[[{"b":1}]]}'])
def test_a_document_without_a_list_of_objects_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match=r"no list of objects.*x-ndjson"):
        read(body)


@pytest.mark.parametrize("pointer", ["/b", "/a/0", "/a/x", "/a/00", "/n", "", "/a/"])
def test_a_pointer_that_leads_to_no_list_is_refused(pointer: str) -> None:
    with pytest.raises(Invalid, match=r"no list at") as caught:
        read(b'{"a":[{"b":1}],"n":1}', pointer=pointer)
    assert caught.value.errors[0].pointer == "/records"


@pytest.mark.parametrize(("pointer", "said"), [("a", "slash: /a"), ("/a~2", "~0")])
def test_what_is_no_pointer_is_refused(pointer: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(b'{"a":[{"b":1}]}', pointer=pointer)


def test_a_pointer_goes_with_json_alone() -> None:
    for body in (b"a,b\n1,2\n", b'{"a":1}\n'):
        with pytest.raises(Invalid, match=r"within a JSON document; this is"):
            read(body, "text/csv" if b"," in body else "application/x-ndjson", pointer="/a")


def test_a_mixed_list_is_found_by_its_first_object_and_refused_by_its_bad_row() -> None:
    with pytest.raises(BadRow, match=r"Row 2"):
        read(b'{"a":[{"b":1},2]}')


# --- Whatever it is -------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # every text that UTF-8 has, brackets and quotes more often than chance would
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.text('[]{}",:\\ \n'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab"\\]', max_size=3), inner, max_size=4),
    max_leaves=20,
)
RECORDS = st.lists(st.dictionaries(st.text('abé"{', max_size=4), VALUES, max_size=5), max_size=6)


class Drops:
    """A stream that gives a few bytes at a time."""

    def __init__(self, body: bytes, size: int) -> None:
        self._stream, self._size = io.BytesIO(body), size

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._size))


@settings(max_examples=200, deadline=None)
@given(records=RECORDS, indent=st.sampled_from([None, 1]), size=st.sampled_from([1, 7, 1 << 16]))
def test_any_records_come_back_as_they_are(records: list[dict[str, Any]], indent: int | None, size: int) -> None:
    expected = [orjson.loads(orjson.dumps(each)) for each in records]
    body = json.dumps(records, indent=indent, ensure_ascii=False).encode()
    assert list(reading.read(Drops(body, size), most_record=1 << 20)) == expected
    document = b'{"meta":{"a":[1]},"list":' + body + b',"z":"]"}'
    assert list(reading.read(Drops(document, size), pointer="/list", most_record=1 << 20)) == expected
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in records)
    assert list(reading.read(Drops(lines, size), "application/jsonl", most_record=1 << 20)) == expected


@settings(max_examples=300, deadline=None)
@given(body=st.text('[]{}",:\\ \n1atrue', max_size=40).map(str.encode))
def test_what_orjson_refuses_is_refused_here(body: bytes) -> None:
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError:
        whole = None
    body = body.strip()
    if body[:1] not in (b"[", b"{"):
        return
    try:
        found = read(body, "application/json")
    except (Unreadable, Invalid):
        found = None
    if isinstance(whole, list):
        assert found == (whole if all(isinstance(each, dict) for each in whole) else None)
    elif whole is None and b"\n" not in body:  # with line ends it may be NDJSON
        assert found is None
