"""The results of a batch as one table, a row a job in the order sent; read in steps, so that it is never held whole."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import batches, results
from jobsapi import store as stores
from jobsapi.errors import ResultExpired, SetupError
from jobsapi.record import JobRecord
from jobsapi.states import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from jobsapi.store import Store

__all__ = ["batch_results", "csv_pieces", "dumps", "page"]

_FIELDS = ("s", "r", "p", "k", "ds", "v", "rx")
_STEP = 100
_MOST_CELL = 64 * 1024
"""Bytes of a result that stand in the table; a larger one is a link."""
_MOST_PAGE = 16 * 2**20
"""Bytes of a page, about: of large rows it has fewer."""
_HEAD = ("id", "status", "reason")


@dataclass(frozen=True)
class _Row:
    place: int
    head: tuple[str, str, str | None]
    params: dict[str, Any]
    result: dict[str, Any]
    size: int

    @property
    def cells(self) -> dict[str, Any]:
        return {**dict(zip(_HEAD, self.head, strict=True)), **self.params, **self.result}


def batch_results(batch: str, *, store: Store | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a batch's results, in the order sent; they are read as they are asked for. Raises UnknownBatch.

    A row has `id`, `status` and `reason`, each parameter by its name, and of a complete job the result: the fields of a
    JSON object as `result.NAME`, as named outputs, any other JSON value as `result`. Files, and what is larger than
    64 KiB, are links: `{"href", "type", "bytes"}`.
    """
    store = store or stores.default()
    batches.refuse_unknown(store, batch)
    return (row.cells for row in _rows(store, batch, 0, ""))


def page(store: Store, batch: str, start: int, limit: int, base: str) -> tuple[list[str], list[dict[str, Any]], int]:
    """(columns, rows, the place to go on at, -1 at the end) from a place on; `base` stands before the links' paths.

    Every row has every column of its page. Raises UnknownBatch.
    """
    batches.refuse_unknown(store, batch)
    found: list[_Row] = []
    size, following = 0, -1
    for row in _rows(store, batch, start, base):
        if len(found) == limit or size > _MOST_PAGE:
            following = row.place
            break
        found.append(row)
        size += row.size
    columns = _columns(found)
    return columns, [{name: cells.get(name) for name in columns} for cells in (row.cells for row in found)], following


def csv_pieces(store: Store, batch: str, base: str) -> Iterator[bytes]:
    """The whole table as CSV (RFC 4180), in pieces. The rows are read twice: at once for the columns, then to be sent.

    It tells of jobs as they were when the columns were found. Raises UnknownBatch.
    """
    batches.refuse_unknown(store, batch)
    incomplete: dict[int, tuple[str, str, str | None]] = {}

    def first_look() -> Iterator[_Row]:
        for row in _rows(store, batch, 0, base):
            if row.head[1] != Status.COMPLETE.value:
                incomplete[row.place] = row.head
            yield row

    columns = _columns(first_look())
    return _csv(columns, _as_seen(_rows(store, batch, 0, base), incomplete))


def _as_seen(rows: Iterator[_Row], incomplete: dict[int, tuple[str, str, str | None]]) -> Iterator[_Row]:
    for row in rows:
        seen = incomplete.get(row.place)
        yield replace(row, head=seen, result={}) if seen else row


def dumps(value: Any) -> bytes:
    """JSON, also of integers beyond 64 bits."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _columns(rows: Iterable[_Row]) -> list[str]:
    params: dict[str, None] = {}
    found: dict[str, None] = {}
    for row in rows:
        params |= dict.fromkeys(row.params)
        found |= dict.fromkeys(row.result)
    return [*_HEAD, *params, *found]


def _rows(store: Store, batch: str, start: int, base: str) -> Iterator[_Row]:
    """The jobs that are still there, from a place on."""
    for place, jid, values in batches.members(store, batch, _FIELDS, start=start, most=_STEP):
        record = JobRecord.from_fields(jid, dict(zip(_FIELDS, values, strict=True)))
        if record is None:
            continue
        params = {_param(name): value for name, value in orjson.loads(record.params).items()}
        cells = _cells(store, record, f"{base}/jobs/{jid}/results")
        size = len(record.params) + sum(each.bytes for each in cells)
        result = {f"result.{each.name}" if each.name else "result": each.value for each in cells}
        yield _Row(place, (jid, record.status.value, record.reason), params, result, size)


def _cells(store: Store, record: JobRecord, base: str) -> Sequence[results.Cell]:
    if record.status is not Status.COMPLETE or record.results_removed:
        return ()
    try:
        return results.cells(
            store, record.id, record.token, record.descriptor, record.inline, base=base, most=_MOST_CELL
        )
    except (ResultExpired, SetupError):  # removed just now, or in a folder that this machine does not have
        return ()


def _param(name: str) -> str:
    """The column of a parameter: its name, unless that is a column's of another kind."""
    is_taken = name in (*_HEAD, "result") or name.startswith(("params.", "result."))
    return f"params.{name}" if is_taken else name


def _csv(columns: Sequence[str], rows: Iterator[_Row]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        cells = row.cells
        writer.writerow([_text(cells.get(name)) for name in columns])
        if text.tell() > _MOST_CELL:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    written = text.getvalue()
    text.seek(0)
    text.truncate()
    return written.encode("utf-8", "replace")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, results.Link):
        return str(value["href"])
    return value if isinstance(value, str) else dumps(value).decode()
