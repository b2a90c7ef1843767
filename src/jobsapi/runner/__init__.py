"""Runs claimed jobs in child processes: output captured, limits enforced; knows no server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobsapi.runner.events import (
    Broken,
    Died,
    Done,
    Event,
    OutOfMemory,
    Output,
    Progress,
    Raised,
    Ready,
    Returned,
    Stopped,
    Work,
)

if TYPE_CHECKING:
    from jobsapi.runner.pool import Pool, pool_of_worker

__all__ = [
    "Broken",
    "Died",
    "Done",
    "Event",
    "OutOfMemory",
    "Output",
    "Pool",
    "Progress",
    "Raised",
    "Ready",
    "Returned",
    "Stopped",
    "Work",
    "pool_of_worker",
]


def __getattr__(name: str) -> Any:
    """A child imports this package too and needs no pool: each one would start later by what that takes to import."""
    if name not in ("Pool", "pool_of_worker"):
        raise AttributeError(f"module 'jobsapi.runner' has no attribute {name!r}")
    from jobsapi.runner import pool

    return getattr(pool, name)
