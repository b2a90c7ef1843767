"""`sys.stdout` and `sys.stderr` of a process that runs many jobs: each job's writes go to that job."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from jobsapi.runner import current

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["route_streams"]


def route_streams() -> None:
    """From now on what a job's Python code writes to them is its own; what nobody's code writes goes out as ever.

    The descriptors below stay what they are: nobody can tell which job C code or a process that it started writes for.
    """
    for name, fd in (("stdout", 1), ("stderr", 2)):
        # write_through: nothing stays in the wrapper, where the next job's text would be put behind it
        made = io.TextIOWrapper(_Routed(fd), encoding="utf-8", errors="backslashreplace", write_through=True)  # type: ignore[type-var]
        setattr(sys, name, made)


class _Routed(io.RawIOBase):
    """The bytes below one of the streams."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def write(self, data: Buffer) -> int:
        text, job = bytes(data), current.own_job()
        if job is not None:
            job.keep_printed(text)
            return len(text)
        rest = text
        while rest:
            rest = rest[os.write(self._fd, rest) :]
        return len(text)

    def flush(self) -> None:
        job = current.own_job()
        if job is not None:
            job.tell_printed()

    def close(self) -> None:
        """A job that closes it does not take it from the others."""
        self.flush()
