"""What `serve` tells once its tasks can be used: what runs where, and what to try."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from jobsapi.cli.base import write
from jobsapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["announce", "signature"]


def announce(settings: Settings, tasks: Sequence[dict[str, Any]]) -> None:
    """Print it; `tasks` as published, each with its schema."""
    url = settings.local_url
    server = settings.server_place or f"embedded, its files in {settings.folder.absolute()}"
    named = [f"{each['name']}  {signature(each['schema'])}".rstrip() for each in tasks]
    lines = [
        f"The API is at {url}, its description at {url}/docs. Ctrl-C stops everything.",
        "",
        *(f"  {'task' if i == 0 else '':<8}{each}" for i, each in enumerate(named)),
        f"  {'server':<8}{server}",
    ]
    if tasks:
        lines += ["", "In another terminal:", "", *(f"  {line}" for line in _to_try(settings, tasks))]
    write("\n".join([*lines, ""]))


def _to_try(settings: Settings, tasks: Sequence[dict[str, Any]]) -> list[str]:
    from jobsapi.web.access import asks_token
    from jobsapi.web.page import example

    url = settings.local_url
    curl = "curl" + (' -H "Authorization: Bearer $JOBSAPI_TOKEN"' if asks_token(settings) else "")
    default = next((each for each in tasks if each["default"] or len(tasks) == 1), None)
    chosen = default or tasks[0]
    params = example(chosen["schema"], chosen["schema"])
    body = params if default else {"task": chosen["name"], "params": params}
    words = [f"{name}={each if isinstance(each, str) else json.dumps(each)}" for name, each in params.items()]
    port = [] if settings.port == Settings.port else ["--port", str(settings.port)]
    return [
        f"{curl} {url}/jobs -d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
        f"{curl} {url}/jobs/ID            # the id that was answered",
        f"{curl} {url}/jobs/ID/results",
        shlex.join(["jobsapi", "submit", chosen["name"], *words, "--wait", *port]),
    ]


def signature(schema: dict[str, Any]) -> str:
    """A task's parameters in short: `start end [step]`."""
    required = schema.get("required", [])
    names = [name if name in required else f"[{name}]" for name in schema.get("properties", {})]
    return " ".join(names + ([] if schema.get("additionalProperties") is False else ["…"]))
