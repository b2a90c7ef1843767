"""Opens stored outputs: any range of them as a stream, in the form that was asked for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from jobsapi.errors import NotAcceptable, ResultExpired, SetupError, UnknownResult
from jobsapi.results.kinds import ARROW_TYPE, PARQUET_TYPE
from jobsapi.results.layout import CHUNK, CHUNKS, INLINE, Part, shared_folder, unpacked
from jobsapi.results.output import JSON_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from jobsapi.store import Store

__all__ = ["Opened", "combined", "open_output", "open_result", "read_part", "values"]

_GONE = "The results of this job have been removed."


class _Source(Protocol):
    size: int

    def read(self, start: int, end: int) -> Iterator[bytes]: ...


@dataclass(frozen=True)
class Opened:
    """An output that can be read, as a whole or in ranges, in constant memory."""

    name: str
    media_type: str
    size: int
    """Bytes."""
    filename: str | None
    etag: str
    """Without quotes; the same bytes have it for as long as they exist."""
    negotiated: bool
    """Whether another Accept header could have brought another form."""
    source: _Source

    def read(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `end` (left out; None: all the rest), in pieces of at most 256 KiB.

        Raises ResultExpired where they were removed meanwhile, StoreUnavailable.
        """
        return self.source.read(start, self.size if end is None else min(end, self.size))


def open_result(
    store: Store,
    jid: str,
    token: str,
    descriptor: bytes,
    inline: bytes,
    *,
    accept: str | None = None,
    base: str | None = None,
) -> Opened:
    """What stands at `/jobs/<id>/results`: the one plain output, or the object of the named ones.

    The arguments are those of `open_output` and `combined`, and so is what is raised.
    """
    if _is_plain(unpacked(descriptor, inline)):
        return open_output(store, jid, token, descriptor, inline, accept=accept)
    return combined(store, jid, token, descriptor, inline, base=base)


def open_output(
    store: Store,
    jid: str,
    token: str,
    descriptor: bytes,
    inline: bytes,
    *,
    name: str = "",
    accept: str | None = None,
) -> Opened:
    """One output by its name, "" for the plain one; `accept` is an Accept header and matters for frames alone.

    Raises UnknownResult, ResultExpired, NotAcceptable, StoreUnavailable, and SetupError where its folder is not here.
    """
    parts = unpacked(descriptor, inline)
    found = next((part for part in parts if part.name == name), None)
    if found is None:
        names = ", ".join(part.name for part in parts)
        raise UnknownResult("The job has one plain result." if _is_plain(parts) else f"The job's outputs are {names}.")
    part = _chosen(found, accept)
    return Opened(
        name=name,
        media_type=part.media_type,
        size=part.size,
        filename=part.filename,
        etag=_etag(token, part.key),
        negotiated=bool(found.alternates),
        source=_source(store, jid, token, part, inline),
    )


def combined(
    store: Store, jid: str, token: str, descriptor: bytes, inline: bytes, *, base: str | None = None
) -> Opened:
    """The JSON object of the named outputs: JSON values as they are, files as `{"href", "type", "bytes"}`.

    `base` is the address in front of a file's name, by default `/jobs/<id>/results`. Raises as `open_output` does.
    """
    base = f"/jobs/{jid}/results" if base is None else base
    pieces: list[_Source] = []
    for i, part in enumerate(unpacked(descriptor, inline)):
        pieces.append(_Bytes((b"," if i else b"{") + orjson.dumps(part.name) + b":"))
        if part.is_json_value:
            pieces.append(_source(store, jid, token, part, inline))
        else:
            link = {"href": f"{base}/{part.name}", "type": part.media_type, "bytes": part.size}
            pieces.append(_Bytes(orjson.dumps(link)))
    source = _Joined([*pieces, _Bytes(b"}")])
    return Opened("", JSON_TYPE, source.size, None, _etag(token, base), negotiated=False, source=source)


def values(store: Store, jid: str, token: str, descriptor: bytes, inline: bytes) -> Any:
    """The outputs in Python: a JSON value as Python's, anything else as bytes; named ones as a dict of these.

    Raises ResultExpired, StoreUnavailable, SetupError.
    """
    parts = unpacked(descriptor, inline)
    loaded = {part.name: _value(part, _source(store, jid, token, part, inline)) for part in parts}
    return loaded[""] if _is_plain(parts) else loaded


