"""/openapi.json and /docs: every route, and every published task with its own parameters."""

from __future__ import annotations

import hashlib
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from jobsapi import errors, options, registry
from jobsapi.fit import bounded
from jobsapi.jobs import MOST_AT_ONCE
from jobsapi.names import ID_PATTERN
from jobsapi.timing import MISSES
from jobsapi.web import page
from jobsapi.web.access import asks_token
from jobsapi.web.common import own_routes, reply, the_settings, the_store
from jobsapi.web.operations import HEADERS, OPERATIONS, PARAMETERS, Operation
from jobsapi.web.schemas import NAME, SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobsapi.registry import TaskDescription
    from jobsapi.store import Store

__all__ = ["blueprint"]

blueprint = Blueprint("openapi", __name__)

_PROBLEM = "application/problem+json"
_DATA_KEYWORDS = {"const", "default", "enum", "examples", "example"}
_MAPS_OF_SCHEMAS = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """This API as an OpenAPI 3.1 document, with every task's own parameters."""
    answer = reply(_document())
    answer.set_etag(hashlib.blake2b(answer.get_data(), digest_size=12).hexdigest())
    answer.headers["Cache-Control"] = "no-cache"
    answer.make_conditional(request)
    return answer


@blueprint.get("/docs")
def docs() -> Response:
    """The routes, the tasks and their parameters on a page to read."""
    answer = Response(page.render(_document(), request.host_url.rstrip("/")), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = page.POLICY
    return answer


def _document() -> dict[str, Any]:
    store = the_store()
    known = registry.published(store)
    by_token = asks_token(the_settings())
    mount, routes = own_routes()
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary in routes:
        described = OPERATIONS.get((method, path), Operation({200: ""}))
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, summary, described, by_token=by_token)
    components: dict[str, Any] = {"schemas": {**SCHEMAS, **_task_schemas(store, known)}}
    components["schemas"]["JobRequest"] = _job_request(store, known)
    sweeps = [{"$ref": f"#/components/schemas/{name}.sweep"} for name in known]
    components["schemas"]["SweepRequest"] = {"anyOf": sweeps} if sweeps else {"required": ["task", "sweep"]}
    components["schemas"]["ScheduleRequest"] = _schedule_request(known, components["schemas"])
    components["responses"] = {f"Problem{status}": _problem(status, codes) for status, codes in _codes().items()}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "jobsapi", "version": metadata.version("jobsapi"), "summary": "Long-running work over HTTP."},
        "servers": [{"url": (request.script_root + mount) or "/"}],
        "paths": paths,
        "components": components,
    }
    if by_token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    return document


_GROUPS = {name: name for name in ("jobs", "batches", "data", "tasks", "schedules", "queues")}
_GROUPS |= {"results": "jobs", "download": "jobs", "datasets": "data", "workers": "queues"}

# --- Routes ---------------------------------------------------------------------------------------------------------


def _operation(method: str, path: str, summary: str, described: Operation, *, by_token: bool) -> dict[str, Any]:
    is_open = path in ("/healthz", "/readyz") or path.startswith("/ui/")
    refusals = {*described.refusals, *([503] if described.needs_store else []), *([] if by_token else [403])}
    if by_token and not is_open:
        refusals.add(401)
    responses: dict[str, Any] = {str(status): _answer(status, described) for status in described.answers}
    responses |= {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(refusals)}
    in_path = [_path_parameter(path, name) for name in re.findall(r"\{(\w+)\}", path)]
    made: dict[str, Any] = {
        "operationId": f"{method.lower()}{re.sub(r'[^A-Za-z]+', '_', path).rstrip('_') or '_home'}",
        "tags": [_GROUPS.get(path.split("/")[1], "service")],
        "summary": summary,
        "parameters": in_path + [PARAMETERS[name] for name in described.parameters],
        "responses": responses,
    }
    if described.body:
        made["requestBody"] = _BODIES[described.body]()
    if by_token and is_open:
        made["security"] = []
    return made


