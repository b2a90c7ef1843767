"""The table of operations: what each route takes and answers, beside what its own docstring says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobsapi.options import OPTIONS
from jobsapi.states import Status
from jobsapi.web.schemas import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HEADERS", "OPERATIONS", "PARAMETERS", "Operation"]

TEXT, EVENTS, ANY = "text/plain", "text/event-stream", "*/*"


@dataclass(frozen=True)
class Operation:
    """What one method of one route takes and answers."""

    answers: Mapping[int, str]
    """Status → the reply's schema in `schemas`, or its media type where it is not JSON, or "" for an empty one."""
    refusals: tuple[int, ...] = ()
    """The statuses of its problem documents, beside those that access rules and an absent store bring."""
    parameters: tuple[str, ...] = ()
    """Names in PARAMETERS."""
    body: str = ""
    """`jobs` or `data`; "" for none."""
    headers: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Status → names in HEADERS."""
    also: Mapping[int, str] = field(default_factory=dict)
    """Status → a media type that the same reply can be had in."""
    needs_store: bool = True


def _query(name: str, description: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema or {"type": "string"}}


def _header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


_STATUSES = [*(status.value for status in Status), "in_progress"]

_TIME = {"anyOf": [{name: OPTIONS["run_at"].schema[name] for name in ("type", "format", "pattern")}, {"const": ""}]}

_EVENT_ID = "^[0-9]{1,16}-[0-9]{1,16}(-[0-9]{1,12})?$"

PARAMETERS: dict[str, dict[str, Any]] = {
    "status": _query("status", "Only jobs that are this; `in_progress` is understood too.", {"enum": [*_STATUSES, ""]}),
    "task": _query("task", "Only jobs of this task."),
    "queue": _query("queue", "Only jobs of this queue."),
    "statuses": _query("status", "Only jobs that are this, or one of these, with commas between them."),
    "tag": _query("tag", "Only jobs with this tag."),
    "batch": _query("batch", "Only jobs of this batch."),
    "since": _query("since", "Only jobs made at that time or later, as 2026-01-31T12:00:00Z.", _TIME),
    "until": _query("until", "Only jobs made at that time or earlier.", _TIME),
    "limit": _query("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
    "cursor": _query(
        "cursor", "Where to go on; only as found in `next`.", {"type": "string", "pattern": "^j[0-9]{1,16}$"}
    ),
    "batch_cursor": _query(
        "cursor", "Where to go on; only as found in `next`.", {"type": "string", "pattern": "^b[0-9]{1,16}$"}
    ),
    "row_cursor": _query(
        "cursor", "Where to go on; only as found in `next`.", {"type": "string", "pattern": "^r[0-9]{1,16}$"}
    ),
    "row_limit": _query(
        "limit", "How many rows at most.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000}
    ),
    "format": _query("format", "`csv`: all rows; `json`: a page of them. Wins over Accept.", {"enum": ["json", "csv"]}),
    "data_cursor": _query("cursor", "Where to go on, in the state in which the search began; only as found in `next`."),
    "dataset": _query("dataset", "Which data set.", NAME | {"default": "default"}),
    "id": _query(
        "id",
        "The field that holds a record's id; default `id`, else a number is given.",
        {"type": "string", "minLength": 1},
    ),
    "records": _query("records", "The JSON pointer of the list to load, where a document holds more than one."),
    "search": _query("search", "Words that must all occur, in any field, whatever their case; `word*` is a prefix."),
    "field": _query("field", "The field to look at; `outer.inner` inside an object.") | {"required": True},
    "bins": _query(
        "bins", "How many ranges, or values, at most.", {"type": "integer", "minimum": 1, "maximum": 50, "default": 12}
    ),
    "fields": _query(
        "fields",
        "`FIELD=value` exactly; `FIELD.gte=` and `FIELD.lte=` for ranges; `where.FIELD=` where a name is taken.",
        {"type": "object", "propertyNames": {"minLength": 1}, "additionalProperties": {"type": "string"}},
    )
    | {"style": "form", "explode": True},
    "idempotency_key": _header(
        "Idempotency-Key", "Chosen by the sender; the same request under the same key within 24 h is the same submit."
    )
    | {"schema": {"type": "string", "pattern": "^[!-~]{1,255}$"}},
    "last_event_id": _header("Last-Event-ID", "The id of the last event that came: the stream goes on behind it.")
    | {"schema": {"type": "string", "pattern": _EVENT_ID}},
    "last_event_id_query": _query(
        "last_event_id", "The same for readers who cannot set headers.", {"type": "string", "pattern": _EVENT_ID}
    ),
    "prefer": _header("Prefer", "`wait=N`: hold the reply until the job has ended, or for N seconds.")
    | {"schema": {"type": "string", "pattern": "^wait=[0-9]{1,3}$"}},
    "follow": _query("follow", "Go on until the job has ended.", {"type": "string"}),
    "range": _header("Range", "`bytes=FIRST-LAST`: a part of the output."),
    "if_none_match": _header("If-None-Match", "An ETag seen before: 304 where nothing has changed."),
    "accept": _header("Accept", "The form of a table: text/csv, application/vnd.apache.parquet, …"),
    "table_accept": _header("Accept", "The form of the table.")
    | {"schema": {"enum": ["application/json", "text/csv", "*/*"]}},
}

HEADERS: dict[str, str] = {
    "Location": "The job's address, or the batch's where many were submitted.",
    "Idempotency-Replayed": "`true` where the Idempotency-Key came before and this is what it made then.",
    "Link": 'The next page, as `<address>; rel="next"`; absent at the end.',
    "ETag": "Names this version of the reply.",
    "Preference-Applied": "`wait=N` where the reply was held, for N seconds at the most.",
    "Content-Disposition": "A file name.",
    "Content-Range": "Which part this is.",
}

_RESUMED = ("last_event_id", "last_event_id_query")
_READ = ("if_none_match",)
_RESULT = Operation(
    {200: ANY, 206: ANY, 304: ""},
    (404, 406, 409, 410, 416, 422),
    ("range", "if_none_match", "accept"),
    headers={200: ("ETag", "Content-Disposition"), 206: ("ETag", "Content-Range")},
)
_CHANGE_JOB = Operation({200: "Job"}, (404, 409, 422))
_CHANGE_QUEUE = Operation({200: "Pause"}, (422,))

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "/"): Operation({200: "Home"}, also={200: "text/html"}, needs_store=False),
    ("GET", "/ui/{version}/{name}"): Operation(
        {200: ANY, 304: ""}, (404,), _READ, headers={200: ("ETag",)}, needs_store=False
    ),
    ("GET", "/help"): Operation({200: TEXT}, needs_store=False),
    ("GET", "/openapi.json"): Operation({200: "application/json", 304: ""}, (), _READ, headers={200: ("ETag",)}),
    ("GET", "/docs"): Operation({200: "text/html"}),
    ("POST", "/jobs"): Operation(
        {200: "Job", 202: "Submitted"},
        (400, 409, 413, 415, 422),
        ("idempotency_key", "prefer"),
        body="jobs",
        headers={
            200: ("Location", "Preference-Applied"),
            202: ("Location", "Idempotency-Replayed", "Preference-Applied"),
        },
    ),
    ("GET", "/jobs"): Operation(
        {200: "Jobs"},
        (400, 422),
        ("status", "task", "queue", "tag", "batch", "since", "until", "limit", "cursor"),
        headers={200: ("Link",)},
    ),
    ("GET", "/jobs/{id}"): Operation(
        {200: "Job", 304: ""}, (404, 422), (*_READ, "prefer"), headers={200: ("ETag", "Preference-Applied")}
    ),
    ("GET", "/jobs/{id}/children"): Operation(
        {200: "Jobs"}, (400, 404, 422), ("status", "limit", "cursor"), headers={200: ("Link",)}
    ),
    ("DELETE", "/jobs/{id}"): _CHANGE_JOB,
    ("POST", "/jobs/{id}/cancel"): _CHANGE_JOB,
    ("POST", "/jobs/{id}/retry"): _CHANGE_JOB,
    ("GET", "/jobs/{id}/logs"): Operation({200: TEXT}, (404, 422), ("follow",)),
    ("GET", "/jobs/{id}/events"): Operation({200: EVENTS, 204: ""}, (400, 404, 422, 503), _RESUMED),
    ("GET", "/events"): Operation(
        {200: EVENTS}, (400, 422, 503), ("statuses", "task", "queue", "tag", "batch", *_RESUMED)
    ),
    ("GET", "/jobs/{id}/results"): _RESULT,
    ("GET", "/jobs/{id}/results/{name}"): _RESULT,
    ("GET", "/results/{id}"): _RESULT,
    ("GET", "/download/{id}"): _RESULT,
    ("GET", "/batches"): Operation({200: "Batches"}, (400, 422), ("limit", "batch_cursor"), headers={200: ("Link",)}),
    ("GET", "/batches/{batch}"): Operation({200: "Batch"}, (404, 422)),
    ("POST", "/batches/{batch}/cancel"): Operation({200: "Batch"}, (404, 422)),
    ("GET", "/batches/{batch}/results"): Operation(
        {200: "Table"},
        (400, 404, 406, 422),
        ("format", "row_limit", "row_cursor", "table_accept"),
        headers={200: ("Link", "Content-Disposition")},
        also={200: "text/csv"},
    ),
    ("POST", "/data"): Operation({201: "Loaded"}, (400, 409, 413, 415, 422), ("dataset", "id", "records"), body="data"),
    ("GET", "/data"): Operation(
        {200: "Records"},
        (400, 422),
        ("dataset", "search", "limit", "data_cursor", "fields"),
        headers={200: ("Link",)},
    ),
    ("DELETE", "/data"): Operation({200: "Emptied"}, (409, 422), ("dataset",)),
    ("GET", "/data/{id}"): Operation({200: "Record"}, (404, 422), ("dataset",)),
    ("GET", "/datasets"): Operation({200: "Datasets"}, (422,)),
    ("GET", "/datasets/{name}/histogram"): Operation({200: "Histogram"}, (422,), ("field", "bins", "search", "fields")),
    ("GET", "/tasks"): Operation({200: "Tasks"}, (422,)),
    ("GET", "/tasks/{name}"): Operation({200: "Task"}, (404, 422)),
    ("GET", "/queues"): Operation({200: "Queues"}, (422,)),
    ("GET", "/stats"): Operation({200: "Stats"}, (422,)),
    ("POST", "/queues/{name}/pause"): _CHANGE_QUEUE,
    ("POST", "/queues/{name}/resume"): _CHANGE_QUEUE,
    ("GET", "/schedules"): Operation({200: "Schedules"}, (422,)),
    ("POST", "/schedules"): Operation(
        {201: "Schedule"}, (400, 409, 413, 415, 422), body="schedule", headers={201: ("Location",)}
    ),
    ("GET", "/schedules/{name}"): Operation({200: "Schedule"}, (404, 422)),
    ("DELETE", "/schedules/{name}"): Operation({200: "Schedule"}, (404, 409, 422)),
    ("GET", "/workers"): Operation({200: "Workers"}, (422,)),
    ("POST", "/workers/{worker}/drain"): Operation({200: "Worker"}, (404, 409, 422)),
    ("GET", "/healthz"): Operation({200: "Health"}, needs_store=False),
    ("GET", "/readyz"): Operation({200: "Health"}),
    ("GET", "/metrics"): Operation({200: TEXT}),
}
"""(method, path) → the operation. A route that is missing here is listed with its summary alone; a test finds it."""
