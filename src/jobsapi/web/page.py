"""An OpenAPI document as a page to read: no scripts, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined

__all__ = ["POLICY", "example", "render"]

_HERE = resources.files("jobsapi.web")
_STYLE = (_HERE / "docs.css").read_text(encoding="utf-8")
_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
    (_HERE / "docs.html").read_text(encoding="utf-8")
)
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page's Content-Security-Policy: its own style, by its digest, and nothing else."""

_GROUPS = ("jobs", "batches", "tasks", "schedules", "data", "queues", "service")
_BOUNDS = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
    "minLength": "length ≥",
    "maxLength": "length ≤",
    "minItems": "items ≥",
    "maxItems": "items ≤",
    "pattern": "matches",
}
_WIDEST = (-(2**63), 2**64 - 1)
_DEEPEST = 4


def render(document: dict[str, Any], address: str) -> str:
    """The page of that document; `address` is where the API answers, for the examples."""
    schemas = document["components"]["schemas"]
    address += document["servers"][0]["url"].rstrip("/")
    return _TEMPLATE.render(
        info=document["info"],
        style=_STYLE,
        groups=[(name, found) for name in _GROUPS if (found := _group(document, name))],
        tasks=[_task(document, name.removesuffix(".job"), address) for name in schemas if name.endswith(".job")],
        job=_rows(document, schemas["Job"]),
        options=_options(document),
    )


def _group(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if name in operation["tags"]:
                answers = [(status, _resolved(document, answer)) for status, answer in operation["responses"].items()]
                found.append({**operation, "method": method.upper(), "path": path, "answers": answers})
    return found


def _task(document: dict[str, Any], name: str, address: str) -> dict[str, Any]:
    schema = document["components"]["schemas"][f"{name}.params"]
    body = json.dumps({"task": name, "params": example(document, schema)}, ensure_ascii=False)
    return {
        "name": name,
        "summary": document["components"]["schemas"][f"{name}.job"]["description"],
        "rows": _rows(document, schema),
        "is_open": schema.get("additionalProperties") not in (None, False),
        "example": f"curl {shlex.quote(address + '/jobs')} --json {shlex.quote(body)}",
    }


def _options(document: dict[str, Any]) -> list[dict[str, Any]]:
    for name, schema in document["components"]["schemas"].items():
        if name.endswith(".job"):
            return [row for row in _rows(document, schema) if row["name"] not in ("task", "params")]
    return []


def _rows(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    required, rows = schema.get("required", []), []
    for name, each in schema.get("properties", {}).items():
        known = each if isinstance(each, dict) else {}
        rows.append(
            {
                "name": name,
                "kind": _kind(document, each),
                "required": name in required,
                "default": json.dumps(known["default"], ensure_ascii=False) if "default" in known else "",
                "description": known.get("description", ""),
            }
        )
    return rows


def _kind(document: dict[str, Any], schema: Any, depth: int = 0) -> str:
    """What a value may be, in a few words."""
    if not isinstance(schema, dict):
        return "nothing" if schema is False else "any value"
    if depth > _DEEPEST:
        return "…"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema or "enum" in schema:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        return " | ".join(json.dumps(each, ensure_ascii=False) for each in values)
    if several := schema.get("anyOf", schema.get("oneOf")):
        return " | ".join(_kind(document, each, depth + 1) for each in several)
    return _plain_kind(document, schema, depth)


def _plain_kind(document: dict[str, Any], schema: dict[str, Any], depth: int) -> str:
    kinds = schema.get("type", "any value")
    word = " | ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if "array" in word:
        word = word.replace("array", f"array of {_kind(document, schema.get('items', True), depth + 1)}")
    if "format" in schema:
        word += f" ({schema['format']})"
    bounds = [f"{sign} {schema[key]}" for key, sign in _BOUNDS.items() if schema.get(key, _WIDEST[0]) not in _WIDEST]
    return ", ".join([word, *bounds])


def example(document: dict[str, Any], schema: Any, depth: int = 0) -> Any:
    """A small value that a schema of that kind takes; a hint for a person, not checked."""
    schema = _resolved(document, schema) if isinstance(schema, dict) else {}
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("examples", "enum", "anyOf", "oneOf", "allOf"):
        if schema.get(key):
            first = schema[key][0]
            return first if key in ("examples", "enum") else example(document, first, depth)
    kind = schema.get("type")
    kind = next(iter(kind), None) if isinstance(kind, list) else kind
    if kind == "object" and depth <= _DEEPEST:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        return {name: example(document, each, depth + 1) for name, each in properties.items() if name in required}
    if kind == "array" and depth <= _DEEPEST:
        return [example(document, schema.get("items"), depth + 1)]
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), 1) if schema.get("maximum", 1) >= 1 else schema["maximum"]
    return {"string": "text", "boolean": True, "array": [], "object": {}}.get(str(kind))


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference within the document points at; the schema itself where it is none or leads nowhere."""
    for _ in range(10):  # a reference may lead to another, and a foolish schema in a circle
        if not str(schema.get("$ref", "")).startswith("#/"):
            return schema
        found: Any = document
        for step in schema["$ref"][2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                return {}
            found = found[name]
        schema = found if isinstance(found, dict) else {}
    return {}
