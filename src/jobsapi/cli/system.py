"""`tasks`, `queues`, `workers`, `token`, `doctor`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobsapi.cli import complete
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
    lists,
    shown_json,
    table,
    talks,
    write,
)
from jobsapi.cli.params import wanted
from jobsapi.errors import NotFound
from jobsapi.settings import Settings

if TYPE_CHECKING:
    from jobsapi.store import Store

_COUNTS = ("submitted", "in_progress", "complete", "failed", "cancelled")

token = typer.Typer()
app.add_typer(token, name="token", help="Make, list and revoke the API's tokens.", rich_help_panel=SYSTEM)


QueueName = Annotated[str, typer.Argument(metavar="NAME", help="The queue's name.", autocompletion=complete.queues)]

queues = typer.Typer()
app.add_typer(queues, name="queues", help="List the queues, pause one, resume it.", rich_help_panel=SYSTEM)
workers = typer.Typer()
app.add_typer(workers, name="workers", help="List the workers that live, drain one.", rich_help_panel=SYSTEM)


@app.command(rich_help_panel=SYSTEM)
@talks
def tasks(
    talk: Talk,
    name: Annotated[
        str | None,
        typer.Argument(metavar="TASK", help="Show this one: what it takes.", autocompletion=complete.tasks),
    ] = None,
) -> None:
    """List the tasks and their parameters; of one, what each parameter may be."""
    if name is not None:
        one = talk.client.task(name)
        talk.show(one, lambda: _described(one))
        return
    found = talk.client.tasks()
    rows = (
        (each["name"], signature(each["schema"]), each["queue"], each["workers"], each["summary"]) for each in found
    )
    talk.show({"tasks": found}, lambda: table(("TASK", "PARAMETERS", "QUEUE", "WORKERS", "SUMMARY"), rows))


@queues.callback(invoke_without_command=True)
@lists
def list_queues(talk: Talk) -> None:
    """List the queues and how many jobs they hold; pause one, resume it."""
    found = talk.client.queues()
    head = ("QUEUE", *(name.replace("_", " ").upper() for name in _COUNTS), "")
    rows = ((each["name"], *(each[name] for name in _COUNTS), "paused" if each["paused"] else "") for each in found)
    talk.show({"queues": found}, lambda: table(head, rows))


@queues.command()
@talks
def pause(talk: Talk, name: QueueName) -> None:
    """Hold back every job of a queue that no worker has claimed yet."""
    talk.client.pause_queue(name)
    talk.show({"name": name, "paused": True}, lambda: f"{name}: paused; `jobsapi queues resume {name}` lets it go on")


@queues.command()
@talks
def resume(talk: Talk, name: QueueName) -> None:
    """Give a queue's jobs out again."""
    talk.client.resume_queue(name)
    talk.show({"name": name, "paused": False}, lambda: f"{name}: goes on")


@workers.callback(invoke_without_command=True)
@lists
def list_workers(talk: Talk) -> None:
    """List the workers that live; drain one."""
    found = talk.client.workers()
    rows = (
        (each["id"], each["state"], f"{len(each['running'])}/{each['concurrency']}", *map(" ".join, _lists(each)))
        for each in found
    )
    talk.show({"workers": found}, lambda: table(("WORKER", "STATE", "BUSY", "QUEUES", "TASKS"), rows))


@workers.command()
@talks
def drain(
    talk: Talk,
    worker: Annotated[
        str, typer.Argument(metavar="ID", help="As `workers` shows it.", autocompletion=complete.workers)
    ],
) -> None:
    """Let a worker claim nothing more, finish what it runs, and go."""
    found = talk.client.drain_worker(worker)
    running = len(found["running"])
    talk.show(found, lambda: f"{worker}: draining" + (f"; {running} of its jobs still run" if running else ""))


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


def _described(task: dict[str, Any]) -> str:
    """One task: its call in short, and a line for each parameter."""
    schema = task["schema"]
    properties, required = schema.get("properties", {}), schema.get("required", [])
    lines = {"task": task["name"], "summary": task["summary"], "queue": task["queue"], "workers": task["workers"]}
    lines |= {name: task.get(name) for name in ("timeout", "memory_mb", "max_attempts")}
    lines["submit"] = f"jobsapi submit {task['name']} " + " ".join(f"{name}=…" for name in required)
    told = table(("", ""), [(name, value) for name, value in lines.items() if value not in (None, "")]).lstrip("\n")
    rows = [
        (
            name,
            wanted(about, schema),
            "required" if name in required else _default(about),
            about.get("description", " "),
        )
        for name, about in properties.items()
    ]
    if schema.get("additionalProperties", True) is not False:
        rows.append(("…", "any other", "", ""))
    return f"{told}\n{table(('PARAMETER', 'TYPE', 'DEFAULT', ''), rows)}" if rows else told


def _default(about: dict[str, Any]) -> str:
    return json.dumps(about["default"], ensure_ascii=False) if "default" in about else ""
