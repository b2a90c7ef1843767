"""Puts outputs where API processes on other machines can read them, and takes them away again."""

from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobsapi.errors import SetupError, StoreFull, TooLarge
from jobsapi.results.layout import CHUNK, CHUNKS, FILES, INLINE, MOST_INLINE, Part, packed, shared_folder
from jobsapi.results.output import Output, readable_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from jobsapi.settings import Settings
    from jobsapi.store import Store

__all__ = ["Stored", "discard", "fit_inline", "remove_files", "sweep", "write"]

_BATCH = 4 * CHUNK
_MOST_FIELDS = 100
_SWEPT_AT_ONCE = 100


@dataclass(frozen=True)
class Stored:
    """What the `complete` script records of a job's outputs; `beside`: bytes that lie beside the record."""

    descriptor: bytes
    inline: bytes
    beside: int


def write(store: Store, jid: str, token: str, outputs: Sequence[Output]) -> Stored:
    """Store the outputs of a run under its claim's token, before its completion is recorded.

    Up to 4 KiB go into the record, the rest into a hash beside it, in chunks; what would make the hash larger than
    `max_stored_result` goes into the shared folder. Memory stays constant whatever the size. Until `complete` takes
    them they are registered as unclaimed, so that the outputs of a worker that dies here are swept.

    Raises TooLarge (the message names the setting that helps), StoreUnavailable, StoreFull, SetupError.
    """
    if len(outputs) == 1 and (value := _plain_value(outputs[0])) is not None:
        return Stored(b"", value, 0)
    placed = _Placement(store.settings, shared_folder(store.settings, jid, token))
    parts = [placed.primary(str(i), output) for i, output in enumerate(outputs)]
    parts = [placed.with_alternates(part, output) for part, output in zip(parts, outputs, strict=True)]
    if beside := placed.in_chunks + placed.in_files:
        unclaimed = _Unclaimed(store, jid, token)
        _write_chunks(unclaimed, placed.in_chunks)
        for part, output in placed.in_files:
            assert placed.folder is not None
            unclaimed.register()
            _write_file(placed.folder, part.key, output)
    return Stored(packed(parts), b"".join(placed.inline), sum(output.size for _, output in beside))


def _plain_value(output: Output) -> bytes | None:
    """The bytes of the most common output, one small JSON value, of which a record says nothing else."""
    is_plain = output.name == "" and output.is_json_value and not output.alternates
    return output.data if is_plain and output.data is not None and len(output.data) <= MOST_INLINE else None


def fit_inline(outputs: Sequence[Output]) -> bool:
    """Whether `write` puts all of them into the record, so that it needs no server."""
    return sum(each.size + sum(other.size for other in each.alternates) for each in outputs) <= MOST_INLINE


def discard(store: Store, jid: str, token: str) -> None:
    """Remove what `write` stored and no completion took, at once instead of by the next sweep.

    Only for the worker that wrote it, and only after the store refused its completion.
    """
    remove_files(store.settings, jid, token)
    store.call("unlink", store.keys.outputs(jid, token))
    store.call("zrem", store.keys.unclaimed_outputs(), f"{jid}:{token}")


def remove_files(settings: Settings, jid: str, token: str) -> None:
    """Remove the files of one claim's outputs, where there are any. Raises SetupError where that is not allowed."""
    folder = shared_folder(settings, jid, token)
    if folder is None or not folder.exists():
        return
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return  # another process removes the same
    except OSError as problem:
        raise SetupError(f"The results in {folder} cannot be removed: {problem}.") from problem


def sweep(store: Store) -> int:
    """Remove outputs that no completion took within two leases and none can take any more; returns how many.

    One small step: at most 100. A claim that lost its job never gets it back, so what the script names stays an
    orphan while its files go; its entry goes last, and a sweep that dies in between is simply repeated.
    """
    age = round(store.settings.lease * 2000)
    orphans = [member.decode() for member in store.run("sweep_outputs", age, _SWEPT_AT_ONCE)]
    for member in orphans:
        jid, _, token = member.partition(":")
        remove_files(store.settings, jid, token)
        store.call("zrem", store.keys.unclaimed_outputs(), member)
    return len(orphans)


