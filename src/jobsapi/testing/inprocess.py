"""A worker inside the test's own process: jobs run where a debugger, coverage and monkeypatches reach them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime
import inspect
import sys
from typing import TYPE_CHECKING, Any, cast

import orjson

from jobsapi import finish, jobs, registry, results, schedules, tasks, upkeep
from jobsapi.client.values import Received, read_value
from jobsapi.errors import JobFailed
from jobsapi.record import Job
from jobsapi.runner import messages
from jobsapi.runner.current import CurrentJob, Parent, set_only
from jobsapi.runner.execution import Execution
from jobsapi.states import ENDED, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TextIO

    from jobsapi.claims import Claim
    from jobsapi.store import Store
    from jobsapi.testing.clock import Clock

__all__ = ["FinishedJob", "InProcessWorker", "RunJob"]

_LEASE = 24 * 3600.0
"""Seconds. Nobody renews a claim here, and a debugger may hold it for long."""

_MOST = 10_000
"""Jobs after which `run_all` gives up: tasks that submit their own kind again."""

_ENDED = {status.value for status in ENDED}


class FinishedJob(Job):
    """A job that has ended: its record (`job.status`, `job.error`, `job.attempts` …), its result and its log."""

    _store: Store
    _problem: BaseException | None

    def result(self) -> Any:
        """What its function returned, as `JobHandle.result` gives it to a user of the API.

        Raises JobFailed where it did not complete, with the exception of its last attempt as the cause.
        """
        if self.status != Status.COMPLETE.value:
            raise JobFailed(self) from self._problem
        record = jobs.with_results(jobs.get_record(self._store, self.id))
        place = (self._store, self.id, record.token, record.descriptor, record.inline)

        def read(name: str | None, accept: str | None) -> Received:
            if name is None:
                opened = results.open_result(*place, accept=accept)
            else:
                opened = results.open_output(*place, name=name, accept=accept)
            return Received(opened.media_type, opened.filename or "", b"".join(opened.read()))

        return read_value(self.id, read)

    def exception(self) -> BaseException | None:
        """What its last attempt raised, the object itself; None where it returned, and where it ran elsewhere."""
        return self._problem

    def logs(self) -> str:
        """What it printed, in all its attempts."""
        return jobs.get_logs(self.id, store=self._store).decode(errors="replace")


class InProcessWorker:
    """Runs jobs of the tasks that this process has registered, one at a time, when it is told to.

    Everything is as with a real worker, attempts, back-offs, dependencies, limits, results as bytes, but for what needs
    a process to itself: `timeout` and `memory_mb` are not enforced, a cancel does not interrupt, and the log holds
    what Python code prints. `start_worker` starts a real one.
    """

    def __init__(self, store: Store, scratch: Path) -> None:
        self.id = "in-process"
        self._store, self._scratch = store, scratch
        self._problems: dict[str, BaseException | None] = {}
        self._told: list[dict[str, Any]] = []
        self._runs = 0

    def run_next(self) -> Job | None:
        """Run the job that is first in line, once; the job then. None where nothing is ready."""
        self.publish()
        upkeep.run(self._store)
        for _ in range(_MOST):
            if upkeep.move(self._store) > 0:
                break
        counts = jobs.count_jobs(self._store)
        waiting = sorted({queue for status, queue, _, count, _ in counts if status == Status.SUBMITTED and count})
        wanted = {queue: list(tasks.registered()) for queue in waiting}
        claims = jobs.claim_jobs(self._store, self.id, wanted, 1, _LEASE) if wanted else []
        if not claims:
            return None
        self._run(claims[0])
        return self.job(claims[0].id)

    def run_all(self) -> list[Job]:
        """Run whatever is ready, and what that makes ready, until nothing is; each run's job, in their order."""
        done: list[Job] = []
        for _ in range(_MOST):
            job = self.run_next()
            if job is None:
                return done
            done.append(job)
        raise AssertionError(f"{_MOST:,} jobs ran and there are more: does a task submit its own kind again?")

    def job(self, jid: str) -> Job:
        """The job of that id, as a FinishedJob where it has ended. Raises UnknownJob."""
        job = jobs.get_job_by_id(jid, store=self._store)
        if job.status not in _ENDED:
            return job
        finished = FinishedJob(job)
        finished._store, finished._problem = self._store, self._problems.get(jid)
        return finished

    # --- One run ----------------------------------------------------------------------------------------------------

    def publish(self) -> None:
        """Tell the tasks of this process and their schedules, as a worker does at its start, or anew."""
        described = tasks.described()
        if described != self._told:
            registry.publish(self._store, described)
            schedules.publish(self._store, self.id, described)
            self._told = described

    def _run(self, claim: Claim) -> None:
        self._runs += 1
        params = orjson.loads(claim.params)
        about = {"id": claim.id, "token": claim.token, "task": claim.task, "params": params, "job": self._runs}
        about |= {"attempt": claim.attempt, "started": claim.started, "parents": claim.parents}
        limit = self._store.settings.max_result
        job = CurrentJob(about, self._scratch, limit, lambda message: self._tell(claim, message))
        job.parents = [cast("Parent", _StoredParent(each, self._store)) for each in claim.parents]
        execution = Execution(job, self._runs, limit)
        out, err = _Tee(sys.stdout), _Tee(sys.stderr)
        printed: list[str] = []
        out.kept = err.kept = printed
        set_only(job)
        self._problems[claim.id] = None
        try:
            with contextlib.redirect_stdout(cast("TextIO", out)), contextlib.redirect_stderr(cast("TextIO", err)):
                end = self._end(execution)
            job.tell_progress()
        finally:
            set_only(None)
        if text := "".join(printed).encode(errors="replace"):
            jobs.append_log(self._store, claim.id, claim.token, 0, text)
        event = messages.event_of(end, claim.id, lambda: job.scratch, None)
        finish.ending(self._store, claim, cast("finish.End", event))()

    def _end(self, execution: Execution) -> dict[str, Any]:
        """KeyboardInterrupt, and what pytest itself raises, goes through: it is the test's, not the job's."""
        try:
            return execution.returned(_value(execution.begin()))
        except (Exception, SystemExit) as problem:  # noqa: BLE001
            self._problems[execution.job.id] = problem
            return execution.raised(problem)

    def _tell(self, claim: Claim, message: dict[str, Any]) -> None:
        jobs.report_progress(self._store, claim.id, claim.token, message["fraction"], message["message"])


