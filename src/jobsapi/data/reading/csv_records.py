"""Records out of CSV, each column with the type that all of its values have.

A column is boolean (`true`, `false`, in any case), integer, number or text; an empty field is null in each of them.
What a number would not give back stays text: leading zeros, a plus, more than 64 bits. So do dates. Fields are
separated by commas; by semicolons or tabs only where the header holds no comma and one of these.
"""

from __future__ import annotations

import csv
import math
import re
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from jobsapi.data.reading.source import CHUNK, Copy
from jobsapi.errors import BadRow, FieldError, Invalid, TooLarge, Unreadable

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator

__all__ = ["from_csv"]

_NUMBER = re.compile(r" *-?(?:(?:0|[1-9][0-9]*)(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)? *")
_EXACT = 2**53
"""Integers beyond it are not all told apart as floating-point numbers."""


def from_csv(
    stream: io.BufferedReader, most_record: int, *, delimiter: str = "", was_told: bool = True
) -> Iterator[dict[str, Any]]:
    """The records of a CSV file. `delimiter`: default, found in the header; `was_told`: that it is CSV, not guessed.

    Raises Invalid for a header that cannot name the fields, BadRow for a row that does not fit it.
    """
    # one number for the whole process, as csv has it; rows are held to their own bound here
    csv.field_size_limit(max(csv.field_size_limit(), most_record + _Rows.END))
    if not was_told and b"\n" not in stream.peek(CHUNK).rstrip():
        raise Unreadable(
            "What was sent is one line and no JSON. If it was a CSV file: curl's -d and --data take the line ends "
            "away; use --data-binary or -T."
        )
    delimiter = delimiter or _delimiter(stream.peek(CHUNK))
    with Copy(stream) as copy:
        rows = _Rows(copy, delimiter, most_record)
        names = _names(rows)
        columns = [_Column() for _ in names]
        for row in rows:
            for column, text in zip(columns, row, strict=True):
                if text and not column.is_text:
                    column.see(text)
        yield from _records(_Rows(copy.again(), delimiter, most_record), columns)


def _records(rows: _Rows, columns: list[_Column]) -> Iterator[dict[str, Any]]:
    names = _names(rows)
    makers = [column.maker() for column in columns]
    around = sum(len(orjson.dumps(name)) + 10 for name in names)
    for row in rows:
        record = {name: make(text) if text else None for name, make, text in zip(names, makers, row, strict=True)}
        if rows.size + around > rows.most and len(orjson.dumps(record)) > rows.most:
            raise rows.too_large()
        yield record


class _Lines(Protocol):
    """A file to read line by line."""

    def readline(self, size: int, /) -> bytes: ...


class _Rows:
    """A CSV file's rows, the header first; it knows their numbers, widths and sizes."""

    END = 2
    """Bytes of a line's end, which are not the record's."""

    def __init__(self, file: _Lines, delimiter: str, most: int) -> None:
        self._file = file
        self._width = 0
        self._rows = csv.reader(self._lines(), delimiter=delimiter, strict=True)
        self.most = most
        self.size = 0
        """Bytes of the last row."""
        self.number = 0
        """Of the last row; 0 is the header."""

    def header(self) -> list[str]:
        """The first row; it sets the width of those that follow."""
        row = self._next() or []
        self._width = len(row)
        return row

    def __iter__(self) -> Iterator[list[str]]:
        while True:
            self.number += 1
            row = self._next()
            if row is None:
                self.number -= 1
                return
            if len(row) != self._width:
                raise BadRow(self.number, f"it has {_fields(len(row))}, and the header {_fields(self._width)}.")
            yield row

    def _next(self) -> list[str] | None:
        """The next row that is not an empty line."""
        try:
            while True:
                self.size = 0
                if row := next(self._rows, None):
                    return row
                if row is None:
                    return None
        except csv.Error as cause:
            if not self.number:
                raise Unreadable(f"The header cannot be read: {cause}.") from None
            raise BadRow(self.number, f"{cause}.") from None

    def _lines(self) -> Iterator[str]:
        while line := self._file.readline(self.most + self.END + 1):
            self.size += len(line)
            if self.size > self.most + self.END:
                raise self.too_large()
            try:
                yield line.decode()
            except UnicodeDecodeError as cause:
                where = f"Row {self.number}" if self.number else "The header"
                raise Unreadable(f"{where} is not UTF-8: {cause.reason}.") from None

    def too_large(self) -> TooLarge:
        """The refusal of the present row."""
        return TooLarge(
            f"Row {self.number} is larger than the {self.most:,} bytes that JOBSAPI_MAX_RECORD allows; "
            "maybe a quote in it does not end."
        )


def _fields(count: int) -> str:
    return f"{count} field{'' if count == 1 else 's'}"


def _delimiter(beginning: bytes) -> str:
    header = re.sub(rb'"[^"]*"', b"", beginning).partition(b"\n")[0]
    for each in (b",", b";", b"\t"):
        if each in header:
            return each.decode()
    return ","


def _names(rows: _Rows) -> list[str]:
    """The header's names. Raises Invalid where one is missing or comes twice."""
    names = [name.strip() for name in rows.header()]
    if not names:
        raise Unreadable("What was sent is empty: there is no header.")
    faults, known = [], set()
    for place, name in enumerate(names, 1):
        if not name:
            faults.append(f"column {place} has no name")
        elif name in known:
            faults.append(f"column {place} is called {name!r} like another one")
        known.add(name)
    if faults:
        raise Invalid(
            f"The header does not fit: {'; '.join(faults[:10])}.", errors=[FieldError("", each) for each in faults]
        )
    return names


class _Column:
    """What is known of a column's values."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self.is_text = False

    def see(self, text: str) -> None:
        """Take a value that is not empty into account."""
        self._seen.add(_kind(text))
        numbers = {"integer", "long", "number"}
        self.is_text = (
            "text" in self._seen
            or ("boolean" in self._seen and len(self._seen) > 1)
            or ({"long", "number"} <= self._seen <= numbers)
        )

    def maker(self) -> Callable[[str], Any]:
        """What makes a value out of a field that is not empty."""
        if self.is_text or not self._seen:
            return str
        if "boolean" in self._seen:
            return _boolean
        return float if "number" in self._seen else int


def _kind(text: str) -> str:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return "boolean" if text.strip().lower() in ("true", "false") else "text"
    if any(found.groups()) or text.strip() == "-0":
        return "number" if math.isfinite(float(text)) else "text"
    if len(text.strip()) > 20 or not -(2**63) <= int(text) < 2**64:
        return "text"
    return "integer" if abs(int(text)) <= _EXACT else "long"


def _boolean(text: str) -> bool:
    return text.strip().lower() == "true"
