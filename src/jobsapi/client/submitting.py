"""`submit`, `map` and `sweep`: jobs whose ends are waited for in the background."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from jobsapi.client.handles import JobHandle
from jobsapi.client.many import JobHandles
from jobsapi.client.transport import path_of
from jobsapi.errors import FieldError, Invalid
from jobsapi.record import Job

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobsapi.client.transport import Transport
    from jobsapi.client.watcher import Watcher

__all__ = ["Submitting"]

_AT_ONCE = 10_000
"""Jobs that one request may hold."""


class Submitting:
    """The part of a client that gives handles."""

    _transport: Transport
    _watcher: Watcher
    _options: dict[str, Any]

    def with_options(self, **options: Any) -> Self:
        """The same client, whose jobs have these options: `client.with_options(queue="long").submit("plot", start=1)`.

        So they are apart from the parameters of tasks, which may have the same names. The options are those of
        `add_job`: queue, priority, timeout, max_attempts, backoff, delay, after, key, tags …
        """
        other = copy.copy(self)
        other._options = self._options | options
        return other

    def submit(self, task: str, /, **params: Any) -> JobHandle:
        """Send one job; its handle, at once. Raises Invalid where the parameters do not fit.

        A request that was cut off is sent again, and is heard once.
        """
        body = {"task": task, "params": params, **self._options}
        return self._watched([Job(self._transport.submit("/jobs", body))])[0]

    def handle(self, jid: str) -> JobHandle:
        """A handle of a job that is there already. Raises UnknownJob."""
        return self._watched([Job(self._transport.json("GET", path_of("jobs", jid)))])[0]

    def map(self, task: str, /, *iterables: Iterable[Any], **fixed: Any) -> JobHandles:
        """Send a job for each item; their handles, in order, at once.

        With one iterable of dicts each dict is a job's parameters: `map("plot", [{"start": 1}, {"start": 2}])`. Else
        the iterables' items are the task's first, second … parameter, up to the end of the shortest: `map("pi", [10,
        100])`. `fixed`: parameters that all have. Up to 10,000 jobs are taken or refused together, and are one batch.
        Raises Invalid.
        """
        every = self._params(task, iterables)
        handles: list[JobHandle] = []
        batches: list[str] = []
        while chunk := list(itertools.islice(every, _AT_ONCE)):
            requests = [{"task": task, "params": {**fixed, **params}, **self._options} for params in chunk]
            made = self._transport.submit("/jobs", requests)
            batches.append(made["batch"])
            handles += self._of_batch(made, task, [each["params"] for each in requests])
        return JobHandles(handles, self._transport, task, batches)

    def sweep(self, task: str, sweep: Mapping[str, Iterable[Any]], /, **fixed: Any) -> JobHandles:
        """Send a job for every combination of values: `sweep("pi", {"points": [10, 100], "seed": range(3)})`.

        The last name's values go fastest. `fixed`: parameters that all have. It is one batch. Raises Invalid.
        """
        values = {name: each if isinstance(each, str | dict) else list(each) for name, each in sweep.items()}
        made = self._transport.submit("/jobs", {"task": task, "sweep": values, "params": fixed, **self._options})
        params = None
        if all(isinstance(each, list) for each in values.values()):  # the API alone reads ranges
            points = itertools.product(*values.values())
            params = [{**fixed, **dict(zip(values, each, strict=True))} for each in points]
        return JobHandles(self._of_batch(made, task, params), self._transport, task, [made["batch"]])

    def _params(self, task: str, iterables: tuple[Iterable[Any], ...]) -> Iterator[Mapping[str, Any]]:
        """The parameters of each job. Raises Invalid where the task has fewer parameters than there are iterables."""
        if not iterables:
            raise TypeError("map needs at least one iterable")
        rows = zip(*iterables, strict=False)
        first = next(rows, None)
        if first is None:
            return
        every = itertools.chain([first], rows)
        if len(iterables) == 1 and isinstance(first[0], Mapping):
            yield from (row[0] for row in every)
            return
        names = list(self._transport.json("GET", path_of("tasks", task))["schema"].get("properties", {}))
        if len(names) < len(iterables):
            detail = f"{task} has {len(names)} parameters ({', '.join(names) or 'none'}), not {len(iterables)}"
            raise Invalid(f"{detail}.", errors=[FieldError("/params", detail)])
        yield from (dict(zip(names, row, strict=False)) for row in every)

    def _of_batch(self, made: dict[str, Any], task: str, params: list[dict[str, Any]] | None) -> list[JobHandle]:
        """Handles of a batch. The answer to its submit has ids and statuses; the rest is known from the request."""
        known = {"task": task, "reason": None, "progress": None, "error": None, "batch": made["batch"]}
        every = params or [{}] * len(made["jobs"])
        jobs = [Job(known | {"params": its} | each) for each, its in zip(made["jobs"], every, strict=True)]
        return self._watched(jobs, made["batch"])

    def _watched(self, jobs: list[Job], batch: str | None = None) -> list[JobHandle]:
        handles = [JobHandle(self._transport, job) for job in jobs]
        self._watcher.watch(handles, batch)
        return handles
