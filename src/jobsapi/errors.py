"""One tree of errors; each has a stable `code` and the HTTP status it becomes.

JobsApiError
├── Unreadable 400            what cannot be read: JSON, gzip, a cursor, a header
├── Unauthorized 401 · Forbidden 403
├── NotFound 404
│   ├── UnknownJob · UnknownTask · UnknownRecord · UnknownQueue · UnknownResult · UnknownWorker
│   ├── UnknownSchedule · UnknownBatch
│   └── ResultNotReady        the job has not ended
├── NotAcceptable 406         the output cannot be had in a media type that was asked for
├── Conflict 409
│   ├── WrongStatus           the job's status does not allow it
│   ├── NotHolder             the claim is no longer (or never was) the job's
│   ├── KeyTaken              another active job has the same key
│   ├── NoResult              the job failed or was cancelled
│   │   └── JobFailed         the same of one that somebody waited for, with the job's record
│   └── DatasetBusy           another load of the same data set is running
├── ResultExpired 410
├── TooLarge 413 · UnsupportedMedia 415
├── Invalid 422               what was read and does not fit; names each field at fault
│   └── BadRow                a row of data that cannot be loaded
├── StoreUnavailable 503      the store does not answer; worth another try
│   └── StoreFull
├── NoStreamLeft 503          as many connections are held open as may be
├── NotReady 503              the worker that was started along with the API has not told its tasks yet
├── ApiUnavailable 503        the client cannot reach the API, or it was cut off
└── SetupError                the machine or the environment is not as it must be (no HTTP request involved)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

__all__ = [
    "ApiUnavailable",
    "BadRow",
    "Conflict",
    "DatasetBusy",
    "FieldError",
    "Forbidden",
    "Invalid",
    "JobFailed",
    "JobsApiError",
    "KeyTaken",
    "NoResult",
    "NoStreamLeft",
    "NotAcceptable",
    "NotFound",
    "NotHolder",
    "NotReady",
    "ResultExpired",
    "ResultNotReady",
    "SetupError",
    "StoreFull",
    "StoreUnavailable",
    "TooLarge",
    "Unauthorized",
    "UnknownBatch",
    "UnknownJob",
    "UnknownQueue",
    "UnknownRecord",
    "UnknownResult",
    "UnknownSchedule",
    "UnknownTask",
    "UnknownWorker",
    "Unreadable",
    "UnsupportedMedia",
    "WrongStatus",
]


@dataclass(frozen=True)
class FieldError:
    """One field at fault: a JSON pointer (RFC 6901) into the body and what was expected there."""

    pointer: str
    detail: str


class JobsApiError(Exception):
    """The root of every error this package raises on purpose."""

    code = "internal"
    http_status = 500
    title = "Internal error"

    def __init__(self, detail: str = "", *, errors: Sequence[FieldError] = ()) -> None:
        """`detail` is one sentence for a person; `errors` names the fields at fault."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)


class Unreadable(JobsApiError):
    """The request could not be read at all."""

    code = "unreadable"
    http_status = 400
    title = "The request cannot be read"


class Unauthorized(JobsApiError):
    """A token is needed, or the one that came is not known."""

    code = "unauthorized"
    http_status = 401
    title = "A valid token is needed"


class Forbidden(JobsApiError):
    """The request comes from where it may not."""

    code = "forbidden"
    http_status = 403
    title = "Not allowed"


class NotFound(JobsApiError):
    """Nothing is known under that name."""

    code = "not-found"
    http_status = 404
    title = "Not found"


class UnknownJob(NotFound):
    """No job has this id."""

    code = "unknown-job"
    title = "No job has this id"


class UnknownBatch(NotFound):
    """No batch has this id."""

    code = "unknown-batch"
    title = "No batch has this id"


class UnknownTask(NotFound):
    """No task has this name."""

    code = "unknown-task"
    title = "No task has this name"


class UnknownQueue(NotFound):
    """No queue has this name."""

    code = "unknown-queue"
    title = "No queue has this name"


class UnknownSchedule(NotFound):
    """No schedule has this name."""

    code = "unknown-schedule"
    title = "No schedule has this name"


class UnknownWorker(NotFound):
    """No worker that lives has this id."""

    code = "unknown-worker"
    title = "No worker has this id"


class UnknownRecord(NotFound):
    """No record of the data set has this id."""

    code = "unknown-record"
    title = "No record has this id"


