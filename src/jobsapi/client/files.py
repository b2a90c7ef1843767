"""Outputs as files on the caller's side."""

from __future__ import annotations

import json
import mimetypes
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobsapi.client.transport import file_name, media_type, path_of, with_query
from jobsapi.client.values import links

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import BinaryIO

    from jobsapi.client.transport import Transport

__all__ = ["Watched", "save", "save_table", "table"]

_PIECE = 1 << 20


class Watched:
    """A file that tells each piece that is read of it: how far an upload is."""

    def __init__(self, file: BinaryIO, told: Callable[[bytes], object]) -> None:
        self._file, self._told = file, told

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`."""
        piece = self._file.read(size)
        self._told(piece)
        return piece


def save(transport: Transport, jid: str, path: Path) -> list[Path]:
    """The outputs of a job as `path`, or as files in it; see `Client.save_results`."""
    with closing(transport.open("GET", path_of("download", jid))) as response:
        target = path / (file_name(response) or jid) if path.is_dir() else path
        if media_type(response) != "application/json":
            return [_write(target, response.stream(_PIECE))]
        body = response.read()
    named = links(jid, value := json.loads(body))
    if not named:
        return [_write(target, [body])]
    path.mkdir(parents=True, exist_ok=True)
    plain = {name: each for name, each in value.items() if name not in named}
    written = [_write(path / f"{name}.json", [json.dumps(each).encode()]) for name, each in plain.items()]
    return written + [_save_output(transport, jid, name, link, path) for name, link in named.items()]


def table(transport: Transport, batch: str) -> Iterator[bytes]:
    """The results of a batch as CSV, in pieces."""
    address = with_query(path_of("batches", batch, "results"), {"format": "csv"})
    with closing(transport.open("GET", address)) as response:
        yield from transport.pieces(response, _PIECE)


def save_table(transport: Transport, batch: str, path: Path) -> Path:
    """The same as a file."""
    return _write(path, table(transport, batch))


def _save_output(transport: Transport, jid: str, name: str, link: Mapping[str, Any], folder: Path) -> Path:
    with closing(transport.open("GET", path_of("jobs", jid, "results", name))) as response:
        called = file_name(response) or name
        if not Path(called).suffix:
            called += mimetypes.guess_extension(link["type"].partition(";")[0]) or ""
        return _write(folder / called, response.stream(_PIECE))


def _write(path: Path, pieces: Iterable[bytes]) -> Path:
    """A file that is there as a whole or not at all."""
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
