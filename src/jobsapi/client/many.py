"""Handles of many jobs that were sent together: waited for with a bar, their results in order, or as one table."""

from __future__ import annotations

import concurrent.futures
import importlib
import importlib.util
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from jobsapi.client.bar import progress_bar
from jobsapi.client.handles import JobHandle
from jobsapi.client.transport import path_of
from jobsapi.notebook import jobs_html

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from jobsapi.client.transport import Transport

__all__ = ["JobHandles"]


class JobHandles(list[JobHandle]):
    """The handles of jobs in the order in which they were sent; `as_completed(handles)` has them as they end."""

    def __init__(self, handles: Iterable[JobHandle], transport: Transport, label: str, batches: list[str]) -> None:
        """Made by `Client.map` and `Client.sweep`."""
        super().__init__(handles)
        self.batches = batches
        """The ids of the batches that they are, one for every 10,000."""
        self._transport = transport
        self.label = label
        """The name of the task."""

    def wait(self, timeout: float | None = None, *, bar: bool | None = None) -> JobHandles:
        """The same once all have ended, however that was; a bar shows how far they are.

        `bar`: None shows one in a terminal and in a notebook. Raises TimeoutError after `timeout` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with progress_bar(self.label, len(self), is_wanted=bar) as tell:
            done = sum(each.done() for each in self)
            tell(done)
            left: set[Future[Any]] = {each for each in self if not each.done()}
            while left:
                seconds = None if deadline is None else max(0.0, deadline - time.monotonic())
                ended, left = concurrent.futures.wait(left, seconds, concurrent.futures.FIRST_COMPLETED)
                if not ended:
                    raise TimeoutError(f"{len(left):,} of {len(self):,} jobs have not ended after {timeout} s.")
                tell(len(self) - len(left))
        return self

    def results(
        self, timeout: float | None = None, *, bar: bool | None = None, return_exceptions: bool = False
    ) -> list[Any]:
        """What each returned, in order, once all have ended. Raises as `wait` does.

        The first JobFailed or CancelledError is raised, or, with `return_exceptions`, each stands where a result would.
        """
        found: list[Any] = []
        for each in self.wait(timeout, bar=bar):
            try:
                found.append(each.result(0))
            except Exception as problem:
                if not return_exceptions:
                    raise
                found.append(problem)
        return found

    def rows(self) -> list[dict[str, Any]]:
        """A row a job, as `Client.batch_results` has them: id, status, reason, its parameters, `result.…`."""
        paths = [path_of("batches", batch, "results") for batch in self.batches]
        return [row for path in paths for row in self._transport.pages(path, "rows", {"format": "json"})]

    def frame(self) -> Any:
        """The same as a pandas frame, or a polars one where there is no pandas. Raises ImportError without both."""
        library = "pandas" if importlib.util.find_spec("pandas") else "polars"
        return importlib.import_module(library).DataFrame(self.rows())

    def cancel(self) -> int:
        """Stop all that have not ended; how many were asked to stop. `wait` returns when they are gone."""
        asked = sum(not each.done() for each in self)
        for batch in self.batches if asked else ():
            self._transport.json("POST", path_of("batches", batch, "cancel"))
        return asked

    def counts(self) -> dict[str, int]:
        """Status → how many jobs, as far as they were seen."""
        return dict(Counter(str(each.seen["status"]) for each in self))

    def __repr__(self) -> str:
        told = ", ".join(f"{count:,} {status}" for status, count in self.counts().items())
        return f"<JobHandles {self.label}: {told or 'none'}>"

    def _repr_html_(self) -> str:
        return jobs_html(each.seen for each in self)
