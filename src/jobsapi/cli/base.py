"""What all commands share: the application they belong to, their common flags, how they print and how they fail."""

from __future__ import annotations

import functools
import inspect
import os
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from jobsapi.errors import Invalid, JobsApiError, NoResult, ResultNotReady
from jobsapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

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
    "cell",
    "lists",
    "shown_json",
    "table",
    "talks",
    "tell",
    "tell_problem",
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


_HINTS = {
    "unknown-job": "`jobsapi jobs` lists those that are there.",
    "unknown-batch": "`jobsapi batches` lists those that are there.",
    "unknown-worker": "`jobsapi workers` lists those that live.",
    "unknown-schedule": "`jobsapi schedules` lists those that are there.",
    "unknown-record": "`jobsapi data search WORD` looks for one, `jobsapi data list` lists the data sets.",
    "unauthorized": "Set JOBSAPI_TOKEN; where the API runs, `jobsapi token create` makes one.",
    "result-not-ready": "`jobsapi wait ID` waits for them.",
    "no-result": "`jobsapi status ID` tells more, `jobsapi logs ID` shows what it wrote.",
}
"""What to do next, by an error's code."""

_UsageError: Any = typer.BadParameter.__mro__[1]
"""What typer raises for every wrong use; it keeps the class's name to itself."""


class _Group(TyperGroup):
    """Tells our errors as sentences on stderr, never as tracebacks."""

    def invoke(self, ctx: Any) -> Any:
        """The command's outcome; an error of ours ends the process with its exit code."""
        try:
            return super().invoke(ctx)
        except (NoResult, ResultNotReady) as problem:
            code = _fail(_sentence(problem), INCOMPLETE)
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
    add_completion=True,
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

        _check_names(own)
        settings = Settings.from_environment(host=host, port=port)
        is_local = url is None and (host is not None or port is not None)  # a flag wins over JOBSAPI_URL
        client = Client(settings.local_url if is_local else url or settings.api_url)
        try:
            command(Talk(client, is_json), **own)
        except JobsApiError as problem:
            if hint := _HINTS.get(problem.code):
                problem.add_note(hint.replace("ID", str(own.get("jid", "ID"))))
            raise
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


_STYLES = {"complete": "green", "failed": "red", "cancelled": "yellow", "in progress": "cyan", "paused": "yellow"}
"""The colour of a word that is a status; the word stays."""

_WIDEST, _NARROWEST = 10_000, 12


_NAMES = ("jid", "jids", "batch_id", "worker", "task", "name", "record")
"""The arguments that stand in an address of the API."""


def _check_names(given: Mapping[str, Any]) -> None:
    """Whether each can be in an address. Raises Invalid: an empty one is most often a variable that is not set."""
    for name in _NAMES:
        value = given.get(name)
        for each in value if isinstance(value, list) else [value]:
            if each == "":
                raise Invalid("An id or name that was given is empty; is a variable of your shell not set?")
            if each and "/" in each and name != "record":
                raise Invalid(f"{each!r} is no id and no name: these have no slash.")


def lists(command: Callable[..., None]) -> Callable[..., None]:
    """As `talks`, for what a group of commands does where none of them is named: it lists."""
    run = talks(command)

    @functools.wraps(run)
    def run_alone(ctx: typer.Context, **own: Any) -> None:
        if ctx.invoked_subcommand is None:
            run(**own)
        elif wrong := [each for each in ctx.params if ctx.get_parameter_source(each).name == "COMMANDLINE"]:  # type: ignore[union-attr]
            raise typer.BadParameter(f"--{wrong[0].removeprefix('is_')} comes after {ctx.invoked_subcommand!r}.")

    signature = inspect.signature(run)
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    run_alone.__signature__ = signature.replace(parameters=[context, *signature.parameters.values()])  # type: ignore[attr-defined]
    run_alone.__annotations__ = {"ctx": typer.Context, **run.__annotations__}
    return run_alone


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

    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, indent=2, ensure_ascii=not is_unicode)


def tell_problem(problem: JobsApiError) -> None:
    """An error of ours on stderr, as a sentence that says what to do next."""
    tell(_sentence(problem))


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows in columns as wide as they need, so that an id is never cut; what is not printable becomes a space.

    On a terminal that is too narrow the last column, which is prose, is cut.
    """
    from rich.console import Console
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in head:
        made.add_column(name, no_wrap=True)
    for row in rows:
        made.add_row(*map(cell, row))
    console = Console(width=_WIDEST, file=sys.stdout)
    if console.is_terminal:
        _narrow(made, console, shutil.get_terminal_size().columns)
    with console.capture() as captured:
        console.print(made)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def cell(value: Any) -> Text:
    """A value in a table: one line, nothing in it that a terminal would obey, a status in its colour."""
    from rich.text import Text

    text = "—" if value in (None, "") else str(value)
    plain = "".join(c if c.isprintable() else " " for c in text)
    return Text(plain, style=_STYLES.get(plain.partition(" (")[0], ""))


def _narrow(made: Table, console: Console, width: int) -> None:
    """Cut what stands in the last column where the table is wider than the terminal; never to less than a few words."""
    texts: list[Any] = list(made.columns[-1].cells)
    widest = max((each.cell_len for each in texts), default=0)
    if (over := console.measure(made).maximum - width) > 0:
        for each in texts:
            each.truncate(max(_NARROWEST, widest - over), overflow="ellipsis")


def _fail(sentence: str, code: int) -> int:
    tell(sentence)
    return code


def _sentence(problem: JobsApiError) -> str:
    """The error's own sentence, and the fields at fault that it does not name already."""
    more = [f"{each.pointer} {each.detail}" for each in problem.errors if each.detail not in problem.detail]
    return " ".join(["; ".join([problem.detail, *more[:5]]), *getattr(problem, "__notes__", ())])
