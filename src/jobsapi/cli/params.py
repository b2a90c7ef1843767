"""`k=v` → parameters, as the task's schema wants them."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from jobsapi.errors import Invalid
from jobsapi.fit import NO_PARAMETER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobsapi.errors import FieldError

__all__ = ["check", "pairs", "parsed", "swept", "value", "wanted"]

_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
_ALL = frozenset({*_NAMES.values(), "null"})
_DEEPEST = 20


def pairs(words: list[str], what: str = "a parameter") -> dict[str, str]:
    """`k=v` texts by name. Raises Invalid for a word without `=` and for a name that is given twice."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise Invalid(f"{word!r} is not {what}: it is written NAME=VALUE.")
        if name in found:
            raise Invalid(f"{name!r} is given twice; a list is one value in JSON: {name}='[1, 2]'.")
        found[name] = text
    return found


def parsed(words: list[str], schema: dict[str, Any]) -> dict[str, Any]:
    """The parameters of `k=v` words: texts stay texts where the schema wants a text, and are JSON elsewhere.

    What fits neither is sent as it is, so that the API says what it expected.
    """
    properties = schema.get("properties", {})
    free = schema.get("additionalProperties", True)
    return {name: value(text, properties.get(name, free), schema) for name, text in pairs(words).items()}


def swept(words: list[str], schema: dict[str, Any]) -> dict[str, list[Any]]:
    """The lists of values of `k=v,v` words: a JSON list, or what stands between commas, each as the schema wants it."""
    properties = schema.get("properties", {})
    free = schema.get("additionalProperties", True)
    found: dict[str, list[Any]] = {}
    for name, text in pairs(words, "a sweep").items():
        listed = value(text, {"type": "array"}) if text.startswith("[") else text
        each = properties.get(name, free)
        found[name] = listed if isinstance(listed, list) else [value(part, each, schema) for part in text.split(",")]
    return found


def check(params: Mapping[str, Any], task: Mapping[str, Any], given: Iterable[str] = ()) -> None:
    """Whether they fit the task's schema, as the API will look at it. Raises Invalid, which tells every fault.

    `task`: as the API describes it. `given`: parameters whose values stand elsewhere.
    """
    from jobsapi.fit import mismatches

    schema = task["schema"]
    faults = mismatches(task["digest"], lambda: schema, dict(params), "")
    named = [_fault(each, schema) for each in faults if each.pointer.removeprefix("/") not in given]
    if named:
        raise Invalid(f"{'; '.join(named[:5])}. `jobsapi tasks {task['name']}` shows what it takes.")


def _fault(fault: FieldError, schema: Mapping[str, Any]) -> str:
    """What is wrong with a parameter, named as it is on the command line."""
    name = fault.pointer.removeprefix("/").replace("~1", "/").replace("~0", "~")
    if fault.detail == NO_PARAMETER:
        near = get_close_matches(name, schema.get("properties", {}), 1)
        return f"{name} {NO_PARAMETER}" + (f" (did you mean {near[0]}?)" if near else "")
    return f"{name} {fault.detail}" if fault.detail.startswith("is ") else f"{name}: {fault.detail.rstrip('.')}"


def value(text: str, schema: Any, root: dict[str, Any] | None = None) -> Any:
    """A text as that schema wants it; `root` holds what the schema refers to."""
    kinds = _kinds(schema, root or {})
    if kinds == {"string"}:
        return text
    try:
        read = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        read = {"true": True, "false": False}.get(text.lower(), text) if "boolean" in kinds else text
    kind = "null" if read is None else _NAMES[type(read)]
    is_fit = kind in kinds or (kind == "integer" and "number" in kinds)
    return text if "string" in kinds and not is_fit else read


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _kinds(schema: Any, root: dict[str, Any], depth: int = 0) -> frozenset[str]:
    """The JSON types that a schema lets through, as far as it says so."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return _ALL
    if "$ref" in schema:
        return _kinds(root.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2]), root, depth + 1)
    if "type" in schema:
        kinds = schema["type"]
        return frozenset(kinds if isinstance(kinds, list) else [kinds])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return frozenset().union(*(_kinds(each, root, depth + 1) for each in schema[key]))
    if "allOf" in schema:
        return _ALL.intersection(*(_kinds(each, root, depth + 1) for each in schema["allOf"]))
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return frozenset("null" if each is None else _NAMES[type(each)] for each in values) or _ALL


_BOUNDS = {"minimum": ">= {}", "exclusiveMinimum": "> {}", "maximum": "<= {}", "exclusiveMaximum": "< {}"}
_BOUNDS |= {"minLength": "at least {} characters", "maxLength": "at most {} characters"}
_BOUNDS |= {"minItems": "at least {} items", "maxItems": "at most {} items", "pattern": "/{}/", "format": "{}"}


def wanted(schema: Any, root: dict[str, Any], depth: int = 0) -> str:
    """What a schema wants, in short: `integer >= 1`, `"fast" | "slow"`, `list of number`."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return "any"
    if "$ref" in schema:
        return wanted(root.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2]), root, depth + 1)
    if "enum" in schema or "const" in schema:
        return " | ".join(json.dumps(each, ensure_ascii=False) for each in schema.get("enum", [schema.get("const")]))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(wanted(each, root, depth + 1) for each in schema[key]))
    kinds = schema.get("type", "any")
    kind = kinds if isinstance(kinds, str) else " | ".join(kinds)
    if kind == "array":
        inner = wanted(schema["items"], root, depth + 1) if "items" in schema else "any"
        kind = f"list of {inner}"
    elif kind == "object" and schema.get("properties"):
        kind = "{" + ", ".join(schema["properties"]) + "}"
    bounds = [text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema]
    return " ".join([kind, ", ".join(bounds)]).strip()
