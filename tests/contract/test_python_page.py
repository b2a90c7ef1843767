"""`docs/reference-python.md` is what the public names say of themselves: their signatures and docstrings.

`python -m tests.contract.test_python_page` writes it anew.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobsapi import jobs, tasks
from jobsapi.caching import Caching
from jobsapi.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "reference-python.md"

HEAD = """# Python

The public names, as their docstrings say. `jobsapi.jobs`, `jobsapi.data` and `jobsapi.schedules` use the server itself
(`REDIS_URL`, or the embedded one of the working folder); `jobsapi.Client` has the same verbs over HTTP, for programs
that have an address and no server. Their errors are the same, in `jobsapi.errors`.

`store`, which many functions take, is a connection that `jobsapi.store.connect()` made; without it they use the one
that the [settings](reference-settings.md) name. The options of a job are on the page of [routes](reference-routes.md).
"""

ENGINE = {
    *("MOST_AT_ONCE", "Claim", "abandoned_batches", "admit_jobs", "append_log", "claim_jobs", "complete_job"),
    *("count_ended", "expire_jobs", "expired_leases", "fail_job", "get_record", "get_records", "look_over"),
    *("lose_job", "move_jobs", "promote_jobs", "prune_jobs", "release_job", "renew_jobs", "report_progress"),
    *("resolve_jobs", "submit_jobs", "tidy_lists", "with_results"),
}
"""What `jobsapi.jobs` offers to workers and the API alone; `docs/architecture.md` tells of it."""

_WITHIN = {
    "jobsapi.schedules": {"add_schedule", "get_schedule", "list_schedules", "remove_schedule"},
    "jobsapi.client": {"AsyncHandle", "AsyncHandles", "Event", "File", "Image", "JobHandle", "JobHandles"},
}
_SECTIONS = (
    ("jobsapi", "What a file of tasks imports."),
    ("jobsapi.jobs", "Jobs, in the server itself."),
    ("jobsapi.data", "Data sets; [their page](data.md) says what is promised."),
    ("jobsapi.schedules", "Jobs that are submitted again and again."),
    ("jobsapi.client", "What a client gives; [its page](python-client.md) shows how it is used."),
    ("jobsapi.testing", ""),
    ("jobsapi.classic", ""),
    ("jobsapi.errors", "One tree of errors; each has a `code`, a `detail` and an HTTP status."),
)


def _names(module: Any) -> list[str]:
    names = [each for each in module.__all__ if not each.startswith("__")]
    if module is jobs:
        names = [each for each in names if each not in ENGINE]
    return [each for each in names if each in _WITHIN.get(module.__name__, names)]


def _arguments(node: ast.arguments) -> Iterator[str]:
    """Each argument as it is written, without `self`."""
    plain = [*node.posonlyargs, *node.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(node.defaults)) + node.defaults
    for place, (each, default) in enumerate(zip(plain, defaults, strict=True)):
        if each.arg not in {"self", "cls"}:
            yield _argument(each, default)
        if node.posonlyargs and place == len(node.posonlyargs) - 1:
            yield "/"
    if node.vararg or node.kwonlyargs:
        yield f"*{_argument(node.vararg, None) if node.vararg else ''}"
    for each, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        yield _argument(each, default)
    if node.kwarg:
        yield f"**{_argument(node.kwarg, None)}"


def _argument(each: ast.arg, default: ast.expr | None) -> str:
    hint = f": {ast.unparse(each.annotation)}" if each.annotation else ""
    equals = " = " if hint else "="
    return f"{each.arg}{hint}{equals + ast.unparse(default) if default else ''}"


def _signature(function: Any, name: str) -> str:
    node: Any = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    arguments = list(_arguments(node.args))
    returns = f" -> {ast.unparse(node.returns)}" if node.returns and name[0].islower() else ""
    line = f"{name}({', '.join(arguments)}){returns}"
    return line if len(line) <= 110 else "\n".join([f"{name}(", *(f"    {each}," for each in arguments), f"){returns}"])


def _text(value: Any) -> str:
    return re.sub(r"(?m)^(?=#)", r"\\", inspect.getdoc(value) or "")


def _attributes(kind: type) -> Iterator[str]:
    """The class's documented attributes: an assignment with a string below it, in the class or in its `__init__`."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(kind)))):
        body = getattr(node, "body", None)
        for each, after in itertools.pairwise(body) if isinstance(body, list) else ():
            if isinstance(each, ast.AnnAssign | ast.Assign) and isinstance(after, ast.Expr):
                told = ast.literal_eval(after.value) if isinstance(after.value, ast.Constant) else None
                target = each.target if isinstance(each, ast.AnnAssign) else each.targets[0]
                name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "_")
                hint = f": {ast.unparse(each.annotation)}" if isinstance(each, ast.AnnAssign) else ""
                if isinstance(told, str) and not name.startswith("_"):
                    yield f"- `{name}{hint}`: {told}"


