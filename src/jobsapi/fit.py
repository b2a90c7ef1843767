"""Whether parameters fit a task's JSON Schema, and where not: the check of HTTP and of Python alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from jobsapi.errors import FieldError

__all__ = ["NO_PARAMETER", "bounded", "digest_of", "escaped", "mismatches"]

NO_PARAMETER = "is not a parameter"
"""What is told of a name that the schema does not have."""


def digest_of(schema: Mapping[str, Any]) -> str:
    """16 hex digits that name a schema, whatever the order of its keys."""
    return hashlib.sha256(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def mismatches(
    digest: str, schema: Callable[[], Mapping[str, Any]], params: Any, base: str, *, first_only: bool = False
) -> list[FieldError]:
    """Where `params` does not fit the schema of that digest; pointers start with `base`. Empty: it fits.

    `schema` is only called for a digest that this process has not compiled yet. `first_only`: stop at the first
    fault, since finding all of them takes seconds for a long list in which every item is wrong.
    """
    validator = _compiled.get(digest)
    if validator is None:
        import jsonschema_rs

        validator = jsonschema_rs.Draft202012Validator(bounded(schema()))
        if len(_compiled) >= _MOST_COMPILED:
            _compiled.pop(next(iter(_compiled)))
        _compiled[digest] = validator
    if validator.is_valid(params):
        return []
    problems = [_first_problem(validator, params)] if first_only else validator.iter_errors(params)
    return [fault for problem in problems for fault in _faults(problem, base)]


def _first_problem(validator: Any, params: Any) -> Any:
    try:
        validator.validate(params)
    except ValueError as problem:  # what jsonschema_rs.ValidationError is
        return problem
    raise AssertionError("parameters that are not valid have a fault")


_compiled: dict[str, Any] = {}
_MOST_COMPILED = 1000


def _faults(problem: Any, base: str) -> list[FieldError]:
    pointer = base + "".join(f"/{escaped(str(step))}" for step in problem.instance_path)
    kind = type(problem.kind).__name__
    if kind == "AdditionalProperties":
        return [FieldError(f"{pointer}/{escaped(name)}", NO_PARAMETER) for name in problem.kind.unexpected]
    if kind == "Required":
        return [FieldError(f"{pointer}/{escaped(problem.kind.property)}", "is required")]
    return [FieldError(pointer, problem.message[:500])]


def escaped(step: str) -> str:
    """A step of a JSON pointer (RFC 6901)."""
    return step.replace("~", "~0").replace("/", "~1")


def bounded(schema: Any) -> Any:
    """The schema with every integer held to 64 bits: JSON readers disagree about anything larger."""
    if isinstance(schema, list):
        return [bounded(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    held = {key: bounded(value) for key, value in schema.items()}
    if held.get("type") == "integer":
        held.setdefault("minimum", -(2**63))
        held.setdefault("maximum", 2**64 - 1)
    return held
