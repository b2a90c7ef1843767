"""The commands; no logic of their own. What is heavy is imported inside a command: `jobsapi --help` is quick."""

from __future__ import annotations

from jobsapi.cli import batches, data, jobs, running, system  # noqa: F401 - importing them adds their commands
from jobsapi.cli.base import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command of this process's arguments and exit with its code."""
    app()
