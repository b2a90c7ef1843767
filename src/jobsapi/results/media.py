"""What a job's function returned or saved → its outputs; runs in the child, knows no store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jobsapi.errors import FieldError, Invalid
from jobsapi.results.jsontext import NotJson, to_json
from jobsapi.results.kinds import encoder_of
from jobsapi.results.output import JSON_TYPE, Output, Spool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Output", "encode", "encode_named"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")  # no dot in front: `..` means something in an address
_MOST_NAMES = 1000
_REST = "result"

_WHAT_WORKS = (
    "Return a JSON value (numbers, text, dates, lists, dicts, numpy arrays, dataclasses, pydantic models), bytes, "
    "the pathlib.Path of a file that the job wrote, a matplotlib Figure, a PIL image, a pandas or polars frame, "
    "or a dict of these by name."
)


def encode(value: Any, saved: Mapping[str, Any], folder: Path, *, max_result: int) -> list[Output]:
    """The outputs of a job whose function returned `value` and saved `saved`.

    One plain output, named "", or named ones: for a dict in which some value is a file, an image or a frame, and
    whenever something was saved. A returned dict's entries stand beside the saved ones and win where both have a
    name; any other value but None stands there as `result`. Values of `saved` may be outputs already
    (`encode_named`). Outputs above 64 KiB are files in `folder`; files that the job wrote are copied there.

    Raises Invalid for a value without a media type (the message says what would work) and TooLarge where all
    outputs together have more than `max_result` bytes.
    """
    spool = Spool(folder, max_result)
    if not saved and not _has_files(value):
        return [_output("", value, spool)]
    values = dict(saved) | _as_named(value)
    if len(values) > _MOST_NAMES:
        raise Invalid(f"The job has {len(values)} named outputs; there may be {_MOST_NAMES}.")
    return [_output(_checked(name), each, spool) for name, each in values.items()]


def encode_named(name: str, value: Any, folder: Path, *, max_result: int) -> Output:
    """The one output for `job.save(name, value)`, made at once, so that later changes to `value` do not matter.

    Raises what `encode` does, and Invalid for a name that is not fit.
    """
    return _output(_checked(name), value, Spool(folder, max_result))


def _has_files(value: Any) -> bool:
    return isinstance(value, dict) and any(encoder_of(each) for each in value.values())


def _as_named(value: Any) -> dict[Any, Any]:
    if value is None:
        return {}
    if _has_files(value):
        return dict(value)
    if isinstance(value, dict) and len(value) <= _MOST_NAMES and all(_is_fit(name) for name in value):
        return dict(value)
    return {_REST: value}  # also a JSON object whose keys cannot be names: no reason to lose the job's work


def _is_fit(name: Any) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _checked(name: Any) -> str:
    if not _is_fit(name):
        raise Invalid(
            f"{name!r} cannot be the name of an output: names have 1 to 100 letters, digits, '_', '.' or '-', and "
            "do not start with '.' or '-'."
        )
    return str(name)


def _output(name: str, value: Any, spool: Spool) -> Output:
    if isinstance(value, Output):
        spool.charge(value.size)
        return value
    encoder = encoder_of(value)
    if encoder is not None:
        return encoder(name, value, spool)
    try:
        return spool.from_bytes(name, JSON_TYPE, to_json(value))
    except NotJson as problem:
        pointer = (f"/{name}" if name else "") + problem.pointer
        where = f" (at {pointer})" if pointer else ""
        detail = f"The result has no media type: it is {problem.what}{where}. {_WHAT_WORKS}"
        raise Invalid(detail, errors=[FieldError(pointer, problem.what)]) from problem
