"""The child of `--threads`: many jobs at once, plain functions on threads and coroutines on one event loop."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import os
import queue
import signal
import threading
from typing import TYPE_CHECKING, Any

from jobsapi.runner import current, memory, messages
from jobsapi.runner.execution import Execution
from jobsapi.runner.printing import route_streams
from jobsapi.runner.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from jobsapi.runner.frames import Frames, Message

__all__ = ["Threads"]

_SIZE_EVERY = 1.0


class Threads:
    """Runs up to `size` jobs at a time; the parent gives no more. A stop is asked for: nothing can interrupt a thread.

    The main thread reads, one thread sends, as many as needed run functions, and one runs the event loop once there is
    a coroutine. What costs a system call lets another thread have the interpreter, so nothing here does one per job.
    """

    def __init__(self, frames: Frames, size: int, scratch: Path, max_result: int) -> None:
        self._frames, self._size, self._scratch, self._max_result = frames, size, scratch, max_result
        self._pid = os.getpid()
        self._sender = Sender(frames)
        self._memory = memory.OwnSize(_SIZE_EVERY)
        self._executions: dict[int, Execution] = {}
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._started = 0
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = contextvars.Context()
        route_streams()
        # the parent asks by message. Not SIG_IGN: what jobs start would inherit that
        signal.signal(signal.SIGTERM, lambda _number, _frame: None)

    def run_all(self) -> None:
        """Jobs until the parent is gone."""
        self._context = contextvars.copy_context()  # what the app set while it was imported holds in every job
        self._sender.start()
        while (received := self._frames.receive()) is not None:
            coroutines = []
            for message in received:
                if message["kind"] == "stop":
                    self._stop(message["job"])
                    continue
                execution = self._executions[message["job"]] = self._execution(message)
                if execution.is_async:
                    coroutines.append(execution)
                else:
                    self._on_a_thread(execution, self._call, execution)
            if coroutines:
                self._on_the_loop(self._await_all, coroutines)

    def _execution(self, message: Message) -> Execution:
        job = current.CurrentJob(message, self._scratch, self._max_result, self._sender.put, self._sender.put_output)
        context = self._context.copy()
        context.run(current.set_own, job)
        return Execution(job, message["job"], self._max_result, context)

    def _stop(self, number: int) -> None:
        execution = self._executions.get(number)
        if execution is not None:
            execution.job.ask_to_stop()
            if self._loop is not None:
                self._on_the_loop(execution.cancel)

    # --- A plain function -------------------------------------------------------------------------------------------

    def _on_a_thread(self, execution: Execution, act: Callable[..., None], *arguments: Any) -> None:
        """Do something for a job on a thread of the pool, which grows with the jobs there are."""
        with self._lock:
            is_short = self._started < min(self._size, len(self._executions))
            self._started += is_short
        if is_short:
            threading.Thread(target=self._work, name=f"jobsapi-{self._started}", daemon=True).start()
        self._calls.put(functools.partial(execution.context.run, act, *arguments))

    def _work(self) -> None:
        while True:
            self._calls.get()()

    def _call(self, execution: Execution) -> None:
        try:
            execution.job.raise_if_asked_to_stop()
            outcome = execution.begin()
            if inspect.iscoroutine(outcome):  # a plain function that gives one, as some decorators make
                execution.context = contextvars.copy_context()  # ours is entered until this function is left
                self._on_the_loop(self._await_all, [execution], outcome)
                return
            end = execution.returned(outcome)
        except BaseException as problem:  # noqa: BLE001 -- SystemExit and KeyboardInterrupt too end the job, not the child
            end = self._raised(execution, problem)
        self._end(execution, end)

    def _encode(self, execution: Execution, value: Any) -> None:
        try:
            end = execution.returned(value)
        except BaseException as problem:  # noqa: BLE001 -- the same, from the value's own code
            end = self._raised(execution, problem)
        self._end(execution, end)

    # --- A coroutine ------------------------------------------------------------------------------------------------

    def _on_the_loop(self, act: Callable[..., None], *arguments: Any) -> None:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="jobsapi-loop", daemon=True).start()
        self._loop.call_soon_threadsafe(act, *arguments)

    def _await_all(self, executions: list[Execution], begun: Coroutine[Any, Any, Any] | None = None) -> None:
        assert self._loop is not None
        for each in executions:
            self._loop.create_task(self._await(each, begun), context=each.context)

    async def _await(self, execution: Execution, begun: Coroutine[Any, Any, Any] | None) -> None:
        execution.awaited = asyncio.current_task()  # the loop itself holds it weakly
        try:
            execution.job.raise_if_asked_to_stop()
            value = await (begun or execution.begin())
        except BaseException as problem:  # noqa: BLE001 -- asyncio would end the loop for SystemExit and KeyboardInterrupt
            self._end(execution, self._raised(execution, problem))
            return
        finally:
            execution.awaited = None
        if execution.may_have_files(value):  # to make a file of a frame or a figure would hold up the loop
            execution.context = contextvars.copy_context()  # ours is entered until this step is over
            self._on_a_thread(execution, self._encode, execution, value)
        else:
            self._encode(execution, value)

    # --- The end ----------------------------------------------------------------------------------------------------

    def _raised(self, execution: Execution, problem: BaseException) -> Message:
        is_stopped = isinstance(problem, current.Stop | asyncio.CancelledError) and execution.job.is_asked_to_stop
        if is_stopped or execution.job.has_seen_stop:
            return messages.stopped(execution.number)
        return execution.raised(problem)

    def _end(self, execution: Execution, end: Message) -> None:
        if os.getpid() != self._pid:
            os._exit(0)  # the user's code forked and the copy came back here: there is one child, not two
        job = execution.job
        if job.has_seen_stop:  # it looked, was told to stop, and came back: what it gave is not its result
            end = messages.stopped(execution.number)
        job.tell_progress()
        job.tell_printed()
        del self._executions[execution.number]
        end["rss"] = self._memory.mib()
        if self._executions or job.has_told:
            self._sender.put(end)
        else:
            self._sender.send(end)  # nobody is held up, and nothing can come before it
