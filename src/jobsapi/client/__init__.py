"""The same functions over HTTP, for programs that have an address and no server."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from jobsapi import errors
from jobsapi.client import files, values
from jobsapi.client.events import Event
from jobsapi.client.handles import JobHandle
from jobsapi.client.many import JobHandles
from jobsapi.client.submitting import Submitting
from jobsapi.client.transport import Transport, path_of, with_query
from jobsapi.client.values import File, Image
from jobsapi.client.watcher import Watcher
from jobsapi.errors import ApiUnavailable
from jobsapi.record import Batch, Job
from jobsapi.settings import Settings
from jobsapi.states import ACTIVE, ENDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jobsapi.client.awaited import AsyncClient, AsyncHandle, AsyncHandles

__all__ = ["AsyncClient", "AsyncHandle", "AsyncHandles", "Client", "Event", "File", "Image", "JobHandle", "JobHandles"]

_Shown = TypeVar("_Shown", Job, Batch)

_LOAD_SECONDS = 3600.0
"""How long a load of data may take to be answered once all of it is sent."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_OUTAGE = 30.0
"""Seconds without an answer after which `wait_for_job` no longer believes that the API is only being restarted."""

_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".geojson": "application/json",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
}
_ENDED = {status.value for status in ENDED}


def __getattr__(name: str) -> Any:
    """What is for asyncio is imported when it is asked for: asyncio takes as long to import as all the rest."""
    if name not in __all__:
        raise AttributeError(f"module 'jobsapi.client' has no attribute {name!r}")
    from jobsapi.client import awaited

    return getattr(awaited, name)


