"""Whatever carries the data: gzip, forms, media types, beginnings; and none of it needs much memory."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest

from jobsapi.data import reading
from jobsapi.errors import Invalid, TooLarge, Unreadable, UnsupportedMedia
from tests.data.reading_helpers import MOST, Endless, read

if TYPE_CHECKING:
    from collections.abc import Iterator

CSV = b"a,b\n1,x\n2,y\n"
ARRAY = b'[{"a":1,"b":"x"},{"a":2,"b":"y"}]'
LINES = b'{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n'
RECORDS = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


def form(*parts: tuple[str, bytes], end: bytes = b"--\r\n") -> bytes:
    made = b"".join(b"--xx\r\n" + head.encode() + b"\r\n\r\n" + body + b"\r\n" for head, body in parts)
    return made + b"--xx" + end


def file_part(body: bytes, name: str = "f.csv", media_type: str = "") -> tuple[str, bytes]:
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    return head + (f"\r\nContent-Type: {media_type}" if media_type else ""), body


FORM = "multipart/form-data; boundary=xx"


@pytest.mark.parametrize("body", [CSV, ARRAY, LINES, b'{"n":2,"list":' + ARRAY + b"}"])
@pytest.mark.parametrize(
    "media_type", ["", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain; charset=utf-8"]
)
def test_a_media_type_that_says_nothing_leaves_it_to_the_first_bytes(body: bytes, media_type: str) -> None:
    assert read(body, media_type) == RECORDS
    assert read(gzip.compress(body, mtime=0), media_type) == RECORDS


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("Application/JSON; charset=UTF-8", ARRAY),
        ("application/geo+json", ARRAY),
        ("application/vnd.api+json", ARRAY),
        ("application/x-ndjson", LINES),
        ("application/jsonl", LINES),
        ("text/csv; header=present", CSV),
    ],
)
def test_media_types_are_known(media_type: str, body: bytes) -> None:
    assert read(body, media_type) == RECORDS


@pytest.mark.parametrize(
    "media_type", ["image/png", "application/xml", "é/?", "text/csv; charset=latin-1", "application/json-seq", "x"]
)
def test_other_media_types_are_not(media_type: str) -> None:
    with pytest.raises(UnsupportedMedia):
        read(ARRAY, media_type)


@pytest.mark.parametrize("body", [b"\x89PNG\r\n\x1a\n\0\0", b"PK\x03\x04\0\0", b"PAR1", b"a\0b"])
def test_what_is_no_text_is_not_taken_for_csv(body: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        read(body)


def test_the_name_of_a_file_tells_its_media_type() -> None:
    names = ["x.JSON", "a.b/x.geojson", "x.jsonl.gz", "x.csv", "x.tsv.gz", "x.txt", "csv", ""]
    assert [reading.media_type_of(name) for name in names] == [
        *("application/json", "application/json", "application/x-ndjson", "text/csv", "text/tab-separated-values"),
        *("", "", ""),
    ]


# --- gzip -----------------------------------------------------------------------------------------------------------


def test_gzip_is_unpacked_whatever_its_name() -> None:
    packed = gzip.compress(CSV, mtime=0)
    assert read(packed, "text/csv") == read(packed, "application/gzip") == RECORDS
    assert read(gzip.compress(CSV[:7], mtime=0) + gzip.compress(CSV[7:], mtime=0), "text/csv") == RECORDS
    assert list(reading.read(reading.unpacked(io.BytesIO(gzip.compress(packed, mtime=0))), most_record=MOST)) == RECORDS


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(CSV, mtime=0)[:-6],
        gzip.compress(CSV, mtime=0)[:9],
        b"\x1f\x8bnot",
        gzip.compress(CSV, mtime=0) + b"x",
    ],
)
def test_unsound_gzip_cannot_be_read(body: bytes) -> None:
    with pytest.raises(Unreadable, match=r"gzip"):
        read(body, "text/csv")


def test_gzip_that_was_promised_has_to_be_gzip() -> None:
    with pytest.raises(Unreadable, match=r"gzip"):
        list(reading.read(reading.unpacked(io.BytesIO(CSV)), most_record=MOST))


# --- Forms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "media_type", "body"),
    [
        ("f.csv", "", CSV),
        ("f.csv", "application/octet-stream", CSV),
        ("f.csv", "application/vnd.ms-excel", CSV),
        ("f.csv.gz", "application/gzip", gzip.compress(CSV, mtime=0)),
        ("f", "text/csv", CSV),
        ("f", "", ARRAY),
        ("f.jsonl", "", LINES[:16] + LINES[16:]),
        ("f.txt", "application/json", ARRAY),
    ],
)
def test_the_file_of_a_form_is_read_by_its_type_its_name_or_its_beginning(
    name: str, media_type: str, body: bytes
) -> None:
    assert read(form(file_part(body, name, media_type)), FORM) == RECORDS
    assert (
        read(gzip.compress(form(file_part(body, name, media_type)), mtime=0), 'multipart/form-data; boundary="xx"')
        == RECORDS
    )


def test_a_file_that_holds_line_ends_and_dashes_comes_whole() -> None:
    body = b'[{"a":"--xx"},\r\n--1,\r\n--xy]'.replace(b"--1,", b'{"b":"\\r\\n--x"},').replace(b"--xy", b"{}")
    assert read(form(file_part(body, "f.json")), FORM) == [{"a": "--xx"}, {"b": "\r\n--x"}, {}]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([], "holds no file"),
        ([('Content-Disposition: form-data; name="id"', b"name"), file_part(CSV)], "'id' is a field.*address"),
        ([file_part(CSV), ('Content-Disposition: form-data; name="id"', b"name")], "'id' is a field"),
        ([file_part(CSV), file_part(CSV)], "second file"),
        ([file_part(b"", "")], "file without a name"),
        ([file_part(b"", "f", FORM)], "a form, not a file"),
    ],
)
def test_a_form_holds_one_file_and_nothing_that_would_not_be_read(parts: list[tuple[str, bytes]], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(form(*parts), FORM)


@pytest.mark.parametrize(
    "body",
    [b"", b"--xx", form(file_part(CSV), end=b""), form(file_part(CSV))[:-20], form(("X: 1", b"")), b"x" * 2_000_000],
)
def test_a_form_that_breaks_off_cannot_be_read(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body, FORM)
    with pytest.raises(Unreadable):
        read(form(file_part(CSV)), "multipart/form-data")


def test_a_file_in_a_form_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UnsupportedMedia):
        read(form(file_part(b"x", "x.png", "image/png")), FORM)


# --- Memory ---------------------------------------------------------------------------------------------------------

ENOUGH = 26 << 20
PEAK = 8 << 20
"""Bytes of Python objects at most; a body's copy for the second reading lies in a file."""


