"""The child process: imports the app once, then runs one job after the other as its parent sends them."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobsapi import apps, results, tasks
from jobsapi.errors import SetupError
from jobsapi.runner import current, processes
from jobsapi.runner.frames import Frames

if TYPE_CHECKING:
    from types import FrameType, TracebackType

__all__ = ["main"]

_OWN = str(Path(__file__).parent.parent)
_INLINE = 64 * 1024


class _Child:
    """One child's state: the socket to its parent and whether user code runs just now."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._pid = os.getpid()
        self._output = os.dup(1)  # the marker gets through also where the user's code closed stdout
        self._lock = threading.Lock()
        self._may_interrupt = False
        self._job: current.CurrentJob | None = None

    def tell(self, frame: dict[str, Any]) -> None:
        """Send a frame; progress may come from any thread."""
        with self._lock:
            self._frames.send(frame)

    def on_term(self, _number: int, _frame: FrameType | None) -> None:
        """A stop was asked for: the job's code is interrupted, so that its `finally` blocks run."""
        if self._job is not None:
            self._job.cancelled = True
        if self._may_interrupt:
            self._may_interrupt = False
            raise current.Stop

    def run_all(self) -> None:
        """Jobs until the parent is gone."""
        while (frame := self._frames.receive()) is not None:
            threads = set(threading.enumerate())
            self._job = current.CurrentJob(frame, self.tell)
            current.set_current(self._job)
            end = self._run(frame, self._job)
            if os.getpid() != self._pid:
                os._exit(0)  # the user's code forked and the copy came back here: there is one child, not two
            self._job.tell_progress()
            current.set_current(None)
            self._job = None
            _flush()
            os.write(self._output, frame["marker"].encode())
            leftovers = set(threading.enumerate()) - threads
            end["retire"] = bool([each for each in leftovers if each.is_alive()] or processes.descendants(os.getpid()))
            end["rss"] = _rss_mib()
            self.tell(end)

    def _run(self, frame: dict[str, Any], job: current.CurrentJob) -> dict[str, Any]:
        """Run one job; how it ended, as a frame."""
        task: tasks.Task | None = None
        try:
            task = tasks.get(frame["task"])
            self._may_interrupt = True
            value = task.call(frame["params"])
            task = None  # a value that cannot be an output would not be one the next time
            outputs = results.encode(value, job.saved, Path(frame["scratch"]), max_result=frame["max_result"])
            self._may_interrupt = False
            return {"kind": "done", "outputs": [_packed(each) for each in outputs]}
        except current.Stop:
            return {"kind": "stopped"}
        except BaseException as problem:  # noqa: BLE001 -- SystemExit and KeyboardInterrupt too end the job, not the child
            self._may_interrupt = False
            traceback.print_exception(problem)
            return {
                "kind": "raised",
                "type": type(problem).__qualname__,
                "message": _text(problem),
                "traceback": _own_frames(problem),
                "retryable": task is not None and task.is_worth_retrying(problem),
                "retry_after": problem.after if isinstance(problem, tasks.Retry) else None,
            }


def main() -> int:
    """Entry point: `python -m jobsapi.runner.child FD APP`."""
    processes.die_with_parent()
    processes.become_subreaper()
    with contextlib.suppress(OSError):  # Linux only, and not everywhere allowed
        Path("/proc/self/oom_score_adj").write_text("500")
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.set_inheritable(False)
    frames = Frames(sock)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    child = _Child(frames)
    signal.signal(signal.SIGTERM, child.on_term)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        module = apps.load(sys.argv[2] or None)
        if not logging.getLogger().handlers:
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        setup = getattr(module, "setup", None)
        if callable(setup):
            setup()
        described = tasks.described()
    except BaseException as problem:  # noqa: BLE001 -- whatever the user's module does at import
        is_ours = isinstance(problem, SetupError)
        told = f"jobsapi: {problem}\n" if is_ours else _own_frames(problem) or f"{_text(problem)}\n"
        child.tell({"kind": "broken", "traceback": told})
        return 1
    child.tell({"kind": "ready", "tasks": described})
    child.run_all()
    return 0


def _packed(output: results.Output) -> dict[str, Any]:
    packed: dict[str, Any] = {"name": output.name, "media_type": output.media_type, "filename": output.filename}
    if output.path is not None:
        packed["path"] = str(output.path)
    else:
        packed["data"] = (output.data or b"").decode("latin-1")
    packed["alternates"] = [_packed(each) for each in output.alternates]
    return packed


def _flush() -> None:
    """Write out what Python's and C's buffers hold."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the user's code may have closed it
            stream.flush()
    ctypes.CDLL(None).fflush(None)


def _text(problem: BaseException) -> str:
    try:
        return _sendable(str(problem)[:10_000])
    except Exception:  # noqa: BLE001 -- the user's own __str__
        return "(its message cannot be shown)"


def _own_frames(problem: BaseException) -> str:
    """The traceback without this package's and the import system's frames."""
    shortened = traceback.TracebackException(type(problem), problem, _skipped(problem.__traceback__))
    return _sendable("".join(shortened.format())[:100_000])


def _sendable(text: str) -> str:
    """Without what no UTF-8 has, such as the bytes of a file name that Python could not decode."""
    return text.encode(errors="replace").decode()


def _skipped(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith((_OWN, "<frozen importlib")):
            return trace
        trace = trace.tb_next
    return None


def _rss_mib() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20  # macOS: bytes, the highest so far
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


if __name__ == "__main__":
    sys.exit(main())
