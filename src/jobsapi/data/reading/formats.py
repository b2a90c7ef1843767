"""What a media type, a file's name or the first bytes say about the format of data."""

from __future__ import annotations

import enum
import re
from email.message import Message
from pathlib import PurePath

from jobsapi.errors import Unreadable, UnsupportedMedia

__all__ = ["Format", "of_beginning", "of_file_name", "of_media_type"]


class Format(enum.Enum):
    """How records are written."""

    JSON = "JSON"
    LINES = "NDJSON"
    CSV = "CSV"
    TABS = "tab-separated values"
    FORM = "a form"


_OF_TYPE = {
    "application/json": Format.JSON,
    "text/json": Format.JSON,
    **dict.fromkeys(
        [f"application/{name}" for name in ("x-ndjson", "ndjson", "jsonl", "x-jsonl", "x-jsonlines", "jsonlines")],
        Format.LINES,
    ),
    "application/x-ldjson": Format.LINES,
    "text/csv": Format.CSV,
    "application/csv": Format.CSV,
    "text/tab-separated-values": Format.TABS,
    "multipart/form-data": Format.FORM,
}
_SAYS_NOTHING = {
    "",
    "application/octet-stream",
    "application/x-www-form-urlencoded",  # what curl calls everything
    "application/gzip",
    "application/x-gzip",
    "text/plain",
}
_OF_SUFFIX = {
    ".json": Format.JSON,
    ".geojson": Format.JSON,
    ".ndjson": Format.LINES,
    ".jsonl": Format.LINES,
    ".csv": Format.CSV,
    ".tsv": Format.TABS,
    ".tab": Format.TABS,
}


def of_media_type(media_type: str) -> Format | None:
    """The format of a media type; None where it says nothing of it. Raises UnsupportedMedia."""
    name = media_type.partition(";")[0].strip().lower()
    if "charset" in media_type.lower():
        _refuse_charset(media_type)
    if name in _SAYS_NOTHING:
        return None
    found = _OF_TYPE.get(name) or (Format.JSON if re.fullmatch(r"application/[a-z0-9.-]+\+json", name) else None)
    if found is None:
        raise UnsupportedMedia(f"{name!r} is no form of data that is understood; JSON, NDJSON and CSV are, and gzip.")
    return found


def _refuse_charset(media_type: str) -> None:
    message = Message()
    message["Content-Type"] = media_type
    charset = str(message.get_param("charset", "utf-8")).lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMedia(f"The charset {charset!r} is not understood; send UTF-8.")


def of_file_name(name: str) -> Format | None:
    """The format of a file by its name, `.gz` or not; None where it says nothing."""
    return _OF_SUFFIX.get(PurePath(name.lower().removesuffix(".gz")).suffix)


def of_beginning(head: bytes) -> Format:
    """The format of what begins so: JSON by its first bracket, else CSV. Raises UnsupportedMedia, Unreadable."""
    start = head.lstrip()
    if not start:
        raise Unreadable("What was sent is empty: there is nothing to load.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("What was sent is UTF-16; send UTF-8.")
    if b"\0" in head or start.startswith(b"PAR1"):
        raise UnsupportedMedia("What was sent is no text; JSON, NDJSON and CSV are understood, and gzip.")
    return Format.JSON if start.startswith((b"[", b"{")) else Format.CSV