class RunJob:
    """`run_job(task, **params)`: a job submitted and run to its end in this process.

    Where it waits for a time, a delay or a back-off, the clock is moved there; where it comes after other jobs, those
    are run first.
    """

    def __init__(
        self, store: Store, worker: InProcessWorker, clock: Clock, options: dict[str, Any] | None = None
    ) -> None:
        self._store, self._worker, self._clock = store, worker, clock
        self._options = options or {}

    def with_options(self, **options: Any) -> RunJob:
        """The same with options of the job: `run_job.with_options(max_attempts=3)("flaky", city="Yuma")`."""
        return RunJob(self._store, self._worker, self._clock, self._options | options)

    def __call__(self, task: str | Callable[..., Any], /, **params: Any) -> FinishedJob:
        """The job once it has ended, however that was. `task`: the function or its name.

        Raises Invalid for parameters that do not fit, as the API refuses them.
        """
        self._worker.publish()
        made = jobs.add_job(task, params, store=self._store, **self._options)
        for _ in range(_MOST):
            self._worker.run_all()
            job = self._worker.job(made.id)
            if isinstance(job, FinishedJob):
                return job
            if job.status != Status.SCHEDULED.value or not job.run_at:
                break
            self._clock.freeze(max(datetime.datetime.fromisoformat(job.run_at), self._clock.now))
        paused = ", which is paused" if job.queue in jobs.paused_queues(self._store) else ""
        why = job.get("advice") or f"it is in the queue {job.queue!r}{paused}."
        raise AssertionError(f"The job stays {job.status}: {why}")


class _StoredParent:
    """A job that the current one came after, in the test's own store."""

    def __init__(self, jid: str, store: Store) -> None:
        self.id, self._store = jid, store

    @property
    def result(self) -> Any:
        return jobs.get_results(self.id, store=self._store)


class _Tee:
    """A text stream that keeps what is written to it, and passes it on, so that pytest shows it with the test."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.kept: list[str] = []

    def write(self, text: str) -> int:
        self.kept.append(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _value(outcome: Any) -> Any:
    """The value of a call; a coroutine is run to its end, in a thread of its own where a test runs an event loop."""
    if not inspect.iscoroutine(outcome):
        return outcome
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(outcome)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, outcome).result()
