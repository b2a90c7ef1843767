"""`docs/reference-routes.md` is what the API says of its routes: their docstrings, and the table of operations.

`python -m tests.contract.test_routes_page` writes it anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobsapi.api import create_app
from jobsapi.options import OPTIONS, schema
from jobsapi.settings import Settings
from jobsapi.web import openapi
from jobsapi.web.common import own_routes
from jobsapi.web.operations import HEADERS, OPERATIONS, PARAMETERS, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "reference-routes.md"

HEAD = """# Routes

What the API answers. The same for programs is `/openapi.json` of a running API, with the parameters of every task that
its workers know; for people `/docs`, and `/help` in plain text.

A request that is refused records nothing, and is answered with a problem document (RFC 9457,
`application/problem+json`): `type` names the fault and stays the same, `errors` is a list of `{"pointer", "detail"}`
where a field is at fault. Times are RFC 3339 in UTC. A name such as `Job` is a schema of `/openapi.json`. Where the API
[asks for a token](security.md), it comes as `Authorization: Bearer TOKEN`.
"""

_ORDER = ("jobs", "batches", "data", "tasks", "schedules", "queues", "service")
_TITLES = {"queues": "Queues and workers", "service": "The service itself"}


def _routes() -> Iterator[tuple[str, str, str]]:
    app = create_app(Settings())
    with app.test_request_context("/help"):
        yield from own_routes()[1]


def _described(name: str) -> str:
    told = PARAMETERS[name]
    kind = told["schema"]
    wire = "FIELD…" if name == "fields" else told["name"]
    default = f" Default: `{kind['default']}`." if "default" in kind else ""
    return f"| {'header ' if told['in'] == 'header' else ''}`{wire}` | {told['description']}{default} |"


def _kinds(operation: Operation) -> str:
    found = []
    for status, kind in operation.answers.items():
        also = f" or `{operation.also[status]}`" if status in operation.also else ""
        named = operation.headers.get(status, ())
        headers = f", with {' and '.join(f'`{name}`' for name in named)}" if named else ""
        body = "" if not kind else " the output" if kind == "*/*" else f" `{kind}`"
        found.append(f"{status}{body}{also}{headers}")
    return "; ".join(found)


def _told(method: str, path: str, summary: str) -> Iterator[str]:
    operation = OPERATIONS.get((method, path), Operation({200: ""}))
    yield from [f"### `{method} {path}`", "", summary, ""]
    if operation.parameters:
        yield from ["| parameter | what it says |", "| --- | --- |", *map(_described, operation.parameters), ""]
    if operation.body:
        body = openapi._BODIES[operation.body]()
        taken = ", ".join(f"`{kind}`" for kind in body["content"])
        yield from [f"Body: {taken}. {body.get('description', '')}".rstrip(), ""]
    refused = "".join(f", {status}" for status in operation.refusals)
    yield from [f"Answers {_kinds(operation)}{f'. Refuses with {refused[2:]}' if refused else ''}.", ""]


def _options() -> Iterator[str]:
    yield from ["## The options of a job", "", "Beside `task` and `params`, in one job or in each of a list.", ""]
    yield from ["| option | takes | what it does |", "| --- | --- | --- |"]
    for name, told in schema().items():
        yield f"| `{name}` | {_taken(told)} | {told.get('description', '').replace('|', chr(92) + '|')} |"
    yield ""


def _taken(told: dict[str, Any]) -> str:
    kinds = told.get("type", "any")
    words = " or ".join(kinds) if isinstance(kinds, list) else kinds
    if "enum" in told:
        return " or ".join(f"`{each}`" for each in told["enum"])
    least, most = (told.get(key) for key in ("minimum", "maximum"))
    return words + (f", {least:g} … {most:g}" if least is not None and most is not None else "")


def _errors() -> Iterator[str]:
    yield from ["## What a problem's `type` can be", ""]
    yield from ["`urn:jobsapi:problem:` and one of these.", "", "| status | `type` | it means |", "| --- | --- | --- |"]
    for status, codes in sorted(openapi._codes().items()):
        for code, title in codes:
            yield f"| {status} | `{code}` | {title} |"
    yield ""


def page() -> str:
    """The page, as the routes are now."""
    grouped: dict[str, list[str]] = {name: [] for name in _ORDER}
    for method, path, summary in sorted(_routes(), key=lambda route: (route[1].split("/")[1] not in _ORDER, route[1])):
        group = openapi._GROUPS.get(path.split("/")[1], "service")
        grouped[group].extend(_told(method, path, summary))
    lines = [line for name in _ORDER for line in [f"## {_TITLES.get(name, name.title())}", "", *grouped[name]]]
    lines += _options()
    lines += ["## Headers of replies", "", "| header | what it says |", "| --- | --- |"]
    lines += [*(f"| `{name}` | {told} |" for name, told in HEADERS.items()), "", *_errors()]
    return "\n".join([HEAD, *lines]).rstrip() + "\n"


def test_the_page_of_routes_is_what_the_routes_say():
    assert PAGE.read_text() == page(), "`make docs` writes it anew"


def test_every_option_of_a_job_is_on_the_page():
    text = PAGE.read_text()
    assert not [name for name in OPTIONS if f"| `{name}` |" not in text]


if __name__ == "__main__":
    PAGE.write_text(page())
