"""Where a job's outputs lie: the descriptor that its record keeps, and the names of chunks and files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi.results.output import JSON_TYPE

if TYPE_CHECKING:
    from jobsapi.settings import Settings

__all__ = ["CHUNK", "CHUNKS", "FILES", "INLINE", "MOST_INLINE", "Part", "packed", "shared_folder", "unpacked"]

MOST_INLINE = 4 * 1024
"""Bytes of outputs that lie in the job's record itself; whoever reads the job reads them too."""

CHUNK = 256 * 1024
"""Bytes of one field of the outputs' hash: a read holds the server for well under a millisecond."""

INLINE, CHUNKS, FILES = "i", "c", "f"


@dataclass(frozen=True)
class Part:
    """One output (or an alternate form of one) as stored; `key` names its chunks and its file."""

    key: str
    name: str
    media_type: str
    size: int
    where: str
    """INLINE, CHUNKS or FILES."""
    at: int = 0
    """Where it begins in the inline bytes."""
    filename: str | None = None
    alternates: tuple[Part, ...] = ()

    @property
    def is_json_value(self) -> bool:
        """Whether it is JSON that this package wrote, not a file of the job's that is named so."""
        return self.media_type == JSON_TYPE and self.filename is None


def packed(parts: list[Part]) -> bytes:
    """The descriptor: JSON that begins with `{"files":true` where any part lies in the shared folder.

    b"" stands for the most common case, one plain JSON value in the record.
    """
    first = parts[0]
    if len(parts) == 1 and (first.name, first.where) == ("", INLINE) and first.is_json_value:
        return b""
    in_files = any(each.where == FILES for part in parts for each in (part, *part.alternates))
    return orjson.dumps({"files": in_files, "outputs": [_row(part) for part in parts]})


def unpacked(descriptor: bytes, inline: bytes) -> list[Part]:
    """What `packed` packed; `inline` is the job's inline bytes."""
    if not descriptor:
        return [Part("0", "", JSON_TYPE, len(inline), INLINE)]
    return [_part(str(i), row) for i, row in enumerate(orjson.loads(descriptor)["outputs"])]


def shared_folder(settings: Settings, jid: str, token: str) -> Path | None:
    """The folder of one claim's large outputs; None where none is set.

    With the embedded server all processes are on one machine, so its own folder serves.
    """
    if settings.results:
        base = Path(settings.results)
    elif not settings.server_url:
        base = settings.folder / "results"
    else:
        return None
    return base / settings.namespace / f"{jid}.{token}"


def _row(part: Part) -> dict[str, Any]:
    row: dict[str, Any] = {"n": part.name, "t": part.media_type, "b": part.size, "w": part.where}
    if part.where == INLINE:
        row["at"] = part.at
    if part.filename is not None:
        row["f"] = part.filename
    if part.alternates:
        row["alt"] = [_row(each) for each in part.alternates]
    return row


def _part(key: str, row: dict[str, Any]) -> Part:
    alternates = tuple(_part(f"{key}.{i}", each) for i, each in enumerate(row.get("alt", ())))
    return Part(key, row["n"], row["t"], row["b"], row["w"], row.get("at", 0), row.get("f"), alternates)
