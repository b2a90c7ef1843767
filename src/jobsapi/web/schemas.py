"""JSON Schemas of what the API answers, by the names they have in /openapi.json."""

from __future__ import annotations

from typing import Any

from jobsapi.names import ID_PATTERN, NAME_PATTERN
from jobsapi.options import OPTIONS, TOLD
from jobsapi.states import REASONS, Status
from jobsapi.timing import MISSES

__all__ = ["NAME", "SCHEMAS"]

NAME = {"type": "string", "pattern": f"^{NAME_PATTERN}$"}

_ID = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
_TIME = {"type": "string", "format": "date-time"}
_MAYBE_TIME = {"type": ["string", "null"], "format": "date-time"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_INTEGER = {"type": "integer", "minimum": -(2**63), "maximum": 2**64 - 1}
_COUNT = {"type": "integer", "minimum": 0}
_TEXTS = {"type": "array", "items": {"type": "string"}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: dict[str, Any], *optional: str, description: str = "") -> dict[str, Any]:
    made = {"type": "object", "required": [each for each in properties if each not in optional]}
    return made | ({"description": description} if description else {}) | {"properties": properties}


def _list_of(name: str, schema: str) -> dict[str, Any]:
    return _object({name: {"type": "array", "items": _ref(schema)}})


def _page_of(name: str, items: dict[str, Any]) -> dict[str, Any]:
    following = _MAYBE_TEXT | {"description": "The address of the next page; null at the end."}
    total = {"type": ["integer", "null"], "description": "Exact for no filter or one, null for combinations."}
    return _object({name: {"type": "array", "items": items}, "next": following, "total": total})


_ERROR = _object({"type": {"type": "string"}, "message": {"type": "string"}, "traceback": {"type": "string"}})

_ATTEMPT = _object(
    {
        "attempt": _COUNT,
        "outcome": {
            "type": ["string", "null"],
            "description": "`complete`, a reason, `released` where its worker handed it back; null while it runs.",
        },
        "worker": _MAYBE_TEXT,
        "started": _TIME,
        "ended": _MAYBE_TIME,
        "token": {"type": "string", "description": "The claim it ran under."},
        "detail": {"type": "string"},
        "error": _ERROR,
    },
    *("token", "detail", "error"),
    description="One run of a job. A lost delivery keeps the number of its attempt.",
)

_JOB = _object(
    {
        "id": _ID,
        "status": {"enum": [status.value for status in Status]},
        "reason": {"enum": [*REASONS, None], "description": "Why it did not complete."},
        "task": {"type": "string"},
        "params": {"type": "object"},
        "queue": NAME,
        "priority": {"type": "integer"},
        "tags": _TEXTS,
        "batch": {"anyOf": [_ID, {"type": "null"}], "description": "The batch that it was sent with."},
        "progress": {"type": ["object", "null"], "description": "`fraction` (0 to 1) and `message`."},
        "attempt": _COUNT | {"description": "0 before the first claim, 1 during the first try."},
        "max_attempts": _COUNT,
        "deliveries_lost": _COUNT | {"description": "Runs whose process died."},
        "cancel_requested": {"type": "boolean"},
        "created": _TIME,
        "run_at": _MAYBE_TIME | {"description": "When it goes, or went, into its queue, where it waits for a time."},
        "started": _MAYBE_TIME,
        "finished": _MAYBE_TIME,
        "worker": _MAYBE_TEXT,
        "error": {"anyOf": [_ERROR, {"type": "null"}]},
        "position": {"type": ["integer", "null"], "description": "How many jobs are ahead of it in its queue."},
        "links": {"type": "object", "additionalProperties": {"type": "string"}},
        "attempts": {"type": "array", "items": _ATTEMPT, "description": "Every run, in order; left out in lists."},
        "attempts_left_out": _COUNT | {"description": "How many runs are left out behind the first ten."},
        "advice": {"type": "string", "description": "What to try where it failed."},
        "webhook": _object(
            {
                "url": {"type": "string"},
                "status": {"enum": ["pending", "delivered", "given up"]},
                "tries": _COUNT,
                "last_error": _MAYBE_TEXT,
            },
            description="What came of the webhook of its last end.",
        ),
        "after": {"type": "array", "items": _ID, "description": "Jobs that must complete first."},
        "after_any": {"type": "array", "items": _ID, "description": "Jobs that must end first."},
        **{name: {key: value for key, value in OPTIONS[name].schema.items() if key != "default"} for name in TOLD},
        "children": _COUNT
        | {"description": "How many jobs came after it, as `links.children` lists them; left out in lists."},
    },
    *("attempts", "attempts_left_out", "advice", "webhook", "after", "after_any", "children", *TOLD),
    description="One requested run of a task.",
)

_BATCH = {
    "id": _ID,
    "created": _TIME,
    "total": _COUNT | {"description": "How many different jobs it is."},
    "task": _MAYBE_TEXT | {"description": "Null where they differ."},
    "sweep": {"type": ["array", "null"], "items": {"type": "string"}, "description": "The parameters that differ."},
    "links": {"type": "object", "additionalProperties": {"type": "string"}},
}

_FIELD_TYPES = ["integer", "number", "boolean", "string", "null", "mixed"]

_QUEUE_COUNTS = {status.value.replace(" ", "_"): _COUNT for status in Status}

SCHEMAS: dict[str, dict[str, Any]] = {
    "Problem": _object(
        {
            "type": {"type": "string", "description": "Stable: what went wrong, for programs."},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "One sentence for a person."},
            "errors": {
                "type": "array",
                "items": _object({"pointer": {"type": "string"}, "detail": {"type": "string"}}),
            },
            "row": {"type": "integer", "minimum": 1, "description": "The bad row of a load, counted from 1."},
            "job": _ID | {"description": "The active job that has the same key."},
        },
        *("errors", "row", "job"),
        description="An RFC 9457 problem document; `errors` points (RFC 6901) at each field at fault.",
    ),
    "Job": _JOB,
    "Jobs": _page_of("jobs", _ref("Job")),
    "Batch": _object(
        {
            **_BATCH,
            "finished": _MAYBE_TIME | {"description": "When the last job ended; null while one is active."},
            "counts": _object(_QUEUE_COUNTS, description="Its jobs by status."),
            "removed": _COUNT | {"description": "How many of its jobs are not there any more."},
        },
        description="Jobs that were sent together.",
    ),
    "Batches": _object(
        {
            "batches": {"type": "array", "items": _object(_BATCH)},
            "next": _MAYBE_TEXT | {"description": "The address of the next page; null at the end."},
        }
    ),
    "Table": _object(
        {
            "columns": _TEXTS,
            "rows": {
                "type": "array",
                "items": {"type": "object"},
                "description": "In the order sent: id, status, reason, parameters, and what complete jobs returned.",
            },
            "next": _MAYBE_TEXT | {"description": "The address of the next page; null at the end."},
        },
        description="The results of a batch.",
    ),
    "SubmittedBatch": _object(
        {
            "jobs": {
                "type": "array",
                "items": _object({"id": _ID, "status": {"enum": [status.value for status in Status]}}),
                "description": "In the order sent.",
            },
            "batch": _ID,
        }
    ),
    "Submitted": {"anyOf": [_ref("Job"), _ref("SubmittedBatch")]},
    "Task": _object(
        {
            "name": NAME,
            "summary": {"type": "string"},
            "queue": NAME,
            "timeout": {"type": ["number", "null"], "description": "Seconds a run may take."},
            "memory_mb": {"type": ["integer", "null"], "description": "MiB a run's processes may have."},
            "max_attempts": _COUNT,
            "backoff": {"description": "How long to wait between attempts; null: the default."},
            "caching": {
                "type": ["object", "null"],
                "description": "`cache` (how long a result answers for the same parameters), `version`, `datasets`.",
            },
            "limits": {"type": "object", "description": "`max_running`, `max_running_per`, `rate`, where it has them."},
            "default": {"type": "boolean", "description": "Whether a body without `task` means it."},
            "digest": {"type": "string"},
            "workers": _COUNT | {"description": "How many workers run it now."},
            "schema": {"type": "object", "description": "The JSON Schema of its parameters."},
        },
        *("memory_mb", "max_attempts", "backoff", "limits", "caching"),
    ),
    "Tasks": _list_of("tasks", "Task"),
    "Queue": _object(
        {
            "name": NAME,
            "paused": {"type": "boolean"},
            "oldest": _MAYBE_TIME,
            **_QUEUE_COUNTS,
            "pace": {"type": ["number", "null"], "description": "Jobs that end in a second; null where nothing waits."},
            "empty_in": {"type": ["number", "null"], "description": "Seconds until nothing waits, at that pace."},
            "waiting": {
                "type": "array",
                "items": _object(
                    {"task": {"type": "string"}, "jobs": _COUNT, "oldest": _MAYBE_TIME, "workers": _COUNT}
                ),
                "description": "What waits, by task, and how many workers take it from this queue.",
            },
        },
        description="How many jobs of each status, since when the oldest one waits, and how fast it goes.",
    ),
    "Queues": _list_of("queues", "Queue"),
    "Pause": _object({"name": NAME, "paused": {"type": "boolean"}}),
    "Schedule": _object(
        {
            "name": NAME,
            "task": NAME,
            "params": {"type": "object"},
            "options": {"type": "object", "description": "Options of its jobs."},
            "every": {"type": ["number", "null"], "description": "Seconds."},
            "cron": _MAYBE_TEXT,
            "timezone": {"type": "string"},
            "misses": {"enum": list(MISSES), "description": "What becomes of times at which no worker was there."},
            "app": _MAYBE_TEXT | {"description": "Whose code made it; null for the others."},
            "next": _MAYBE_TIME,
            "last": _MAYBE_TIME,
            "last_job": _MAYBE_TEXT,
            "error": _MAYBE_TEXT | {"description": "Why no job was made at the last due time."},
        }
    ),
    "Schedules": _list_of("schedules", "Schedule"),
    "Worker": _object(
        {
            "id": {"type": "string"},
            "host": {"type": "string"},
            "pid": {"type": "integer"},
            "started": _TIME,
            "seen": _TIME,
            "concurrency": {"type": "integer"},
            "memory": {"type": ["integer", "null"], "description": "Bytes of its processes; null where unknown."},
            "state": {"type": "string"},
            "queues": _TEXTS,
            "tasks": _TEXTS,
            "running": _TEXTS,
        }
    ),
    "Workers": _list_of("workers", "Worker"),
    "Stats": _object(
        {
            "step": _COUNT | {"description": "Seconds from one point to the next."},
            "points": {"type": "array", "items": {"type": "object"}},
            "tasks": {"type": "array", "items": {"type": "object"}},
        }
    ),
    "Health": _object({"status": {"type": "string"}}),
    "Home": _object({"name": {"type": "string"}, "version": {"type": "string"}, "links": {"type": "object"}}),
    "Loaded": _object({"dataset": NAME, "loaded": _COUNT, "total": _COUNT}),
    "Emptied": _object({"dataset": NAME, "removed": _COUNT}),
    "Dataset": _object(
        {
            "name": NAME,
            "records": _COUNT | {"description": "How many."},
            "fields": {
                "type": "array",
                "items": _object({"name": {"type": "string"}, "type": {"enum": _FIELD_TYPES}}),
                "description": "What occurs in its records; a field inside an object is `outer.inner`.",
            },
        }
    ),
    "Datasets": _list_of("datasets", "Dataset"),
    "Histogram": _object(
        {
            "field": {"type": "string"},
            "total": _COUNT | {"description": "How many records fit."},
            "numbers": _object(
                {"low": {"type": "number"}, "high": {"type": "number"}, "counts": {"type": "array", "items": _COUNT}},
                description="How many have a number in each of the equal ranges from `low` to `high`; null where none "
                "has, or too many fit a search to be counted.",
            )
            | {"type": ["object", "null"]},
            "values": _object(
                {"different": _COUNT, "top": {"type": "array", "items": {"type": "array"}}},
                description="How many different texts, or true and false, there are, and the most frequent ones, each "
                "as [value, how many]; null where there are none, or too many.",
            )
            | {"type": ["object", "null"]},
        },
        description="How the values of a field are spread. A list counts once for each of its values.",
    ),
    "Record": {"type": "object", "description": "One object of the data, as it was loaded."},
    "NewRecord": {
        "type": "object",
        "properties": {"id": {"anyOf": [_INTEGER, {"type": "string", "minLength": 1}, {"type": "null"}]}},
        "description": "Any object; integers in it have at most 64 bits. A record without `id` is given a number.",
    },
    "Records": _page_of("records", _ref("Record")),
}