class UnknownResult(NotFound):
    """The job has no output of this name."""

    code = "unknown-result"
    title = "The job has no output of this name"


class ResultNotReady(NotFound):
    """The job has not ended yet."""

    code = "result-not-ready"
    title = "The job has not ended yet"
    retry_after = 1


class NotAcceptable(JobsApiError):
    """The output exists, but in none of the media types that the Accept header allows."""

    code = "not-acceptable"
    http_status = 406
    title = "Not to be had in this media type"


class Conflict(JobsApiError):
    """The state of things does not allow the request."""

    code = "conflict"
    http_status = 409
    title = "The present state does not allow it"


class WrongStatus(Conflict):
    """The job's status does not allow the transition."""

    code = "wrong-status"
    title = "The job's status does not allow it"


class NotHolder(Conflict):
    """The claim's token is no longer the one that holds the job."""

    code = "not-holder"
    title = "This claim no longer holds the job"


class KeyTaken(Conflict):
    """Another active job has the same `key`; `job_id` is that job's."""

    code = "key-taken"
    title = "Another active job has the same key"

    def __init__(self, job_id: str, detail: str = "") -> None:
        """`job_id`: the active job."""
        super().__init__(detail or f"The job {job_id} is active and has the same key.")
        self.job_id = job_id


class NoResult(Conflict):
    """The job ended without a result."""

    code = "no-result"
    title = "The job ended without a result"


class JobFailed(NoResult):
    """A job that was waited for did not complete; `job` is its record, `reason` the record's word for why."""

    code = "job-failed"
    title = "The job did not complete"

    def __init__(self, job: Mapping[str, Any]) -> None:
        """`job`: the record of a job that has ended, as `Job` shows it."""
        error = job.get("error") or {}
        why = f"{error['type']}: {error['message']}" if error else ""
        trace = f"\n{error['traceback']}" if error.get("traceback") else ""
        super().__init__(f"{job['task']} {job['id']} {job['status']} ({job['reason']}){': ' * bool(why)}{why}{trace}")
        self.job = job
        self.reason: str = job["reason"]


class DatasetBusy(Conflict):
    """Another load of this data set is running."""

    code = "dataset-busy"
    title = "Another load of this data set is running"


class ResultExpired(JobsApiError):
    """The result was kept for its time and has been removed."""

    code = "result-expired"
    http_status = 410
    title = "The result has expired"


class TooLarge(JobsApiError):
    """Something is larger than its setting allows."""

    code = "too-large"
    http_status = 413
    title = "Too large"


class UnsupportedMedia(JobsApiError):
    """A media type (or a content coding) that is not understood."""

    code = "unsupported-media-type"
    http_status = 415
    title = "This media type is not understood"


class Invalid(JobsApiError):
    """Read, but it does not fit; `errors` says where."""

    code = "invalid"
    http_status = 422
    title = "The request does not fit"


class BadRow(Invalid):
    """A row that cannot be loaded; `row` counts from 1 without the header."""

    code = "bad-row"
    title = "A row cannot be loaded"

    def __init__(self, row: int, detail: str) -> None:
        """`row` is the row's number in the file as sent."""
        super().__init__(f"Row {row}: {detail}")
        self.row = row


class StoreUnavailable(JobsApiError):
    """The store does not answer; the same request may succeed shortly."""

    code = "store-unavailable"
    http_status = 503
    title = "The store does not answer"
    retry_after = 2


class StoreFull(StoreUnavailable):
    """The store refuses writes: out of memory or disk."""

    code = "store-full"
    title = "The store takes no more writes"
    retry_after = 30


class ApiUnavailable(JobsApiError):
    """The API cannot be reached, or a request was cut off and nobody knows whether it was heard."""

    code = "api-unavailable"
    http_status = 503
    title = "The API does not answer"


class NoStreamLeft(JobsApiError):
    """As many event streams and waiting requests are open as this process may hold."""

    code = "no-stream-left"
    http_status = 503
    title = "Too many connections are held open"
    retry_after = 5


class NotReady(JobsApiError):
    """The worker that was started along with the API has not told its tasks yet."""

    code = "not-ready"
    http_status = 503
    title = "Not ready yet"
    retry_after = 1


class SetupError(JobsApiError):
    """The environment or the machine is not as it must be; the message says what to do."""

    code = "setup"
    title = "The set-up does not work"
