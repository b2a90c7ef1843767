"""Outputs of jobs as Python values: JSON as it is, tables as frames, images and other files as bytes that know more."""

from __future__ import annotations

import base64
import functools
import html
import importlib
import importlib.util
import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["File", "Image", "Received", "links", "read_value"]

_JSON = "application/json"
_PARQUET = "application/vnd.apache.parquet"
_SHOWN_BYTES = 8 << 20
"""Images above this many bytes are named in a notebook, not shown: they would be saved in it."""


class File(bytes):
    """The bytes of an output, with its `media_type` and the `name` of the file it was (or "")."""

    media_type: str
    name: str

    def __new__(cls, data: bytes, media_type: str = "application/octet-stream", name: str = "") -> File:
        """`name`: without any folder."""
        made = super().__new__(cls, data)
        made.media_type, made.name = media_type, name
        return made

    def save(self, path: str | Path) -> Path:
        """Write it to a file, or, under its own name, into a folder. Raises OSError."""
        target = Path(path)
        if target.is_dir():
            target /= self.name or "output"
        target.write_bytes(self)
        return target

    @property
    def text(self) -> str:
        """It as text; what is no UTF-8 is replaced."""
        return self.decode(errors="replace")

    def __repr__(self) -> str:
        named = f" {self.name!r}" if self.name else ""
        return f"<{type(self).__name__}{named} {self.media_type}, {len(self):,} bytes>"

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"


class Image(File):
    """An image; a notebook shows it."""

    def _repr_html_(self) -> str:
        if len(self) > _SHOWN_BYTES:
            return super()._repr_html_()
        kind = html.escape(self.media_type.partition(";")[0])
        text = html.escape(self.name or "image")
        # in an <img> nothing that an SVG may hold is run
        return f'<img alt="{text}" src="data:{kind};base64,{base64.b64encode(self).decode()}">'


class Received(NamedTuple):
    """One output as it came."""

    media_type: str
    """With its parameters."""
    name: str
    """Of the file that the job wrote, or ""."""
    data: bytes


def read_value(jid: str, read: Callable[[str | None, str | None], Received]) -> Any:
    """The value of a job's result. `read`: (name of an output, or None for the whole; Accept header) → the output.

    JSON becomes Python's values; a table (CSV, Parquet) a pandas frame where pandas is installed, else a polars one
    where that is; an image an `Image`, anything else a `File`. Named outputs are a dict of these.
    """
    whole = read(None, _accepted())
    value = _value(whole)
    named = links(jid, value) if isinstance(value, dict) else {}
    if named:
        value = value | {name: _value(read(name, _accepted())) for name in named}
    return value


def links(jid: str, value: Any) -> dict[str, dict[str, Any]]:
    """Which entries of a result stand for files, that is, are links to outputs of this job."""
    if not isinstance(value, dict):
        return {}
    return {
        name: each
        for name, each in value.items()
        if isinstance(each, dict)
        and set(each) == {"href", "type", "bytes"}
        and str(each["href"]).endswith(f"/jobs/{jid}/results/{name}")
    }


def _value(received: Received) -> Any:
    bare = received.media_type.partition(";")[0].strip()
    if bare == _JSON:
        try:
            return json.loads(received.data)  # orjson makes floats of integers beyond 64 bits
        except ValueError:  # a file of the job's that is only named .json
            return File(received.data, received.media_type, received.name)
    if bare in ("text/csv", _PARQUET) and (library := _frames()) is not None:
        try:
            return _frame(library, bare, received.data)
        except Exception:  # noqa: BLE001 -- whatever a library cannot read is still there as bytes
            return File(received.data, received.media_type, received.name)
    kind = Image if bare.startswith("image/") else File
    return kind(received.data, received.media_type, received.name)


def _frame(library: str, media_type: str, data: bytes) -> Any:
    module = importlib.import_module(library)
    return (module.read_parquet if media_type == _PARQUET else module.read_csv)(BytesIO(data))


@functools.cache
def _frames() -> str | None:
    """The library that makes frames here."""
    return next((each for each in ("pandas", "polars") if importlib.util.find_spec(each)), None)


@functools.cache
def _accepted() -> str | None:
    """Frames as Parquet where it can be read: unlike CSV it keeps the types of columns."""
    library = _frames()
    reads = library == "polars" or (library == "pandas" and importlib.util.find_spec("pyarrow") is not None)
    return f"{_PARQUET}, */*;q=0.5" if reads else None
