"""NDJSON: one object on each line."""

from __future__ import annotations

import pytest

from jobsapi.errors import BadRow, Invalid, TooLarge
from tests.data.reading_helpers import read

TYPES = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "",
    "application/json",
]


@pytest.mark.parametrize("media_type", TYPES)
def test_each_line_is_a_record(media_type: str) -> None:
    for end in (b"\n", b"\r\n"):
        body = end.join([b'{"a":1}', b"", b'  {"a":[{"b":2}]} ', b"", b'{"a":3}'])
        assert [each["a"] for each in read(body, media_type)] == [1, [{"b": 2}], 3]
        assert len(read(end + body + end + end, media_type)) == 3


def test_one_line_is_a_record_where_the_media_type_says_so_and_a_document_otherwise() -> None:
    assert read(b'{"a":[{"b":1}]}', "application/x-ndjson") == [{"a": [{"b": 1}]}]
    assert read(b'{"a":[{"b":1}]}\n\n', "application/json") == [{"b": 1}]
    with pytest.raises(Invalid, match=r"x-ndjson"):
        read(b'{"a":1}\n')


def test_nothing_at_all_is_no_record() -> None:
    assert read(b"\n\n", "application/x-ndjson") == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"a":', "not JSON"),
        (b"[1]", "is a list, not an object"),
        (b"3", "is a number, not an object"),
        (b'{"a":NaN}', "not JSON"),
        (b'{"a":"\xff"}', "not JSON"),
        (b'{"a":1}{"a":2}', "not JSON"),
        (b'{"a":123456789012345678901}', "beyond 64 bits"),
        (b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", "not JSON"),
    ],
)
@pytest.mark.parametrize("media_type", ["", "application/x-ndjson"])
def test_a_bad_line_is_named_by_its_row(line: bytes, said: str, media_type: str) -> None:
    with pytest.raises(BadRow, match=f"Row 3: it .*{said}") as caught:
        read(b'{"a":1}\n\n{"a":2}\n' + line + b'\n{"a":4}\n', media_type)
    assert caught.value.row == 3


def test_a_line_longer_than_a_record_may_be_is_refused_before_it_ends() -> None:
    assert len(read(b'{}\n{"a":"' + b"x" * 92 + b'"}\r\n', "application/jsonl", most=100)) == 2
    for line in (b'{"a":"' + b"x" * 93 + b'"}\n', b"x" * 5_000_000):
        with pytest.raises(TooLarge, match=r"Row 2 .* 100 bytes"):
            read(b"{}\n" + line, "application/jsonl", most=100)
