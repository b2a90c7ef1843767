"""Records out of NDJSON: one object on each line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from jobsapi.data.reading import jsontext
from jobsapi.errors import BadRow, TooLarge

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

__all__ = ["begins_lines", "from_lines"]


def from_lines(reader: io.BufferedReader, most_record: int) -> Iterator[dict[str, Any]]:
    """The records of a stream's lines, as they come in; empty lines do not count."""
    row = 0
    while line := reader.readline(most_record + 2):  # and the line's end
        text = line.strip()
        if len(text) > most_record:
            raise TooLarge(f"Row {row + 1} is larger than the {most_record:,} bytes that JOBSAPI_MAX_RECORD allows.")
        if not text:
            continue
        row += 1
        try:
            yield jsontext.record(text)
        except orjson.JSONDecodeError as cause:
            raise BadRow(row, f"it is not JSON: {cause}.") from None
        except jsontext.NotARecord as cause:
            raise BadRow(row, f"it {cause}.") from None


def begins_lines(first: bytes, second: bytes) -> bool:
    """Whether a stream that begins with two such lines is NDJSON: the first is a whole object, another one follows."""
    if not second.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(orjson.loads(first), dict)
    except orjson.JSONDecodeError:
        return False
