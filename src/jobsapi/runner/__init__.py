"""Runs claimed jobs in child processes: output captured, limits enforced; knows no server."""

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
    Stopped,
    Work,
)
from jobsapi.runner.pool import Pool

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
    "Stopped",
    "Work",
]
