"""What a shell completes: names and ids, asked of the API; nothing, and at once, where none answers."""

from __future__ import annotations

import itertools
import json
import os
from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002 - typer looks at the annotations

from jobsapi.cli.params import wanted
from jobsapi.settings import Settings
from jobsapi.states import ACTIVE, ENDED, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jobsapi.client import Client

__all__ = [
    "active_jobs",
    "batches",
    "datasets",
    "ended_jobs",
    "jobs",
    "own_schedules",
    "params",
    "queues",
    "schedules",
    "statuses",
    "tasks",
    "workers",
]

Words = list[tuple[str, str]]
"""Each with what it says beside it, where the shell shows that."""

_PATIENCE = 0.6
"""Seconds for the API to answer: whoever pressed the key waits."""

_MOST = 50


def _asked(ctx: typer.Context, ask: Callable[[Client], Iterable[tuple[str, str]]]) -> Words:
    """What the API answers; nothing for any fault: a message would stand in the middle of the line being typed."""
    try:
        from jobsapi.client import Client

        given = ctx.params
        settings = Settings.from_environment(host=given.get("host"), port=given.get("port"))
        is_local = not given.get("url") and (given.get("host") or given.get("port"))
        client = Client(settings.local_url if is_local else given.get("url") or settings.api_url, timeout=_PATIENCE)
        try:
            return [(value, " ".join(help_text.split())) for value, help_text in ask(client)]
        finally:
            client.close()
    except Exception:  # noqa: BLE001 - see above
        return []


def tasks(ctx: typer.Context) -> Words:
    """The tasks' names."""
    return _asked(ctx, lambda client: ((each["name"], each["summary"] or "") for each in client.tasks()))


def params(ctx: typer.Context, incomplete: str) -> Words:
    """The parameters of the task on the line that are not given yet: `name=`, or with the values it may have."""
    task, before = ctx.params.get("task"), _joined(ctx.params.get("params") or [])
    if not task:
        return []
    given = {each.partition("=")[0] for each in before}
    # bash asks for the part behind the `=`, and where that is empty the `=` itself was dropped on the way
    name = before[-1].removesuffix("=") if before and before[-1].partition("=")[2] == "" else ""

    def ask(client: Client) -> Iterable[tuple[str, str]]:
        schema = client.task(task)["schema"]
        found = schema.get("properties", {})
        if name:
            return ((each, "") for each in _values(found.get(name, {}), schema) if each.startswith(incomplete))
        return (
            (f"{each}={value}", about.get("description") or wanted(about, schema))
            for each, about in found.items()
            if each not in given
            for value in _values(about, schema) or _open(about, schema)
        )

    return _asked(ctx, ask)


def _joined(words: list[str]) -> list[str]:
    """`a`, `=`, `1` → `a=1`: bash parts words at `=`."""
    joined: list[str] = []
    for word in words:
        if joined and (word == "=" or joined[-1].endswith("=")):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _open(about: Any, schema: dict[str, Any]) -> list[str]:
    """What follows the `=` of a parameter that may be anything: nothing; bash gets a second word that says its type.

    Two words that begin with the same keep bash from putting a space behind the `=`.
    """
    is_bash = any(name.endswith("_COMPLETE") and value == "complete_bash" for name, value in os.environ.items())
    return ["", f"<{wanted(about, schema).split()[0]}>"] if is_bash else [""]


def _values(about: Any, root: dict[str, Any]) -> list[str]:
    """The values that a parameter may have where they are few, else its default."""
    for _ in range(10):
        if not isinstance(about, dict):
            return []
        if "$ref" not in about:
            break
        about = root.get("$defs", {}).get(str(about["$ref"]).rpartition("/")[2], {})
    if "enum" in about or "const" in about:
        return [_word(each) for each in about.get("enum", [about.get("const")])]
    if about.get("type") == "boolean":
        return ["true", "false"]
    inner = [value for each in about.get("anyOf", []) for value in _values(each, root)]
    return inner or ([_word(about["default"])] if about.get("default") is not None else [])


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _jobs(statuses: Iterable[Status] | None) -> Callable[[typer.Context], Words]:
    def found(ctx: typer.Context) -> Words:
        """The newest jobs' ids, of those statuses."""

        def ask(client: Client) -> Iterable[tuple[str, str]]:
            for status in [None] if statuses is None else sorted(each.value for each in statuses):
                for job in itertools.islice(client.list_jobs(status=status, page=_MOST), _MOST):
                    yield job.id, f"{job.task} {job.status} {job.created}"

        return _asked(ctx, ask)

    return found


jobs = _jobs(None)
active_jobs = _jobs(ACTIVE)
ended_jobs = _jobs(ENDED)


def batches(ctx: typer.Context) -> Words:
    """The newest batches' ids."""

    def ask(client: Client) -> Iterable[tuple[str, str]]:
        for each in itertools.islice(client.list_batches(page=_MOST), _MOST):
            yield each.id, f"{each.task or 'several tasks'} {each.total} jobs"

    return _asked(ctx, ask)


def queues(ctx: typer.Context) -> Words:
    """The queues' names."""
    return _asked(ctx, lambda client: ((each["name"], f"{each['submitted']} waiting") for each in client.queues()))


def workers(ctx: typer.Context) -> Words:
    """The ids of the workers that live."""
    return _asked(ctx, lambda client: ((each["id"], each["state"]) for each in client.workers()))


def schedules(ctx: typer.Context) -> Words:
    """The schedules' names."""
    return _asked(ctx, lambda client: ((each["name"], each["task"]) for each in client.list_schedules()))


def own_schedules(ctx: typer.Context) -> Words:
    """The names of the schedules that were made by hand, which can be removed."""
    return _asked(
        ctx, lambda client: ((each["name"], each["task"]) for each in client.list_schedules() if not each["app"])
    )


def datasets(ctx: typer.Context) -> Words:
    """The data sets' names."""
    return _asked(ctx, lambda client: ((each["name"], f"{each['records']:,} records") for each in client.datasets()))


def statuses() -> list[str]:
    """The statuses as a filter takes them."""
    return [each.value.replace(" ", "_") for each in Status]
