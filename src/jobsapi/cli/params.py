"""`k=v` → parameters, as the task's schema wants them."""

from __future__ import annotations

import json
from typing import Any

from jobsapi.errors import Invalid

__all__ = ["pairs", "parsed", "swept", "value"]

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