def _members(kind: type) -> Iterator[str]:
    for name, value in vars(kind).items():
        if name.startswith("_") or name in _UNTOLD:
            continue
        if isinstance(value, property):
            yield f"- `{name}`: {' '.join(_text(value).split())}"
        elif inspect.isfunction(value):
            prefix = "async " if inspect.iscoroutinefunction(value) else ""
            yield f"\n```text\n{prefix}{_signature(value, name)}\n```\n\n{_text(value)}\n"


def _fixture(value: Any) -> Any:
    """The function behind a pytest fixture; None for anything else."""
    return getattr(value, "_fixture_function", None)


_TASK_OPTIONS = {
    "What `@task(…)` takes (`Options`)": tasks.Options,
    "The limits among them (`limits.Limits`)": Limits,
    "The cache (`caching.Caching`; [its page](cache.md))": Caching,
}

_UNTOLD = {
    *("ask_to_stop", "raise_if_asked_to_stop", "tell_progress", "keep_printed", "tell_printed"),
    *("is_asked_to_stop", "has_seen_stop", "has_told"),
}
"""Of `CurrentJob`: what the runner calls."""


def _class(name: str, kind: type) -> Iterator[str]:
    yield from [f"### `{name}`", "", _text(kind), ""]
    if issubclass(kind, BaseException):
        return
    init = vars(kind).get("__init__")
    if inspect.isfunction(init) and init.__doc__:
        yield from ["```text", _signature(init, name), "```", "", _text(init), ""]
    if attributes := [each for each in _attributes(kind) if re.split("[:`]", each)[1] not in _UNTOLD]:
        yield from [*attributes, ""]
    yield from [*_members(kind), ""]


def _entry(name: str, value: Any) -> Iterator[str]:
    if inspect.isclass(value):
        yield from _class(name, value)
    elif inspect.isfunction(value):
        yield from [
            f"### `{name}`",
            "",
            "```text",
            _signature(inspect.unwrap(value), name),
            "```",
            "",
            _text(value),
            "",
        ]
        if value is tasks.task:
            for title, kind in _TASK_OPTIONS.items():
                yield from [f"{title}:", "", *_attributes(kind), ""]
    elif (function := _fixture(value)) is not None:
        yield from [f"### `{name}`", "", "A fixture.", "", _text(function), ""]
    else:
        yield from [f"### `{name}`", "", _text(type(value)) if not isinstance(value, str | int | tuple) else "", ""]


def _errors() -> Iterator[str]:
    module = importlib.import_module("jobsapi.errors")
    yield from ["| error | status | it means |", "| --- | --- | --- |"]
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) and issubclass(value, Exception):
            first = " ".join(_text(value).partition("\n\n")[0].split())
            yield f"| `{name}` | {value.http_status} | {first} |"
    yield ""


def page() -> str:
    """The page, as the names are now."""
    lines = [HEAD]
    for name, about in _SECTIONS:
        module = importlib.import_module(name)
        lines += [f"## `{name}`", "", about or _text(module), ""]
        if name == "jobsapi.errors":
            lines += _errors()
            continue
        for public in _names(module):
            lines += _entry(public, getattr(module, public))
        if name == "jobsapi":
            lines += _class("CurrentJob", importlib.import_module("jobsapi.runner.current").CurrentJob)
    text = "\n".join(line.rstrip() for line in "\n".join(lines).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def test_the_page_of_python_is_what_the_docstrings_say():
    assert PAGE.read_text() == page(), "`make docs` writes it anew"


def test_what_is_left_out_of_the_page_is_there_to_be_left_out():
    assert set(jobs.__all__) >= ENGINE


if __name__ == "__main__":
    PAGE.write_text(page())
