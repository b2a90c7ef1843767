"""What all commands share: the application they belong to, their common flags, how they print and how they fail."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from jobsapi.errors import JobsApiError, NoResult, ResultNotReady
from jobsapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jobsapi.client import Client

__all__ = [
    "DATA",
    "INCOMPLETE",
    "INTERRUPTED",
    "JOBS",
    "REFUSED",
    "SYSTEM",
    "Host",
    "Json",
    "Port",
    "Talk",
    "Url",
    "app",
    "shown_json",
    "table",
    "talks",
    "tell",
    "write",
]

INCOMPLETE, REFUSED, INTERRUPTED = 1, 2, 130
"""Exit codes: the job did not complete; the command could not be carried out; Ctrl-C, as shells expect it."""

JOBS, DATA, SYSTEM = "Jobs", "Data", "Looking after it"
"""The headings of `jobsapi --help`."""

Host = Annotated[str | None, typer.Option(help="The API's address; also JOBSAPI_HOST.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, metavar="PORT", help="The API's port; also JOBSAPI_PORT.")]
Url = Annotated[str | None, typer.Option(help="Where the API is, in full; also JOBSAPI_URL.", metavar="URL")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


_UsageError: Any = typer.BadParameter.__mro__[1]
"""What typer raises for every wrong use; it keeps the class's name to itself."""


class _Group(TyperGroup):
    """Tells our errors as sentences on stderr, never as tracebacks."""

    def invoke(self, ctx: Any) -> Any:
        """The command's outcome; an error of ours ends the process with its exit code."""
        try:
            return super().invoke(ctx)
        except (NoResult, ResultNotReady) as problem:
            code = _fail(problem.detail, INCOMPLETE)
        except JobsApiError as problem:
            code = _fail(_sentence(problem), REFUSED)
        except BrokenPipeError:  # whoever reads stdout, `head` for one, has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        except _UsageError as problem:
            how = f"`{problem.ctx.command_path if problem.ctx else 'jobsapi'} --help` shows how."
            code = _fail(f"{problem.format_message().rstrip('.')}. {how}", REFUSED)
        except OSError as problem:
            if not problem.filename:  # a fault of ours, not a file that the user named
                raise
            code = _fail(f"{problem.filename}: {problem.strerror}", REFUSED)
        except KeyboardInterrupt:
            code = INTERRUPTED
        raise typer.Exit(code)


app = typer.Typer(
    name="jobsapi",
    cls=_Group,
    help="Long-running Python analyses behind an HTTP API. Settings are environment variables; flags win over them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        from jobsapi import __version__

        write(__version__)
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version


# --- Commands that talk to an API -------------------------------------------------------------------------------------


@dataclass
class Talk:
    """What a command that talks to an API is given: the client, and how to print."""

    client: Client
    is_json: bool

    def show(self, document: Any, text: Callable[[], str]) -> None:
        """Print the document, or what it says to a person."""
        write(shown_json(document) if self.is_json else text())


def talks(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command its `Talk` as first argument, made of the flags `--url`, `--host`, `--port` and `--json`."""

    @functools.wraps(command)
    def run(*, url: str | None, host: str | None, port: int | None, is_json: bool, **own: Any) -> None:
        from jobsapi.client import Client

        settings = Settings.from_environment(host=host, port=port)
        is_local = url is None and (host is not None or port is not None)  # a flag wins over JOBSAPI_URL
        client = Client(settings.local_url if is_local else url or settings.api_url)
        try:
            command(Talk(client, is_json), **own)
        finally:
            client.close()

    common = {"url": (Url, None), "host": (Host, None), "port": (Port, None), "is_json": (Json, False)}
    signature = inspect.signature(command, eval_str=True)
    parameters = list(signature.parameters.values())[1:]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in common.items()
    ]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


# --- Printing ---------------------------------------------------------------------------------------------------------


def write(text: str) -> None:
    """A text on stdout, at once."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def tell(sentence: str) -> None:
    """A sentence for the person at the terminal, on stderr."""
    sys.stderr.write(f"jobsapi: {sentence}\n")


def shown_json(value: Any) -> str:
    """JSON for eyes and programs alike."""
    import json

    return json.dumps(value, indent=2, ensure_ascii=False)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows in columns as wide as they need, so that an id is never cut; what is not printable becomes a space."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in head:
        made.add_column(name, no_wrap=True)
    for row in rows:
        cells = ("—" if each in (None, "") else str(each) for each in row)
        made.add_row(*(Text("".join(c if c.isprintable() else " " for c in cell)) for cell in cells))
    console = Console(width=10_000, file=sys.stdout)
    with console.capture() as captured:
        console.print(made)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _fail(sentence: str, code: int) -> int:
    tell(sentence)
    return code


def _sentence(problem: JobsApiError) -> str:
    """The error's own sentence, and the fields at fault that it does not name already."""
    more = [f"{each.pointer} {each.detail}" for each in problem.errors if each.detail not in problem.detail]
    return "; ".join([problem.detail, *more[:5]])
