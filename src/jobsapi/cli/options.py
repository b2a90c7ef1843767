"""The options of a job as flags of `submit`: each option brings its own."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobsapi.cli.params import value
from jobsapi.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["given", "takes_options"]

_METAVARS = {"integer": "N", "number": "N", "string": "NAME", "array": "WORD"}


def takes_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command a flag for every option of a job in place of its `**options`, which `given` then reads."""
    signature = inspect.signature(command, eval_str=True)
    own = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*own, *(_flag(name, option.schema) for name, option in OPTIONS.items())]
    )
    return command


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, each as its schema wants it; what does not fit is left for the API to refuse."""
    found = {}
    for name, text in options.items():
        if isinstance(text, list):
            found[name] = text
        elif text is not None:
            found[name] = value(text, OPTIONS[name].schema)
    return found


def _flag(name: str, schema: Mapping[str, Any]) -> inspect.Parameter:
    is_list = schema.get("type") == "array"
    flag = "--" + (name.removesuffix("s") if is_list else name).replace("_", "-")
    about = schema.get("description", "") + (" Again for more." if is_list else "")
    option = typer.Option(flag, metavar=_METAVARS.get(str(schema.get("type")), "JSON"), help=about)
    kind = Annotated[list[str] | None if is_list else str | None, option]  # type: ignore[valid-type]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