def read_part(store: Store, jid: str, token: str, part: Part, inline: bytes) -> bytes:
    """All of one output. Raises as `values` does."""
    source = _source(store, jid, token, part, inline)
    return b"".join(source.read(0, source.size))


def _value(part: Part, source: _Source) -> Any:
    data = b"".join(source.read(0, source.size))
    return json.loads(data) if part.is_json_value else data  # orjson turns integers beyond 64 bits into floats


def _is_plain(parts: Sequence[Part]) -> bool:
    return len(parts) == 1 and parts[0].name == ""


def _etag(token: str, what: str) -> str:
    """From the token, which is new with every run; hashed, since a token is a right."""
    return hashlib.sha256(f"{token}:{what}".encode()).hexdigest()[:24]


def _chosen(part: Part, accept: str | None) -> Part:
    """The form of an output that an Accept header asks for, the first one where it does not matter."""
    if not accept:
        return part
    from werkzeug.datastructures import MIMEAccept  # the worker has no use for it
    from werkzeug.http import parse_accept_header

    wanted = parse_accept_header(accept, MIMEAccept)
    bare = {each.media_type.partition(";")[0]: each for each in (part, *part.alternates)}
    forms = bare | {part.media_type: part}  # with its charset, for those who ask for it so
    best = wanted.best_match(forms)
    if best is not None:
        return forms[best]
    wants_table = any(kind in wanted.values() for kind in (PARQUET_TYPE, ARROW_TYPE))
    if part.alternates or wants_table:
        raise NotAcceptable(f"This output can be had as {', '.join(bare)}; {accept} was asked for.")
    return part  # an output of one form is sent to whoever asks, as HTTP allows


def _source(store: Store, jid: str, token: str, part: Part, inline: bytes) -> _Source:
    if part.where == INLINE:
        return _Bytes(inline[part.at : part.at + part.size])
    if part.where == CHUNKS:
        source = _Chunks(store, store.keys.outputs(jid, token), part)
        source.check()
        return source
    folder = shared_folder(store.settings, jid, token)
    if folder is None or not folder.parent.is_dir():
        where = "JOBSAPI_RESULTS is not set" if folder is None else f"{folder.parent} is not there"
        raise SetupError(f"This output lies in the folder that API and workers share, but {where} in this process.")
    if not (folder / part.key).is_file():
        raise ResultExpired(_GONE)
    return _File(folder / part.key, part.size)


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read(self, start: int, end: int) -> Iterator[bytes]:
        yield self.data[start:end]


class _Chunks:
    """An output in a hash of the store, CHUNK bytes a field."""

    def __init__(self, store: Store, key: str, part: Part) -> None:
        self.size = part.size
        self._store, self._key, self._part = store, key, part.key

    def check(self) -> None:
        if not self._store.call("hexists", self._key, f"{self._part}:0"):
            raise ResultExpired(_GONE)

    def read(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            number, offset = divmod(start, CHUNK)
            chunk = self._store.call("hget", self._key, f"{self._part}:{number}")
            if chunk is None:
                raise ResultExpired(_GONE)
            piece = chunk[offset : offset + end - start]
            yield piece
            start += len(piece)


class _File:
    def __init__(self, path: Path, size: int) -> None:
        self.size, self._path = size, path

    def read(self, start: int, end: int) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                while start < end and (piece := file.read(min(CHUNK, end - start))):
                    yield piece
                    start += len(piece)
        except FileNotFoundError:
            raise ResultExpired(_GONE) from None


class _Joined:
    """Several sources, one behind the other."""

    def __init__(self, sources: Sequence[_Source]) -> None:
        self.size = sum(source.size for source in sources)
        self._sources = sources

    def read(self, start: int, end: int) -> Iterator[bytes]:
        at = 0
        for source in self._sources:
            first, last = max(start - at, 0), min(end - at, source.size)
            if first < last:
                yield from source.read(first, last)
            at += source.size
