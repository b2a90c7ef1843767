"""Bytes → records, one after another: JSON, NDJSON and CSV, as they are, packed by gzip, or in a form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobsapi.data.reading import csv_records, formats, json_records, line_records
from jobsapi.data.reading.formats import Format
from jobsapi.data.reading.source import CHUNK, opened, unpacked, with_head
from jobsapi.errors import FieldError, Invalid

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from jobsapi.data.reading.source import Readable

__all__ = ["media_type_of", "read", "unpacked"]

_TYPES = {
    Format.JSON: "application/json",
    Format.LINES: "application/x-ndjson",
    Format.CSV: "text/csv",
    Format.TABS: "text/tab-separated-values",
}


def media_type_of(name: str) -> str:
    """The media type of a file by its name, `.gz` or not; "" where the name says nothing and its beginning must."""
    found = formats.of_file_name(name)
    return _TYPES[found] if found else ""


def read(
    stream: Readable, media_type: str = "", *, pointer: str | None = None, most_record: int
) -> Iterator[dict[str, Any]]:
    """The records that a stream of bytes holds, in order; no more than a few of them in memory at a time.

    `media_type`: as a Content-Type header has it; where it says nothing, the first bytes do. `pointer`: of the list
    (RFC 6901) in a JSON document. `most_record`: bytes of JSON that one record may have.

    Raises, at once or on the way: UnsupportedMedia, Unreadable, Invalid, BadRow, TooLarge, StoreFull.
    """
    form = formats.of_media_type(media_type)
    reader = opened(stream)
    if form is not Format.FORM:
        return _records(reader, form, pointer, most_record)
    return _of_form(reader, media_type, pointer, most_record)


def _of_form(
    reader: io.BufferedReader, media_type: str, pointer: str | None, most_record: int
) -> Iterator[dict[str, Any]]:
    from jobsapi.data.reading.form import FormFile

    file = FormFile(reader, media_type)
    form = file.format()
    if form is Format.FORM:
        raise Invalid("The form holds a form, not a file of data.", errors=[FieldError("", "is a form again")])
    records = _records(opened(file), form, pointer, most_record)

    def through_the_end() -> Iterator[dict[str, Any]]:
        yield from records
        file.finish()

    return through_the_end()


def _records(
    reader: io.BufferedReader, form: Format | None, pointer: str | None, most_record: int
) -> Iterator[dict[str, Any]]:
    found = form or formats.of_beginning(reader.peek(CHUNK))
    if found is Format.JSON:
        return _json(reader, pointer, most_record)
    if pointer is not None:
        detail = f"names a list within a JSON document; this is {found.value}"
        raise Invalid(f"`records` {detail}.", errors=[FieldError("/records", detail)])
    if found is Format.LINES:
        return line_records.from_lines(reader, most_record)
    delimiter = "\t" if found is Format.TABS else ""
    return csv_records.from_csv(reader, most_record, delimiter=delimiter, was_told=form is not None)


def _json(reader: io.BufferedReader, pointer: str | None, most_record: int) -> Iterator[dict[str, Any]]:
    """An array, a document, or NDJSON under JSON's name."""
    formats.of_beginning(reader.peek(CHUNK))
    if pointer:
        return json_records.from_document(reader, pointer, most_record)
    first = _line(reader, most_record)
    if first.startswith(b"["):
        return json_records.from_array(with_head(first, reader), most_record)
    if pointer is None and first.endswith(b"\n"):
        second = _line(reader, most_record)
        rest = with_head(first + second, reader)
        if line_records.begins_lines(first, second):
            return line_records.from_lines(rest, most_record)
        return json_records.from_document(rest, pointer, most_record)
    return json_records.from_document(with_head(first, reader), pointer, most_record)


def _line(reader: io.BufferedReader, most: int) -> bytes:
    """The next line that is not empty, or its beginning where it is longer than a record may be."""
    while (line := reader.readline(most + 2)) and line.isspace():
        pass
    return line.lstrip()
