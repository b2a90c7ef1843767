"""`tasks`, `queues`, `workers`, `token`, `doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobsapi.cli.announce import signature
from jobsapi.cli.base import (
    INCOMPLETE,
    SYSTEM,
    Host,
    Json,
    Port,
    Talk,
    Url,
    app,
    shown_json,
    table,
    talks,
    write,
)
from jobsapi.errors import NotFound
from jobsapi.settings import Settings

if TYPE_CHECKING:
    from jobsapi.store import Store

_COUNTS = ("submitted", "in_progress", "complete", "failed", "cancelled")

token = typer.Typer()
app.add_typer(token, name="token", help="Make, list and revoke the API's tokens.", rich_help_panel=SYSTEM)


@app.command(rich_help_panel=SYSTEM)
@talks
def tasks(talk: Talk) -> None:
    """List the tasks and their parameters."""
    found = talk.client.tasks()
    rows = (
        (each["name"], signature(each["schema"]), each["queue"], each["workers"], each["summary"]) for each in found
    )
    talk.show({"tasks": found}, lambda: table(("TASK", "PARAMETERS", "QUEUE", "WORKERS", "SUMMARY"), rows))


@app.command(rich_help_panel=SYSTEM)
@talks
def queues(talk: Talk) -> None:
    """List the queues and how many jobs they hold."""
    found = talk.client.queues()
    head = ("QUEUE", *(name.replace("_", " ").upper() for name in _COUNTS), "")
    rows = ((each["name"], *(each[name] for name in _COUNTS), "paused" if each["paused"] else "") for each in found)
    talk.show({"queues": found}, lambda: table(head, rows))


@app.command(rich_help_panel=SYSTEM)
@talks
def workers(talk: Talk) -> None:
    """List the workers that live."""
    found = talk.client.workers()
    rows = (
        (each["id"], each["state"], f"{len(each['running'])}/{each['concurrency']}", *map(" ".join, _lists(each)))
        for each in found
    )
    talk.show({"workers": found}, lambda: table(("WORKER", "STATE", "BUSY", "QUEUES", "TASKS"), rows))


@app.command(rich_help_panel=SYSTEM)
def doctor(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Check that counts, lists and indexes agree with the jobs' records, too.")
    ] = False,
    repair: Annotated[bool, typer.Option("--repair", help="The same, and put right what does not agree.")] = False,
    url: Url = None,
    host: Host = None,
    port: Port = None,
    is_json: Json = False,
) -> None:
    """Look at this set-up and say what is wrong; exit code 1 where a fault was found.

    --check walks every record and every index in small steps and may run while the system works: what goes on meanwhile
    is no fault. --repair puts each job into exactly the places that its record says, and takes out what belongs to no
    job. Two things it tells and leaves to you: a record that is not whole, and two active jobs with one key.
    """
    from jobsapi.doctor import examine

    findings = examine(Settings.from_environment(url=url, host=host, port=port), check=check, mend=repair)
    is_well = all(each.level != "fault" for each in findings)
    if is_json:
        write(shown_json({"ok": is_well, "findings": [vars(each) for each in findings]}))
    else:
        for each in findings:
            write(f"{each.level:<5} {each.sentence}" + (f"\n      → {each.advice}" if each.advice else ""))
    raise typer.Exit(0 if is_well else INCOMPLETE)


@token.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, to tell it from others.")] = "",
    *,
    is_json: Json = False,
) -> None:
    """Make a token and print it; it is not shown again."""
    from jobsapi.web.access import create_token

    made = create_token(_store(), name)
    write(shown_json({"token": made, "name": name}) if is_json else made)


@token.command("list")
def list_all(*, is_json: Json = False) -> None:
    """List the tokens: their names, not what they are."""
    from jobsapi.record import rfc3339
    from jobsapi.web.access import list_tokens

    found = [{**each, "created": rfc3339(each["created"])} for each in list_tokens(_store())]
    rows = ((each["id"], each["name"], each["created"]) for each in found)
    write(shown_json({"tokens": found}) if is_json else table(("ID", "NAME", "CREATED"), rows))


@token.command()
def revoke(
    which: Annotated[str, typer.Argument(metavar="NAME|ID", help="As `token list` shows it.")], *, is_json: Json = False
) -> None:
    """Make a token worthless, within seconds."""
    from jobsapi.web.access import revoke_token

    count = revoke_token(_store(), which)
    if not count:
        raise NotFound(f"No token has the name or id {which!r}; `jobsapi token list` shows them.")
    write(shown_json({"revoked": count}) if is_json else f"{count} revoked.")


def _store() -> Store:
    from jobsapi.store import default

    return default()


def _lists(worker: dict[str, Any]) -> list[list[str]]:
    return [worker["queues"], worker["tasks"]]