class Client(Submitting):
    """An API at an address. Thread-safe; keeps its connections.

    Errors are those of `jobsapi.errors`, as in the API's own process: `UnknownJob`, `Invalid` (its `errors` name the
    fields at fault), `Unauthorized`, `StoreUnavailable` and so on, and `ApiUnavailable` where the API cannot be reached
    or a request was cut off. Requests that only read are sent a second time after a cut, and submits a few times, each
    under an `Idempotency-Key` of its own, so that they are heard once; others never are.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, timeout: float = 60.0) -> None:
        """`url`: default JOBSAPI_URL, else this machine's JOBSAPI_PORT. `token`: default JOBSAPI_TOKEN.

        `timeout`: seconds without a sign of the API after which a request is given up.
        """
        settings = Settings.from_environment()
        address = (url or settings.api_url).rstrip("/")
        self._transport = Transport(address, token or settings.token, timeout)
        self._watcher = Watcher(self._transport)
        self._options: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """The API's address, without a slash at the end."""
        return self._transport.url

    def close(self) -> None:
        """Give the connections back; handles whose jobs have not ended raise ApiUnavailable."""
        self._watcher.close()
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_problem: object) -> None:
        self.close()

    # --- Jobs -------------------------------------------------------------------------------------------------------

    def add_job(self, /, task: str, params: Mapping[str, Any] | None = None, **options: Any) -> Job:
        """Record one job and return at once; `options` as in `jobsapi.jobs.add_job`. Raises Invalid, TooLarge."""
        return Job(
            self._transport.submit("/jobs", {"task": task, "params": dict(params or {}), **self._options, **options})
        )

    def add_jobs(self, requests: Iterable[Mapping[str, Any]]) -> list[Job]:
        """Record many jobs, `{"task", "params", …options}` each, all or none; each has `id`, `status` and `batch`."""
        made = self._transport.submit("/jobs", [{**self._options, **each} for each in requests])
        return [Job(each, batch=made["batch"]) for each in made["jobs"]]

    def add_sweep(
        self, /, task: str, sweep: Mapping[str, Iterable[Any]], params: Mapping[str, Any] | None = None, **options: Any
    ) -> Batch:
        """Record a job for every combination of the sweep's values as one batch; see `jobsapi.jobs.add_sweep`."""
        values = {name: each if isinstance(each, str | dict) else list(each) for name, each in sweep.items()}
        body = {"task": task, "sweep": values, "params": dict(params or {}), **self._options, **options}
        return self.get_batch(self._transport.submit("/jobs", body)["batch"])

    def get_job_by_id(self, jid: str) -> Job:
        """The job of that id. Raises UnknownJob."""
        return Job(self._transport.json("GET", path_of("jobs", jid)))

    def list_jobs(
        self,
        *,
        status: str | None = None,
        task: str | None = None,
        queue: str | None = None,
        tag: str | None = None,
        batch: str | None = None,
        since: str | None = None,
        until: str | None = None,
        page: int = 100,
    ) -> Iterator[Job]:
        """All jobs that fit, newest first; pages of `page` jobs are fetched as they are needed.

        `since` and `until`: when they were made, as 2026-01-31T12:00:00Z. Raises Invalid.
        """
        filters = {"status": status, "task": task, "queue": queue, "tag": tag, "batch": batch, "limit": page}
        filters |= {"since": since, "until": until}
        return (Job(each) for each in self._transport.pages("/jobs", "jobs", filters))

    def children(self, jid: str, *, status: str | None = None, page: int = 100) -> Iterator[Job]:
        """The jobs that came after this one, newest first, whether they still wait or not. Raises UnknownJob."""
        path, filters = path_of("jobs", jid, "children"), {"status": status, "limit": page}
        return (Job(each) for each in self._transport.pages(path, "jobs", filters))

    def cancel_job(self, jid: str) -> Job:
        """Stop a job wherever it is. Raises UnknownJob, WrongStatus."""
        return Job(self._transport.json("POST", path_of("jobs", jid, "cancel")))

    def retry_job(self, jid: str) -> Job:
        """Give an ended job a fresh set of attempts. Raises UnknownJob, WrongStatus."""
        return Job(self._transport.json("POST", path_of("jobs", jid, "retry")))

    def remove_job(self, jid: str) -> Job:
        """Cancel a job that is active, or remove one that has ended, with its results. Raises UnknownJob."""
        return Job(self._transport.json("DELETE", path_of("jobs", jid)))

    def wait_for_job(self, jid: str, timeout: float | None = None) -> Job:
        """The job once it has ended. Raises TimeoutError after `timeout` seconds (None: never), UnknownJob.

        An API that is being restarted meanwhile is waited for.
        """
        return _once_ended(f"Job {jid}", lambda: self.get_job_by_id(jid), lambda job: job.status in _ENDED, timeout)

    def get_results(self, jid: str, *, links: bool = False) -> Any:
        """What the job's function returned: JSON as Python's values, anything else as bytes, named outputs as a dict.

        `links`: leave the files among named outputs as the API tells them, `{"href", "type", "bytes"}`.
        Raises ResultNotReady, NoResult (with the reason), ResultExpired, UnknownJob.
        """
        media_type, body = self._transport.read(path_of("jobs", jid, "results"))
        if media_type != "application/json":
            return body
        value = json.loads(body)  # orjson makes floats of integers beyond 64 bits
        if not links and (found := values.links(jid, value)):
            value |= {name: self._transport.read(path_of("jobs", jid, "results", name))[1] for name in found}
        return value

    def save_results(self, jid: str, path: str | Path) -> list[Path]:
        """Write what the job's function returned to the file `path`; the files that were written.

        Named outputs become files of the folder `path`, and so does one output where `path` is a folder. Large outputs
        are streamed. Raises as `get_results` does, OSError.
        """
        return files.save(self._transport, jid, Path(path))

    def get_logs(self, jid: str) -> bytes:
        """What the job wrote to stdout, stderr and logging so far; of a long log both ends. Raises UnknownJob."""
        return self._transport.read(path_of("jobs", jid, "logs"))[1]

    # --- Batches ----------------------------------------------------------------------------------------------------

    def get_batch(self, batch: str) -> Batch:
        """The batch of that id, its jobs counted by status. Raises UnknownBatch."""
        return Batch(self._transport.json("GET", path_of("batches", batch)))

    def list_batches(self, *, page: int = 100) -> Iterator[Batch]:
        """All batches, newest first, without their counts; pages of `page` are fetched as they are needed."""
        return (Batch(each) for each in self._transport.pages("/batches", "batches", {"limit": page}))

    def wait_for_batch(self, batch: str, timeout: float | None = None) -> Batch:
        """The batch once all its jobs have ended. Raises TimeoutError after `timeout` seconds (None: never).

        An API that is being restarted meanwhile is waited for. Raises UnknownBatch.
        """
        return _once_ended(f"Batch {batch}", lambda: self.get_batch(batch), _has_ended, timeout)

    def cancel_batch(self, batch: str) -> Batch:
        """Stop every job of the batch that has not ended; the batch as it is then. Raises UnknownBatch."""
        return Batch(self._transport.json("POST", path_of("batches", batch, "cancel")))

    def batch_results(self, batch: str) -> Iterator[dict[str, Any]]:
        """The rows of a batch's results, in the order sent; pages are fetched as they are needed. Raises UnknownBatch.

        See `jobsapi.jobs.batch_results`; here a row has every column of its page, None where there is nothing.
        """
        return self._transport.pages(path_of("batches", batch, "results"), "rows", {"format": "json"})

    def batch_csv(self, batch: str) -> Iterator[bytes]:
        """The results of a batch as CSV, a row a job, in pieces as they come. Raises UnknownBatch."""
        return files.table(self._transport, batch)

    def save_batch_results(self, batch: str, path: str | Path) -> Path:
        """Write the results of a batch to a file as CSV, a row a job; it is streamed. Raises UnknownBatch, OSError."""
        return files.save_table(self._transport, batch, Path(path))

    # --- Tasks, queues, workers -------------------------------------------------------------------------------------

    def tasks(self) -> list[dict[str, Any]]:
        """The tasks that workers told: name, summary, queue, timeout, default, workers, and the `schema` of params."""
        return list(self._transport.json("GET", "/tasks")["tasks"])

    def task(self, name: str) -> dict[str, Any]:
        """One task. Raises UnknownTask."""
        return dict(self._transport.json("GET", path_of("tasks", name)))

    def queues(self) -> list[dict[str, Any]]:
        """The queues, each with how many jobs of each status it holds, and whether it is paused."""
        return list(self._transport.json("GET", "/queues")["queues"])

    def pause_queue(self, name: str) -> None:
        """Hold back every job of the queue that is not claimed yet."""
        self._transport.json("POST", path_of("queues", name, "pause"))

    def resume_queue(self, name: str) -> None:
        """Give the queue's jobs out again."""
        self._transport.json("POST", path_of("queues", name, "resume"))

    def workers(self) -> list[dict[str, Any]]:
        """The workers that live."""
        return list(self._transport.json("GET", "/workers")["workers"])

    def drain_worker(self, worker: str) -> dict[str, Any]:
        """Let a worker claim nothing more, finish what it runs, and go. Raises UnknownWorker, Conflict."""
        return dict(self._transport.json("POST", path_of("workers", worker, "drain")))

    # --- Schedules --------------------------------------------------------------------------------------------------

    def list_schedules(self) -> list[dict[str, Any]]:
        """The schedules by name, each as `jobsapi.schedules.get_schedule` gives it."""
        return list(self._transport.json("GET", "/schedules")["schedules"])

    def get_schedule(self, name: str) -> dict[str, Any]:
        """One schedule. Raises UnknownSchedule."""
        return dict(self._transport.json("GET", path_of("schedules", name)))

    def add_schedule(
        self, /, name: str, task: str, params: Mapping[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        """Submit a job again and again; a schedule of that name is replaced. See `jobsapi.schedules.add_schedule`."""
        body = {"name": name, "task": task, "params": dict(params or {}), **options}
        return dict(self._transport.json("POST", "/schedules", body))

    def remove_schedule(self, name: str) -> dict[str, Any]:
        """Submit no more of its jobs; those that are submitted stay. Raises UnknownSchedule, Conflict."""
        return dict(self._transport.json("DELETE", path_of("schedules", name)))

    # --- Data -------------------------------------------------------------------------------------------------------

    def load_data(
        self,
        source: str | Path | bytes | list[Any] | dict[str, Any],
        *,
        dataset: str = "default",
        id: str | None = None,  # noqa: A002 - the name it has in the API
        records: str | None = None,
        media_type: str | None = None,
        told: Callable[[bytes], object] | None = None,
    ) -> dict[str, Any]:
        """Load records into a data set, all or none: `{"dataset", "loaded", "total"}`.

        `source`: a file (JSON, NDJSON or CSV by its name, `.gz` too), which is streamed; bytes; or records. `id`: the
        field that is the id. `records`: the JSON pointer of the list in a document. `told`: called with each piece of a
        file that is sent. Raises BadRow, Invalid, OSError.
        """
        address = with_query("/data", {"dataset": dataset, "id": id, "records": records})
        if isinstance(source, list | dict):
            return dict(self._transport.json("POST", address, source))
        headers = {"Content-Type": media_type or "application/json"}
        if isinstance(source, bytes):
            return dict(self._transport.sent(address, source, headers, _LOAD_SECONDS))
        path = Path(source)
        if path.suffix == ".gz":
            headers["Content-Encoding"] = "gzip"
        inner = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
        headers["Content-Type"] = media_type or _TYPES.get(inner.lower(), "application/octet-stream")
        headers["Content-Length"] = str(path.stat().st_size)
        with path.open("rb") as file:
            body = files.Watched(file, told) if told else file
            return dict(self._transport.sent(address, body, headers, _LOAD_SECONDS))

    def search_data(
        self, /, search: str | None = None, *, dataset: str = "default", page: int = 100, **where: Any
    ) -> Iterator[dict[str, Any]]:
        """All records in which every word of `search` occurs and that fit `where`: `temp_max=5`, `**{"wind.gte": 3}`.

        Pages of `page` records are fetched as they are needed.
        """
        return self._transport.pages("/data", "records", {"search": search, **where, "dataset": dataset, "limit": page})

    def get_data(self, id: str | int, *, dataset: str = "default") -> dict[str, Any]:  # noqa: A002
        """The record of that id. Raises UnknownRecord."""
        return dict(self._transport.json("GET", with_query(path_of("data", str(id)), {"dataset": dataset})))

    def datasets(self) -> list[dict[str, Any]]:
        """The data sets with their counts and fields."""
        return list(self._transport.json("GET", "/datasets")["datasets"])


def _has_ended(batch: Batch) -> bool:
    return not any(batch.counts[status.value.replace(" ", "_")] for status in ACTIVE)


def _once_ended(
    what: str, look: Callable[[], _Shown], has_ended: Callable[[_Shown], bool], timeout: float | None
) -> _Shown:
    """What `look` shows once it has ended, looked at again and again, through an outage of the API too."""
    deadline = None if timeout is None else time.monotonic() + timeout
    pause, seen = _SHORTEST_PAUSE, time.monotonic()
    while True:
        try:
            found = look()
        except (ApiUnavailable, errors.StoreUnavailable):
            if time.monotonic() - seen > _OUTAGE:
                raise
        else:
            seen = time.monotonic()
            if has_ended(found):
                return found
        if deadline is not None and time.monotonic() + pause > deadline:
            raise TimeoutError(f"{what} has not ended after {timeout} s.")
        time.sleep(pause)
        pause = min(pause * 1.3, _LONGEST_PAUSE)
