"""What all commands share: the application they belong to, and how a mistake is told."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from jobsapi.errors import JobsApiError

__all__ = ["app", "tell"]

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""


class _Group(TyperGroup):
    """Tells our errors as sentences on stderr, never as tracebacks."""

    def invoke(self, ctx: Any) -> Any:
        """The command's outcome; an error of ours ends the process with its exit code."""
        try:
            return super().invoke(ctx)
        except JobsApiError as problem:
            tell(problem.detail)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    name="jobsapi",
    cls=_Group,
    help="Long-running Python analyses behind an HTTP API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def tell(sentence: str) -> None:
    """A sentence for the person at the terminal."""
    sys.stderr.write(f"jobsapi: {sentence}\n")