def _path_parameter(path: str, name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    if name == "batch" or (name == "id" and not path.startswith("/data")):
        schema = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
    elif path.startswith(("/queues", "/tasks", "/schedules", "/datasets")):
        schema = NAME
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _answer(status: int, described: Operation) -> dict[str, Any]:
    kind = described.answers[status]
    made: dict[str, Any] = {"description": _MEANINGS[status]}
    if kind in SCHEMAS:
        made["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind}"}}}
    elif kind:
        made["content"] = {kind: {}}
    if also := described.also.get(status):
        made["content"][also] = {}
    if names := described.headers.get(status):
        made["headers"] = {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in names}
    return made


_MEANINGS = {
    200: "Here it is.",
    201: "Loaded.",
    202: "Recorded; a worker will run it.",
    204: "Nothing more will come: the job has ended, and the reader has all of it.",
    206: "The part that was asked for.",
    304: "Nothing has changed.",
}


def _codes() -> dict[int, list[tuple[str, str]]]:
    """Status → (code, title) of the errors that have it."""
    found: dict[int, list[tuple[str, str]]] = {416: [("requested-range-not-satisfiable", "Behind the output's end")]}
    for each in (getattr(errors, name) for name in errors.__all__):
        if isinstance(each, type) and issubclass(each, errors.JobsApiError) and each.http_status != 500:
            found.setdefault(each.http_status, []).append((each.code, each.title))
    return found


