"""Records out of JSON: an array of them, or a document in which one list of objects is found or named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi.data.reading import jsontext
from jobsapi.data.reading.scanner import Scanner
from jobsapi.data.reading.source import Copy
from jobsapi.errors import BadRow, FieldError, Invalid, TooLarge, Unreadable

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from jobsapi.data.reading.source import Readable

__all__ = ["from_array", "from_document"]

_MOST_BESIDE = 64 << 20
"""The largest value of a document beside its list, in bytes."""

_DEEPEST = 100
"""How many objects deep a list may lie."""

_MOST_NAMED = 10


def from_array(stream: Readable, most_record: int) -> Iterator[dict[str, Any]]:
    """The records of a JSON array that is all of a stream, as they come in."""
    scanner = Scanner(stream, most_record)
    yield from _elements(scanner, most_record)
    _refuse_rest(scanner)


def from_document(stream: io.BufferedReader, pointer: str | None, most_record: int) -> Iterator[dict[str, Any]]:
    """The records of a document's one list of objects, or of the list at `pointer`.

    Raises Invalid where there is none, or more than one that could be meant.
    """
    wanted = None if pointer is None else _canonical(pointer)
    with Copy(stream) as copy:
        start = _Finder(copy, wanted).found()
        yield from _elements(Scanner(copy.again(start), most_record, start), most_record)


def _elements(scanner: Scanner, most_record: int) -> Iterator[dict[str, Any]]:
    scanner.take(b"[")
    row = 0
    if scanner.peek() == b"]":
        scanner.take(b"]")
        return
    while True:
        row += 1
        try:
            yield jsontext.record(scanner.value())
        except orjson.JSONDecodeError as cause:
            raise Unreadable(f"Record {row} is not JSON: {cause}.") from None
        except jsontext.NotARecord as cause:
            raise BadRow(row, f"it {cause}.") from None
        except TooLarge:
            raise TooLarge(
                f"Record {row} is larger than the {most_record:,} bytes that JOBSAPI_MAX_RECORD allows."
            ) from None
        if scanner.take(b",", b"]") == b"]":
            return


def _refuse_rest(scanner: Scanner) -> None:
    if scanner.peek():
        raise Unreadable(
            f"This is not JSON: it goes on behind its end, at byte {scanner.position:,}. Records that stand one after "
            "another each need a line (curl: use --data-binary, as -d and --data take the line ends away)."
        )


class _Finder:
    """Goes through a document and notes where its lists of objects begin; reads all of it, so it is JSON throughout."""

    def __init__(self, stream: Readable, wanted: str | None) -> None:
        self._scanner = Scanner(stream, _MOST_BESIDE)
        self._wanted = wanted
        self._lists: dict[str, int] = {}
        self._empty: dict[str, int] = {}

    def found(self) -> int:
        """Where the list begins."""
        self._value("", 0)
        _refuse_rest(self._scanner)
        lists = self._lists or self._empty
        if self._wanted is not None:
            if self._wanted not in lists:
                raise _no_list(self._wanted)
        elif not lists:
            raise Invalid(
                "The document holds no list of objects. A single record is sent as a list of one, or as "
                "application/x-ndjson.",
                errors=[FieldError("", "holds no list of objects")],
            )
        elif len(lists) > 1:
            raise _which(list(lists))
        return next(iter(lists.values()))

    def _value(self, pointer: str, depth: int) -> None:
        kind = self._scanner.peek()
        if kind == b"{":
            if depth == _DEEPEST:
                raise Unreadable("The document is nested too deeply.")
            self._object(pointer, depth + 1)
        elif kind == b"[":
            self._list(pointer, depth + 1)
        else:
            self._pass()

    def _object(self, pointer: str, depth: int) -> None:
        self._scanner.take(b"{")
        if self._scanner.peek() == b"}":
            self._scanner.take(b"}")
            return
        while True:
            if self._scanner.peek() != b'"':
                self._scanner.take(b'"')
            name = self._pass()
            self._scanner.take(b":")
            self._value(f"{pointer}/{_escaped(name)}", depth)
            if self._scanner.take(b",", b"}") == b"}":
                return

    def _list(self, pointer: str, depth: int) -> None:
        start = self._scanner.position
        self._scanner.take(b"[")
        first = self._scanner.peek()
        if self._wanted == pointer or (self._wanted is None and first in (b"{", b"]")):
            (self._empty if first == b"]" else self._lists)[pointer] = start
        if first == b"]":
            self._scanner.take(b"]")
            return
        leads_on = self._wanted is not None and self._wanted.startswith(f"{pointer}/") and depth < _DEEPEST
        index = 0
        while True:
            if leads_on:
                self._value(f"{pointer}/{index}", depth)
            else:
                self._pass()
            index += 1
            if self._scanner.take(b",", b"]") == b"]":
                return

    def _pass(self) -> Any:
        """Go over a value."""
        start = self._scanner.position
        try:
            return orjson.loads(self._scanner.value())
        except orjson.JSONDecodeError as cause:
            raise Unreadable(f"This is not JSON, in the value that begins at byte {start:,}: {cause}.") from None


def _canonical(pointer: str) -> str:
    if pointer and not pointer.startswith("/"):
        detail = f"is a JSON pointer, which begins with a slash: /{pointer}"
    elif re.search(r"~(?![01])", pointer):
        detail = "is a JSON pointer, in which ~ is written ~0 and / within a name ~1"
    else:
        return pointer
    raise Invalid(f"`records` {detail}.", errors=[FieldError("/records", detail)])


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _no_list(pointer: str) -> Invalid:
    detail = f"there is no list at {pointer!r}"
    return Invalid(f"`records`: {detail} in the document.", errors=[FieldError("/records", detail)])


def _which(pointers: list[str]) -> Invalid:
    named = ", ".join(f"?records={each}" for each in pointers[:_MOST_NAMED])
    return Invalid(
        f"The document holds {len(pointers)} lists of objects; say which one is meant: {named}.",
        errors=[FieldError(each, "could be meant") for each in pointers],
    )
