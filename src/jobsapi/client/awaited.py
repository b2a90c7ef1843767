"""The client for asyncio: the same names, awaited; requests run in a few threads, who waits for a job holds none."""

from __future__ import annotations

import asyncio
import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from jobsapi.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator, Mapping

    from jobsapi.client.events import Event
    from jobsapi.client.handles import JobHandle
    from jobsapi.client.many import JobHandles
    from jobsapi.record import Job

__all__ = ["AsyncClient", "AsyncHandle", "AsyncHandles"]

_THREADS = 8
"""As many as the transport keeps connections."""

_AHEAD = 100
"""Events or items that are read before somebody takes them."""

_Given = ParamSpec("_Given")
_Got = TypeVar("_Got")
_END: Any = object()


def _awaited(
    method: Callable[Concatenate[Client, _Given], _Got],
) -> Callable[Concatenate[AsyncClient, _Given], Coroutine[Any, Any, _Got]]:
    """A method of `Client` that makes a request, as one to await."""

    async def call(self: AsyncClient, /, *args: _Given.args, **named: _Given.kwargs) -> _Got:
        return await self._run(method, self._client, *args, **named)

    functools.update_wrapper(call, method)
    return call


def _iterated(
    method: Callable[Concatenate[Client, _Given], Iterator[_Got]],
) -> Callable[Concatenate[AsyncClient, _Given], AsyncIterator[_Got]]:
    """A method of `Client` that fetches pages as they are needed, as one for `async for`."""

    async def iterate(self: AsyncClient, /, *args: _Given.args, **named: _Given.kwargs) -> AsyncIterator[_Got]:
        items = method(self._client, *args, **named)
        while (item := await self._run(next, items, _END)) is not _END:
            yield item

    functools.update_wrapper(iterate, method)
    return iterate


