"""One output of a job as bytes with a media type, and the scratch folder that large ones are written to."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from jobsapi.errors import TooLarge

__all__ = ["IN_MEMORY", "JSON_TYPE", "Output", "Spool", "readable_size"]

IN_MEMORY = 64 * 1024
"""Outputs above this many bytes are handed on as files, not as bytes."""

JSON_TYPE = "application/json"


@dataclass(frozen=True)
class Output:
    """One output; exactly one of `data` and `path` is set.

    `name` is "" for the one plain value. `filename` is the name of the file the job wrote, where it wrote one.
    `alternates` hold the same content in other media types, for those who ask for them.
    """

    name: str
    media_type: str
    data: bytes | None = None
    path: Path | None = None
    filename: str | None = None
    alternates: tuple[Output, ...] = ()

    @property
    def size(self) -> int:
        """Its length in bytes, alternates not counted."""
        if self.data is not None:
            return len(self.data)
        assert self.path is not None
        return self.path.stat().st_size

    @property
    def is_json_value(self) -> bool:
        """Whether it is JSON that was written here, so known to be sound: a file named .json may hold anything."""
        return self.media_type == JSON_TYPE and self.filename is None


class Spool:
    """Takes outputs in, one after the other, into `folder`; all together may have `max_result` bytes."""

    def __init__(self, folder: Path, max_result: int) -> None:
        self.folder = folder
        self.max_result = max_result
        self._left = max_result

    def new_file(self) -> Path:
        """An empty file of its own in the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, path = tempfile.mkstemp(prefix="output-", dir=self.folder)
        os.close(handle)
        return Path(path)

    def charge(self, size: int) -> None:
        """Count `size` bytes; raises TooLarge, naming the setting, where the job's outputs become too many."""
        self._left -= size
        if self._left < 0:
            had = self.max_result - self._left
            raise TooLarge(
                f"The job's outputs have {readable_size(had)} or more; JOBSAPI_MAX_RESULT allows "
                f"{readable_size(self.max_result)}."
            )

    def from_bytes(self, name: str, media_type: str, data: bytes, filename: str | None = None) -> Output:
        """An output of bytes at hand. Raises TooLarge."""
        self.charge(len(data))
        if len(data) <= IN_MEMORY:
            return Output(name, media_type, data=data, filename=filename)
        path = self.new_file()
        path.write_bytes(data)
        return Output(name, media_type, path=path, filename=filename)

    def from_file(
        self,
        name: str,
        media_type: str,
        path: Path,
        filename: str | None = None,
        alternates: tuple[Output, ...] = (),
    ) -> Output:
        """An output of a file that `new_file` gave out and somebody wrote. Raises TooLarge."""
        size = path.stat().st_size
        self.charge(size)
        if size > IN_MEMORY:
            return Output(name, media_type, path=path, filename=filename, alternates=alternates)
        data = path.read_bytes()
        path.unlink()
        return Output(name, media_type, data=data, filename=filename, alternates=alternates)


def readable_size(size: int) -> str:
    """`size` bytes for a person: 900 bytes, 1.5 MiB."""
    if size < 1024:
        return f"{size} bytes"
    number, unit = size / 1024, "KiB"
    for larger in ("MiB", "GiB"):
        if number >= 1024:
            number, unit = number / 1024, larger
    return f"{number:.1f}".removesuffix(".0") + f" {unit}"
