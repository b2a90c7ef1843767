"""The child of `--threads`: many jobs at once, plain functions on threads and coroutines on one event loop."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from jobsapi.runner import current, memory, messages
from jobsapi.runner.calls import Calls
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
    """Runs up to `size` jobs at a time. A stop is asked for: nothing can interrupt a thread.

    The main thread reads, one thread sends, as many as needed run functions, and one runs the event loop once there is
    a coroutine. What costs a system call lets another thread have the interpreter, so nothing here does one per job.

    The parent may give more jobs than run; they begin in the order in which they came. A job whose end has not been
    sent counts as one that runs: at most `size` have begun of which the parent knows no end, the first of those it
    gave, so that it knows which ones a sudden end of this process struck.
    """

    def __init__(self, frames: Frames, size: int, scratch: Path, max_result: int) -> None:
        self._frames, self._size, self._scratch, self._max_result = frames, size, scratch, max_result
        self._pid = os.getpid()
        self._sender = Sender(frames, self._on_told)
        self._memory = memory.OwnSize(_SIZE_EVERY)
        self._waiting: dict[int, Execution] = {}
        self._executions: dict[int, Execution] = {}
        """Those that have begun."""
        self._untold = 0
        """How many ends were not sent yet."""
        self._calls = Calls(size)
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
            for message in received:
                if message["kind"] == "stop":
                    self._stop(message["job"])
                elif message["kind"] == "recall":
                    self._give_back(message["jobs"])
                else:
                    self._waiting[message["job"]] = self._execution(message)
            self._begin()

    def _begin(self) -> None:
        """Let jobs begin that may."""
        functions: list[Execution] = []
        coroutines: list[Execution] = []
        with self._lock:
            while self._waiting and len(self._executions) + self._untold < self._size:
                number = next(iter(self._waiting))
                execution = self._executions[number] = self._waiting.pop(number)
                (coroutines if execution.is_async else functions).append(execution)
        for execution in functions:
            self._calls.add(functools.partial(execution.context.run, self._call, execution))
        if coroutines:
            self._on_the_loop(self._await_all, coroutines)

    def _on_told(self, sent: list[Message]) -> None:
        ends = sum(message["kind"] in messages.ENDS for message in sent)
        with self._lock:
            self._untold -= ends
        if ends and self._waiting:
            self._begin()

    def _execution(self, message: Message) -> Execution:
        job = current.CurrentJob(message, self._scratch, self._max_result, self._sender.put, self._sender.put_output)
        context = self._context.copy()
        context.run(current.set_own, job)
        return Execution(job, message["job"], self._max_result, context)

    def _stop(self, number: int) -> None:
        with self._lock:
            has_begun = self._waiting.pop(number, None) is None
            execution = self._executions.get(number)
        if not has_begun:
            self._sender.put(messages.recalled(number))
        elif execution is not None:
            execution.job.ask_to_stop()
            if self._loop is not None:
                self._on_the_loop(execution.cancel)

    def _give_back(self, numbers: list[int]) -> None:
        with self._lock:
            back = [number for number in numbers if self._waiting.pop(number, None)]
        for number in back:
            self._sender.put(messages.recalled(number))

    # --- A plain function -------------------------------------------------------------------------------------------

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
            self._calls.add(functools.partial(execution.context.run, self._encode, execution, value))
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
        end["rss"] = self._memory.mib()
        with self._lock:
            del self._executions[execution.number]
            self._untold += 1
            runs_on = bool(self._executions)
        self._sender.add(end)
        if runs_on:
            self._sender.ring()
        else:
            self._sender.flush()  # nobody is held up
