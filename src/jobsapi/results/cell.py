"""The outputs of a job as cells of a table's row: small JSON values as they are, anything else as a link."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobsapi.results.layout import Part, unpacked
from jobsapi.results.reading import read_part

if TYPE_CHECKING:
    from jobsapi.store import Store

__all__ = ["Cell", "Link", "cells"]


class Link(dict[str, Any]):
    """Where an output is to be had: `{"href", "type", "bytes"}`."""


@dataclass(frozen=True)
class Cell:
    """One output, or one field of the object that was the output; `name` "" for a plain value."""

    name: str
    value: Any
    bytes: int
    """How large the value is, about."""


def cells(store: Store, jid: str, token: str, descriptor: bytes, inline: bytes, *, base: str, most: int) -> list[Cell]:
    """The outputs of a complete job; JSON of more than `most` bytes is a link as files are. `base`: before their names.

    Raises ResultExpired, StoreUnavailable, and SetupError where its folder is not here.
    """
    parts = unpacked(descriptor, inline)
    if len(parts) > 1 or parts[0].name:
        return [_cell(store, jid, token, part, inline, f"{base}/{part.name}", most) for part in parts]
    plain = _cell(store, jid, token, parts[0], inline, base, most)
    if not isinstance(plain.value, dict) or isinstance(plain.value, Link) or not plain.value:
        return [plain]
    share = plain.bytes // len(plain.value)
    return [Cell(name, value, share) for name, value in plain.value.items()]


def _cell(store: Store, jid: str, token: str, part: Part, inline: bytes, href: str, most: int) -> Cell:
    if part.is_json_value and part.size <= most:
        # orjson turns integers beyond 64 bits into floats
        return Cell(part.name, json.loads(read_part(store, jid, token, part, inline)), part.size)
    return Cell(part.name, Link(href=href, type=part.media_type, bytes=part.size), len(href))
