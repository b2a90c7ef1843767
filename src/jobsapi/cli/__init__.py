"""The commands; no logic of their own. What is heavy is imported inside a command: `jobsapi --help` is quick."""

from __future__ import annotations

# ruff: noqa: I001 - importing them adds their commands, in the order of `--help`
import io
import sys

from jobsapi.cli import new, running, submit, jobs, batches, schedules, data, top, system  # noqa: F401
from jobsapi.cli.base import INTERRUPTED, app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command of this process's arguments and exit with its code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not of Unicode is no reason to fail
    try:
        app()
    except KeyboardInterrupt:  # before a command was reached, or after it was left
        sys.exit(INTERRUPTED)