class _Placement:
    """Decides where each output goes, in the order in which it is asked."""

    def __init__(self, settings: Settings, folder: Path | None) -> None:
        self.folder = folder
        self.inline: list[bytes] = []
        self.in_chunks: list[tuple[Part, Output]] = []
        self.in_files: list[tuple[Part, Output]] = []
        self._most = settings.max_stored_result
        self._inline_size = 0
        self._chunks_size = 0

    def primary(self, key: str, output: Output) -> Part:
        part = self._place(key, output)
        if part is None:
            size = readable_size(self._chunks_size + output.size)
            raise TooLarge(
                f"The job's outputs have {size}; the store takes {readable_size(self._most)} of one job "
                "(JOBSAPI_MAX_STORED_RESULT). Set JOBSAPI_RESULTS to a folder that the API and the workers share: "
                "larger ones go there."
            )
        return part

    def with_alternates(self, part: Part, output: Output) -> Part:
        """The part with the alternates for which there is room; asking for others is answered with 406."""
        made: list[Part] = []
        for each in output.alternates:
            alternate = self._place(f"{part.key}.{len(made)}", each)
            if alternate is not None:
                made.append(alternate)
        return dataclasses.replace(part, alternates=tuple(made))

    def _place(self, key: str, output: Output) -> Part | None:
        size = output.size
        part = Part(key, output.name, output.media_type, size, CHUNKS, filename=output.filename)
        if self._inline_size + size <= MOST_INLINE:
            part = dataclasses.replace(part, where=INLINE, at=self._inline_size)
            self.inline.extend(_pieces(output))
            self._inline_size += size
        elif self._chunks_size + size <= self._most:
            self.in_chunks.append((part, output))
            self._chunks_size += size
        elif self.folder is not None:
            part = dataclasses.replace(part, where=FILES)
            self.in_files.append((part, output))
        else:
            return None
        return part


class _Unclaimed:
    """The outputs' entry among those that no completion has taken, and their hash."""

    def __init__(self, store: Store, jid: str, token: str) -> None:
        self._store, self._member = store, f"{jid}:{token}"
        self._key = store.keys.outputs(jid, token)
        self._since = store.time_ms()

    def register(self) -> None:
        """Again before each step: a sweep may have removed the entry of a worker that was stopped for long."""
        self._store.call("zadd", self._store.keys.unclaimed_outputs(), {self._member: self._since})

    def put(self, fields: dict[str, bytes]) -> None:
        """Write some chunks, registered first."""
        self.register()
        self._store.call("hset", self._key, None, None, fields)


def _write_chunks(unclaimed: _Unclaimed, placed: list[tuple[Part, Output]]) -> None:
    waiting: dict[str, bytes] = {}
    size = 0
    for part, output in placed:
        for number, piece in enumerate(_pieces(output)):
            if waiting and (size + len(piece) > _BATCH or len(waiting) == _MOST_FIELDS):
                unclaimed.put(waiting)
                waiting, size = {}, 0
            waiting[f"{part.key}:{number}"] = piece
            size += len(piece)
    if waiting:
        unclaimed.put(waiting)


def _pieces(output: Output) -> Iterator[bytes]:
    """The output's bytes in pieces of CHUNK bytes, the last one shorter."""
    if output.data is not None:
        for start in range(0, len(output.data), CHUNK):
            yield output.data[start : start + CHUNK]
        return
    assert output.path is not None
    with output.path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _write_file(folder: Path, name: str, output: Output) -> None:
    """Write one file so that after a power cut it is whole or not there under its name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{name}.part"
        with unfinished.open("wb") as file:
            for piece in _pieces(output):
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(folder / name)
        for each in (folder, folder.parent):
            _sync_folder(each)
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull(f"The results folder {folder.parent} is full: {problem}.") from problem
        raise SetupError(f"The results folder {folder.parent} cannot be written: {problem}.") from problem


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