def rows() -> Iterator[bytes]:
    return (f'{{"id":{i},"name":"{"é" * 400}","in":{{"x":[{i},2]}}}}'.encode() for i in itertools.count())


def joined(start: bytes, between: bytes, end: bytes) -> Iterator[bytes]:
    pieces, size = rows(), 0
    yield start + next(pieces)
    while size < ENOUGH:
        block = b"".join(between + each for each in itertools.islice(pieces, 100))
        size += len(block)
        yield block
    yield end


def packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, wbits=31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def table() -> Iterator[bytes]:
    yield b"id,name,x\n"
    for start in range(0, ENOUGH // 400, 1000):
        yield "".join(f"{i},{'é' * 200},{i / 7:.10f}\n" for i in range(start, start + 1000)).encode()


HEAD, TAIL = form(file_part(b"")).split(b"\r\n\r\n\r\n")


@pytest.mark.parametrize(
    ("media_type", "pieces"),
    [
        ("application/json", joined(b"[", b",\n", b"]")),
        ("", joined(b'{"meta":[1],"list":[', b",", b'],"more":{"n":1}}')),
        ("application/x-ndjson", joined(b"", b"\n", b"\n")),
        ("", packed(joined(b"[", b",", b"]"))),
        ("text/csv", table()),
        (FORM, itertools.chain([HEAD + b"\r\n\r\n"], table(), [b"\r\n" + TAIL])),
    ],
    ids=["array", "document", "lines", "gzip", "csv", "form"],
)
def test_a_body_larger_than_the_memory_it_may_take_is_read(media_type: str, pieces: Iterator[bytes]) -> None:
    stream = Endless(pieces)
    tracemalloc.start()
    try:
        size = sum(len(each["name"].encode()) for each in reading.read(stream, media_type, most_record=MOST))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 2 * PEAK
    assert peak < PEAK, f"{peak:,} bytes"


@pytest.mark.parametrize("start", [b'[{"a":"', b'[{"a":[', b'{"a":1}\n{"a":"', b'a,b\n1,"', b"a,b\n", b'[{"a":1},1'])
def test_a_record_without_end_is_refused_early_packed_or_not(start: bytes) -> None:
    def endless() -> Iterator[bytes]:
        yield start
        yield from itertools.repeat(b"1" * 10_000)

    stream = Endless(endless())
    with pytest.raises(TooLarge):
        list(reading.read(stream, most_record=MOST))
    assert stream.given < 4 * MOST
    bomb = gzip.compress(start + b"1" * (30 * MOST), mtime=0)
    assert len(bomb) < MOST
    with pytest.raises(TooLarge):
        read(bomb)


def test_records_come_before_the_stream_ends() -> None:
    stream = Endless(joined(b"[", b",", b"]"))
    found = reading.read(stream, "application/json", most_record=MOST)
    assert next(found)["id"] == 0
    assert stream.given < 2 * MOST


def test_empty_objects_count_too() -> None:
    assert read(json.dumps([{}] * 3).encode()) == [{}, {}, {}]
