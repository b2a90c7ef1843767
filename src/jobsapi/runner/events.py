"""What a pool is given, and what it tells."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from jobsapi.results import Output as ResultOutput

__all__ = [
    "Broken",
    "Died",
    "Done",
    "Event",
    "OutOfMemory",
    "Output",
    "Progress",
    "Raised",
    "Ready",
    "Returned",
    "Stopped",
    "Work",
]


class Work(NamedTuple):
    """One job to run."""

    id: str
    token: str
    task: str
    params: bytes
    """JSON."""
    attempt: int
    timeout: float | None
    """Seconds."""
    started: int
    """When it was claimed, ms by the server's clock."""
    memory_mb: int | None = None
    """MiB that its processes may have together."""
    parents: tuple[str, ...] = ()
    """The ids of the jobs it came after."""


@dataclass(frozen=True)
class Ready:
    """A child has imported the app; `tasks` as `Task.described()` gives them."""

    tasks: list[dict[str, Any]]


@dataclass(frozen=True)
class Broken:
    """The app cannot be imported, or its `setup()` failed."""

    traceback: str


@dataclass(frozen=True)
class Output:
    """What the job or anything it started wrote to stdout or stderr."""

    job_id: str
    data: bytes


@dataclass(frozen=True)
class Progress:
    """How far the job says it is."""

    job_id: str
    fraction: float | None
    message: str | None


@dataclass(frozen=True)
class Done:
    """The function returned."""

    job_id: str
    outputs: list[ResultOutput]
    scratch: Path | None
    """The folder of the outputs that are files, where there are any."""
    seconds: float = 0.0
    """How long its function took."""

    def discard(self) -> None:
        """Remove the files of the outputs, once they are stored."""
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)


@dataclass(frozen=True)
class Raised:
    """The function raised, or its parameters or its result do not fit."""

    job_id: str
    type: str
    message: str
    traceback: str
    """The user's own frames."""
    retryable: bool
    """Whether another attempt may end otherwise."""
    retry_after: float | None
    """Seconds until then, where the function said so."""


@dataclass(frozen=True)
class Died:
    """The child ended under the job."""

    job_id: str
    signal: int | None
    exit_code: int | None


@dataclass(frozen=True)
class OutOfMemory:
    """The job was ended because its processes had more memory than they may, or than there is."""

    job_id: str
    detail: str
    """A sentence that says how much it had and may have."""


@dataclass(frozen=True)
class Stopped:
    """The job was stopped, as asked for."""

    job_id: str
    why: str


@dataclass(frozen=True)
class Returned:
    """A job that was given ahead of its turn has not begun, and will not in that child."""

    job_id: str


Event = Ready | Broken | Output | Progress | Done | Raised | Died | OutOfMemory | Stopped | Returned
