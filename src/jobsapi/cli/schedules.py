"""`schedules`, and of one `schedules show`, `schedules add`, `schedules remove`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from jobsapi.cli import complete
from jobsapi.cli.base import JOBS, Talk, app, lists, table, talks
from jobsapi.cli.options import given, takes_options
from jobsapi.cli.params import check, parsed
from jobsapi.errors import Invalid

Name = Annotated[str, typer.Argument(metavar="NAME", help="The schedule's name.", autocompletion=complete.schedules)]
OwnName = Annotated[
    str, typer.Argument(metavar="NAME", help="The schedule's name.", autocompletion=complete.own_schedules)
]

schedules = typer.Typer()
app.add_typer(
    schedules, name="schedules", help="List what is submitted again and again, add to it.", rich_help_panel=JOBS
)


@schedules.callback(invoke_without_command=True)
@lists
def list_all(talk: Talk) -> None:
    """List what is submitted again and again, add to it."""
    found = talk.client.list_schedules()
    rows = ((each["name"], each["task"], _timing(each), each["next"], _last(each)) for each in found)
    talk.show({"schedules": found}, lambda: table(("SCHEDULE", "TASK", "WHEN", "NEXT", "LAST"), rows))


@schedules.command()
@talks
def show(talk: Talk, name: Name) -> None:
    """Show one schedule."""
    found = talk.client.get_schedule(name)
    talk.show(found, lambda: _described(found))


@schedules.command()
@talks
@takes_options
def add(
    talk: Talk,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name; one of that name is replaced.")],
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's name.", autocompletion=complete.tasks)],
    params: Annotated[
        list[str] | None,
        typer.Argument(metavar="K=V", help="Parameters, as for `submit`.", autocompletion=complete.params),
    ] = None,
    *,
    every: Annotated[float | None, typer.Option(metavar="SECONDS", help="A job every so many seconds.")] = None,
    cron: Annotated[
        str | None, typer.Option(metavar="EXPRESSION", help="A job by a cron expression: '0 6 * * mon-fri'.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="The clock of --cron: Europe/Berlin. Default: UTC.")
    ] = None,
    misses: Annotated[
        str | None, typer.Option(metavar="WORD", help="Due times nobody noticed: skip (default), once or all.")
    ] = None,
    **options: Any,
) -> None:
    """Submit a job again and again, by --every or --cron."""
    if (every is None) == (cron is None):
        raise Invalid("A schedule has either --every SECONDS or --cron EXPRESSION.")
    described = talk.client.task(task)
    values = parsed(params or [], described["schema"])
    check(values, described)
    timing = {"every": every, "cron": cron, "timezone": timezone, "misses": misses}
    told = {key: value for key, value in timing.items() if value is not None}
    made = talk.client.add_schedule(name, task, values, **told, **given(options))
    talk.show(made, lambda: f"{made['name']}: {_timing(made)}, next at {made['next']}")


@schedules.command()
@talks
def remove(talk: Talk, name: OwnName) -> None:
    """Submit no more of its jobs; those that are submitted stay."""
    gone = talk.client.remove_schedule(name)
    talk.show(gone, lambda: f"{gone['name']}: removed")


def _timing(schedule: dict[str, Any]) -> str:
    if schedule["every"] is not None:
        from jobsapi.cli.watch import span

        every = schedule["every"]
        return f"every {span(int(every) if every == int(every) else every)}"
    return f"{schedule['cron']} {schedule['timezone']}"


def _last(schedule: dict[str, Any]) -> str:
    """What became of the last due time."""
    if schedule["error"]:
        return f"failed: {schedule['error']}"
    return schedule["last_job"] or ""


def _described(schedule: dict[str, Any]) -> str:
    lines = {"name": schedule["name"], "task": schedule["task"], "when": _timing(schedule)}
    lines |= {key: json.dumps(schedule[key], ensure_ascii=False) for key in ("params", "options") if schedule[key]}
    lines |= {key: schedule[key] for key in ("misses", "next", "last", "last_job", "error")}
    lines["made by"] = f"the app {schedule['app']}" if schedule["app"] else "hand"
    return table(("", ""), [(key, value) for key, value in lines.items() if value not in (None, "")]).lstrip("\n")