class AsyncHandle:
    """A job, awaited: `await handle` is its result, or raises as `JobHandle.result` does.

    To stop waiting (`asyncio.timeout`, a cancelled task) leaves the job alone; `cancel` stops it.
    """

    def __init__(self, client: AsyncClient, handle: JobHandle) -> None:
        """Made by `AsyncClient.submit` and `AsyncClient.handle`."""
        self._client, self._handle = client, handle

    @property
    def id(self) -> str:
        """The job's id."""
        return self._handle.id

    @property
    def future(self) -> JobHandle:
        """The handle as a `concurrent.futures.Future`, for code that knows these."""
        return self._handle

    def __await__(self) -> Generator[Any, None, Any]:
        return self.result().__await__()

    async def result(self) -> Any:
        """What the job's function returned, once it has ended. Raises as `JobHandle.result` does."""
        await self.wait()
        return await self._client._run(self._handle.result, 0)

    async def wait(self) -> Self:
        """Return when the job has ended, however that was; no thread is held meanwhile."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell(_handle: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set)

        self._handle.add_done_callback(tell)
        await ended.wait()
        return self

    async def exception(self) -> BaseException | None:
        """The JobFailed of a job that did not complete, or None, once it has ended."""
        await self.wait()
        return self._handle.exception(0)

    async def job(self) -> Job:
        """The job as it is now. Raises UnknownJob."""
        return await self._client._run(lambda: self._handle.job)

    async def status(self) -> str:
        """The status it has now."""
        return await self._client._run(lambda: self._handle.status)

    async def progress(self) -> dict[str, Any] | None:
        """How far it says it is, `{"fraction", "message"}`; None where it has not said."""
        return await self._client._run(lambda: self._handle.progress)

    async def running(self) -> bool:
        """Whether a worker runs it now."""
        return await self._client._run(self._handle.running)

    async def cancel(self) -> bool:
        """Stop the job wherever it is; False where it has ended already."""
        return await self._client._run(self._handle.cancel)

    def done(self) -> bool:
        """Whether it has ended; asks nobody."""
        return self._handle.done()

    def cancelled(self) -> bool:
        """Whether it ended because it was cancelled; asks nobody."""
        return self._handle.cancelled()

    async def logs(self) -> str:
        """What it wrote to stdout, stderr and logging so far."""
        return await self._client._run(self._handle.logs)

    def children(self) -> AsyncIterator[Job]:
        """The jobs that came after it, by `after` or `after_any`, newest first."""
        return _followed(self._handle.children())

    def events(self) -> AsyncIterator[Event]:
        """What happens to it, as it happens, until it has ended. Each loop over it has a thread of its own."""
        return _followed(self._handle.events())

    def __repr__(self) -> str:
        return repr(self._handle).replace("JobHandle", "AsyncHandle", 1)

    def _repr_html_(self) -> str:
        from jobsapi.notebook import job_html

        return job_html(self._handle.seen)


class AsyncHandles(list[AsyncHandle]):
    """The handles of jobs in the order in which they were sent."""

    def __init__(self, client: AsyncClient, handles: JobHandles) -> None:
        """Made by `AsyncClient.map` and `AsyncClient.sweep`."""
        super().__init__(AsyncHandle(client, each) for each in handles)
        self._client, self._handles = client, handles

    async def wait(self, *, bar: bool | None = None) -> Self:
        """The same once all have ended; `bar` as that of `JobHandles.wait`."""
        from jobsapi.client.bar import progress_bar

        with progress_bar(self._handles.label, len(self), is_wanted=bar) as tell:
            tell(0)
            for done, each in enumerate(asyncio.as_completed([each.wait() for each in self]), 1):
                await each
                tell(done)
        return self

    async def results(self, *, bar: bool | None = None, return_exceptions: bool = False) -> list[Any]:
        """What each returned, in order, once all have ended; see `JobHandles.results`."""
        await self.wait(bar=bar)
        return await self._client._run(self._handles.results, 0, bar=False, return_exceptions=return_exceptions)

    async def rows(self) -> list[dict[str, Any]]:
        """A row a job; see `JobHandles.rows`."""
        return await self._client._run(self._handles.rows)

    async def frame(self) -> Any:
        """The same as a frame; see `JobHandles.frame`."""
        return await self._client._run(self._handles.frame)

    async def cancel(self) -> int:
        """Stop all that have not ended; how many were asked to stop."""
        return await self._client._run(self._handles.cancel)

    def counts(self) -> dict[str, int]:
        """Status → how many jobs, as far as they were seen."""
        return self._handles.counts()

    def _repr_html_(self) -> str:
        return self._handles._repr_html_()


class AsyncClient:
    """`Client` for asyncio, with the same names and arguments.

    Requests go through eight threads, so more at a time wait for their turn; who waits for a job holds none of them.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, timeout: float = 60.0) -> None:
        """As `Client`."""
        self._client = Client(url, token, timeout=timeout)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="jobsapi-client")

    @property
    def url(self) -> str:
        """The API's address, without a slash at the end."""
        return self._client.url

    async def close(self) -> None:
        """Give the connections and threads back; handles whose jobs have not ended raise ApiUnavailable."""
        self._client.close()
        self._pool.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_problem: object) -> None:
        await self.close()

    def with_options(self, **options: Any) -> AsyncClient:
        """The same client, whose jobs have these options; see `Client.with_options`."""
        other = object.__new__(type(self))
        other._client, other._pool = self._client.with_options(**options), self._pool
        return other

    async def submit(self, task: str, /, **params: Any) -> AsyncHandle:
        """Send one job; its handle. Raises Invalid where the parameters do not fit."""
        return AsyncHandle(self, await self._run(self._client.submit, task, **params))

    async def handle(self, jid: str) -> AsyncHandle:
        """A handle of a job that is there already. Raises UnknownJob."""
        return AsyncHandle(self, await self._run(self._client.handle, jid))

    async def map(self, task: str, /, *iterables: Iterable[Any], **fixed: Any) -> AsyncHandles:
        """Send a job for each item; see `Client.map`."""
        return AsyncHandles(self, await self._run(self._client.map, task, *iterables, **fixed))

    async def sweep(self, task: str, sweep: Mapping[str, Iterable[Any]], /, **fixed: Any) -> AsyncHandles:
        """Send a job for every combination of values; see `Client.sweep`."""
        return AsyncHandles(self, await self._run(self._client.sweep, task, sweep, **fixed))

    add_job = _awaited(Client.add_job)
    add_jobs = _awaited(Client.add_jobs)
    add_sweep = _awaited(Client.add_sweep)
    get_job_by_id = _awaited(Client.get_job_by_id)
    list_jobs = _iterated(Client.list_jobs)
    children = _iterated(Client.children)
    cancel_job = _awaited(Client.cancel_job)
    retry_job = _awaited(Client.retry_job)
    remove_job = _awaited(Client.remove_job)
    wait_for_job = _awaited(Client.wait_for_job)
    get_results = _awaited(Client.get_results)
    save_results = _awaited(Client.save_results)
    get_logs = _awaited(Client.get_logs)
    get_batch = _awaited(Client.get_batch)
    list_batches = _iterated(Client.list_batches)
    wait_for_batch = _awaited(Client.wait_for_batch)
    cancel_batch = _awaited(Client.cancel_batch)
    batch_results = _iterated(Client.batch_results)
    batch_csv = _iterated(Client.batch_csv)
    save_batch_results = _awaited(Client.save_batch_results)
    tasks = _awaited(Client.tasks)
    task = _awaited(Client.task)
    queues = _awaited(Client.queues)
    pause_queue = _awaited(Client.pause_queue)
    resume_queue = _awaited(Client.resume_queue)
    workers = _awaited(Client.workers)
    drain_worker = _awaited(Client.drain_worker)
    list_schedules = _awaited(Client.list_schedules)
    get_schedule = _awaited(Client.get_schedule)
    add_schedule = _awaited(Client.add_schedule)
    remove_schedule = _awaited(Client.remove_schedule)
    load_data = _awaited(Client.load_data)
    search_data = _iterated(Client.search_data)
    get_data = _awaited(Client.get_data)
    datasets = _awaited(Client.datasets)

    async def _run(self, function: Callable[..., _Got], /, *args: Any, **named: Any) -> _Got:
        return await asyncio.get_running_loop().run_in_executor(self._pool, functools.partial(function, *args, **named))


async def _followed(items: Iterator[_Got]) -> AsyncIterator[_Got]:
    """What a blocking iterator gives, read by a thread of its own, which ends with the loop over it."""
    loop = asyncio.get_running_loop()
    taken: asyncio.Queue[Any] = asyncio.Queue()
    room, is_over = threading.Semaphore(_AHEAD), threading.Event()

    def tell(item: Any) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(taken.put_nowait, item)

    def read() -> None:
        try:
            for item in items:
                tell((item, None))
                room.acquire()
                if is_over.is_set():
                    return
            tell((_END, None))
        except Exception as problem:  # noqa: BLE001 -- raised where it is awaited
            tell((_END, problem))

    threading.Thread(target=read, name="jobsapi-events", daemon=True).start()
    try:
        while True:
            item, problem = await taken.get()
            if problem is not None:
                raise problem
            if item is _END:
                return
            room.release()
            yield item
    finally:
        is_over.set()
        room.release()
