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


def runnable(system: System) -> list[str]:
    """The variants of a system's worker that there are."""
    return [each for each in system.workers if system is not OURS or each != "threads" or has_threads()]
