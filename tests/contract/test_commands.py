"""`docs/reference-commands.md` is what the commands say of themselves.

`python -m tests.contract.test_commands` writes it anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from jobsapi.cli import app
from jobsapi.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMON = {"url", "host", "port", "is_json"}
PAGE = Path(__file__).parents[2] / "docs" / "reference-commands.md"

HEAD = """# Commands

Every command tells the same with `--help`. Flags come after the command. What is not given as a flag is taken from the
[settings](reference-settings.md), which are environment variables.

The commands under “Jobs” and “Data”, and `top`, `tasks`, `queues` and `workers`, talk to an API. They all take `--url`,
which says where it is, or `--host` and `--port`; otherwise JOBSAPI_URL, or JOBSAPI_HOST and JOBSAPI_PORT, otherwise
http://127.0.0.1:5000. JOBSAPI_TOKEN is the token they send. `serve`, `api`, `worker`, `token` and `doctor` use the
server itself, by REDIS_URL or the embedded one of the working folder; `doctor` takes these flags for the API it asks.

Values `K=V` follow the schema of the task: a text stays a text (`name=5` is `"5"` where a text is wanted), everything
else is read as JSON (`n=5`, `flag=true`, `items='[1, 2]'`, `where='{"x": 1}'`, `limit=null`).

With `--json`, which these commands, `token` and `doctor` take, one JSON document is printed on stdout and nothing else.
Sentences for a person go to stderr, and so do bars, which are drawn on a terminal alone. [The terminal](terminal.md)
shows these commands at work, and how a shell completes tasks and ids.

| exit code | meaning |
| --- | --- |
| 0 | success; for `serve` and `worker` also: stopped by a signal, in order |
| 1 | the job did not complete, or has not yet; `doctor` found a fault; the app cannot be used or does not stay up |
| 2 | the command could not be carried out: wrong use, a taken port, nothing answers, the API refused |
| 130 | Ctrl-C; a job that was waited for goes on |
"""


def commands() -> Iterator[tuple[str, str, Any]]:
    """(heading, full name, command) of everything that can be run, in the order of `--help`."""
    top: Any = typer.main.get_command(app)
    for name, command in top.commands.items():
        panel = getattr(command, "rich_help_panel", None)
        heading = panel if isinstance(panel, str) else "Running the system"
        if command.hidden:
            continue
        if getattr(command, "invoke_without_command", True):  # a command, or a group that lists what it is about
            yield heading, name, command
        for inner, each in getattr(command, "commands", {}).items():
            if not each.hidden:
                yield heading, f"{name} {inner}", each


def _usage(name: str, command: Any) -> str:
    words = []
    for each in command.params:
        if each.param_type_name == "argument":
            word = (each.metavar or each.name.upper()) + ("…" if each.nargs == -1 else "")
            words.append(word if each.required else f"[{word}]")
    return " ".join(["jobsapi", name, *words])


def _rows(command: Any) -> Iterator[str]:
    left_out = COMMON if {each.name for each in command.params} >= COMMON else set()
    for each in command.params:
        if getattr(each, "hidden", False) or each.name in {"help", *left_out}:
            continue
        if each.param_type_name == "argument":
            shown = each.metavar or each.name.upper()
        else:
            value = "" if each.is_flag else f" {each.metavar or each.name.upper()}"
            shown = ", ".join(each.opts) + value
        default = "" if each.default in (None, "", False) or callable(each.default) else f" Default: `{each.default}`."
        told = f"{each.help}{default}".replace("|", "\\|")
        yield f"| `{shown.replace('|', chr(92) + '|')}` | {told} |"


def page() -> str:
    """The page, as the commands are now."""
    headings: dict[str, list[str]] = {}
    for heading, name, command in commands():
        told = [f"### `{_usage(name, command)}`", "", command.help.strip(), ""]
        rows = list(_rows(command))
        told += ["| flag | what it does |", "| --- | --- |", *rows, ""] if rows else []
        headings.setdefault(heading, []).extend(told)
    first = "Running the system"
    order = [first, *(each for each in headings if each != first)]
    return "\n".join([HEAD, *(line for each in order for line in [f"## {each}", "", *headings[each]])]).rstrip() + "\n"


def test_the_page_of_commands_is_what_the_commands_say():
    assert PAGE.read_text() == page(), "python -m tests.contract.test_commands writes it anew"


def test_every_command_and_every_flag_says_what_it_does():
    for _, name, command in commands():
        assert command.help, name
        for each in command.params:
            assert getattr(each, "hidden", False) or each.help, f"{name} {each.name}"


def test_the_commands_of_the_contract_are_there():
    names = {name for _, name, _ in commands()}
    assert names >= {
        "serve",
        "api",
        "worker",
        "submit",
        "jobs",
        "status",
        "results",
        "logs",
        "cancel",
        "retry",
        "doctor",
    }
    assert names >= {"data load", "data search", "data get", "token create", "token list", "token revoke"}
    assert names >= {"top", "new", "wait", "queues", "queues pause", "queues resume", "workers", "workers drain"}
    assert names >= {"schedules", "schedules add", "batches", "batches cancel", "tasks"}


def test_every_option_of_a_job_is_a_flag_of_submit():
    [submit] = [command for _, name, command in commands() if name == "submit"]
    assert {each.name for each in submit.params} >= set(OPTIONS)


if __name__ == "__main__":
    PAGE.write_text(page())