def _problem(status: int, codes: list[tuple[str, str]]) -> dict[str, Any]:
    meanings = "; ".join(f"{title} (`{code}`)" for code, title in codes)
    made: dict[str, Any] = {
        "description": f"{meanings}.",
        "content": {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status == 503:
        made["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}, "required": True}}
    return made


# --- Bodies and tasks -----------------------------------------------------------------------------------------------


def _jobs_body() -> dict[str, Any]:
    one, sweep = ({"$ref": f"#/components/schemas/{name}"} for name in ("JobRequest", "SweepRequest"))
    many = {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_AT_ONCE}
    lines = {"type": "string", "description": "One job on each line."}
    return {
        "required": True,
        "description": "One job, or up to 10,000 that are accepted as a whole: a list, or a sweep, which is a job for "
        "every combination of values. JSON is read whatever its media type.",
        "content": {
            "application/json": {"schema": {"anyOf": [one, sweep, many]}},
            "application/x-ndjson": {"schema": lines},
        },
    }


def _data_body() -> dict[str, Any]:
    records = {"type": "array", "items": {"$ref": "#/components/schemas/NewRecord"}}
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "required": ["file"], "properties": {"file": file}, "additionalProperties": False}
    return {
        "required": True,
        "description": "Records, packed by gzip or not; where the media type says nothing, the first bytes do. JSON "
        "may be a document, too, that holds one list of objects.",
        "content": {
            "application/json": {"schema": records},
            "application/x-ndjson": {},
            "text/csv": {},
            "multipart/form-data": {"schema": form},
        },
    }


def _schedule_body() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ScheduleRequest"}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


_BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "jobs": _jobs_body,
    "data": _data_body,
    "schedule": _schedule_body,
}


def _task_schemas(store: Store, known: Mapping[str, TaskDescription]) -> dict[str, Any]:
    """`NAME.params`, `NAME.job` and `NAME.sweep` of every task."""
    made: dict[str, Any] = {}
    for name, task in known.items():
        params = bounded(registry.schema_of(store, task["digest"]))
        made[f"{name}.params"] = _moved(params, f"#/components/schemas/{name}.params")
        made[f"{name}.job"] = {
            "type": "object",
            "title": name,
            "description": task["summary"],
            "required": ["task", "params"] if params.get("required") else ["task"],
            "properties": {
                "task": {"const": name},
                "params": {"$ref": f"#/components/schemas/{name}.params"},
                **{option: _or_null(schema) for option, schema in options.schema().items()},
            },
            "not": _BOTH_TIMES,
            "additionalProperties": False,
        }
        made[f"{name}.sweep"] = _sweep(made[f"{name}.job"], made[f"{name}.params"])
    return made


def _sweep(job: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """A sweep of a job's task; that every parameter stands in one place, and the required ones do, no schema tells."""
    values = {"type": "array", "minItems": 1}
    others = params.get("additionalProperties", True)
    lists = {name: {**values, "items": schema} for name, schema in params.get("properties", {}).items()}
    sweep = {"type": "object", "minProperties": 1, "properties": lists, "additionalProperties": others and values}
    common = {"type": "object", "properties": params.get("properties", {}), "additionalProperties": others}
    own = {"task": job["properties"]["task"], "sweep": sweep, "params": common}
    options = {name: schema for name, schema in job["properties"].items() if name != "key"}
    return {**job, "title": f"A sweep of {job['title']}", "required": ["task", "sweep"], "properties": options | own}


_BOTH_TIMES = {
    "properties": {"delay": {"type": "number"}, "run_at": {"type": "string"}},
    "required": ["delay", "run_at"],
}


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same where null is understood too: the option is not given."""
    kinds = schema["type"]
    made = {**schema, "type": [*(kinds if isinstance(kinds, list) else [kinds]), "null"]}
    return made | {"enum": [*schema["enum"], None]} if "enum" in schema else made


def _job_request(store: Store, known: Mapping[str, TaskDescription]) -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [{"$ref": f"#/components/schemas/{name}.job"} for name in known]
    if default := registry.default_task(store):
        bare = {"$ref": f"#/components/schemas/{default['name']}.params"}
        title = f"The parameters of {default['name']} alone, the default task"
        kinds.append({"allOf": [bare], "not": {"required": ["task"]}, "title": title})
    if not kinds:
        return {"type": "object", "required": ["task"], "description": "No worker has told of its tasks yet."}
    return {"anyOf": kinds}


def _schedule_request(known: Mapping[str, TaskDescription], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """A job of any task, with a name and with times."""
    times: dict[str, Any] = {
        "name": NAME,
        "every": {"type": ["number", "null"], "minimum": 0.1, "maximum": 1e8, "description": "Seconds; or `cron`."},
        "cron": {"type": ["string", "null"], "description": "A cron expression, in `timezone`; or `every`."},
        "timezone": {"type": ["string", "null"], "default": "UTC", "description": "As Europe/Berlin."},
        "misses": {"enum": [*MISSES, None], "default": "skip"},
    }
    either = [
        {"properties": {"every": {"type": "number"}}, "required": ["every"]},
        {"properties": {"cron": {"type": "string"}}, "required": ["cron"]},
    ]
    jobs = [schemas[f"{name}.job"] for name in known]
    kinds = [
        {
            **each,
            "required": ["name", *each["required"]],
            "properties": {name: of for name, of in each["properties"].items() if name not in options.FAMILY} | times,
            "oneOf": either,
        }
        for each in jobs
    ]
    return {"anyOf": kinds} if kinds else {"type": "object", "required": ["name", "task"]}


def _moved(schema: Any, to: str) -> Any:
    """A schema whose references to itself (`#/$defs/…`) hold when it stands at `to` in a larger document."""
    if isinstance(schema, list):
        return [_moved(each, to) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _DATA_KEYWORDS:
            made[key] = value
        elif key in _MAPS_OF_SCHEMAS and isinstance(value, dict):
            made[key] = {name: _moved(each, to) for name, each in value.items()}
        elif key in ("$ref", "$dynamicRef") and isinstance(value, str) and (value == "#" or value.startswith("#/")):
            made[key] = to + value.removeprefix("#")
        elif key == "discriminator" and isinstance(value, dict):
            targets = value.get("mapping", {})
            made[key] = value | {"mapping": {name: to + each.removeprefix("#") for name, each in targets.items()}}
        else:
            made[key] = _moved(value, to)
    return made
