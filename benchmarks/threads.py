"""Which workers can be run: whether this version's worker runs jobs in threads is asked of its command."""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.catalogue import OURS

if TYPE_CHECKING:
    from benchmarks.catalogue import System


@functools.cache
def has_threads() -> bool:
    """Whether `jobsapi worker` takes `--threads`."""
    command = [sys.executable, "-m", "jobsapi", "worker", "--help"]
    return "--threads" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def runnable(system: System, *, quick: bool = False) -> list[str]:
    """The variants of a system's worker that there are; of a peer's, those that a quick run leaves out are not."""
    if system is OURS:
        return [each for each in system.workers if each != "threads" or has_threads()]
    return [each for each in system.workers if not quick or each in (next(iter(system.workers)), "fork")]
