"""One child process of a pool: started, given a job, read from, stopped, reaped."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi.results import Output as ResultOutput
from jobsapi.runner import processes
from jobsapi.runner.events import Died, Done, Event, OutOfMemory, Output, Progress, Raised, Stopped, Work
from jobsapi.runner.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobsapi.runner.memory import OomKills, Watch

__all__ = ["Slot"]

_READ = 64 * 1024


class Slot:
    """A child and the job it runs. The end of a job is told when its end frame and its output's marker have come."""

    def __init__(self, app: str | None, environ: Mapping[str, str], watch: Watch, oom_kills: OomKills) -> None:
        self._watch, self._oom_kills = watch, oom_kills
        ours, its = socket.socketpair()
        self.out_fd, out_write = os.pipe()
        os.set_blocking(self.out_fd, False)
        ours.setblocking(False)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jobsapi.runner.child", str(its.fileno()), app or ""],
            stdin=subprocess.DEVNULL,
            stdout=out_write,
            stderr=out_write,
            pass_fds=[its.fileno()],
            start_new_session=True,
            env=dict(environ),
        )
        its.close()
        os.close(out_write)
        self.frames = Frames(ours)
        self.pid = self.process.pid
        self.is_ready = False
        self.is_ended = False
        self.is_retired = False
        self.import_output = b""
        """What the app wrote while it was imported: shown where the import fails."""
        self.jobs_run = 0
        self.rss_mib = 0
        self.work: Work | None = None
        self.stop_why: str | None = None
        self.moment: float | None = None
        """When to act next: at the timeout, or, once a stop was asked for, when patience ends (monotonic)."""
        self._scratch = Path()
        self._marker = b""
        self._pending = b""
        self._end: dict[str, Any] | None = None
        self._is_output_complete = False

    def run(self, work: Work, scratch: Path, max_result: int) -> None:
        """Give it a job."""
        self.work, self._scratch, self._end, self.stop_why = work, scratch, None, None
        self._marker = f"\x00{secrets.token_hex(16)}\x00".encode()
        self._pending, self._is_output_complete = b"", False
        self._drop_stray_output()
        self.moment = time.monotonic() + work.timeout if work.timeout else None
        if work.memory_mb:
            self._watch.begin(self.pid, work.memory_mb << 20)
        self.frames.sock.setblocking(True)  # parameters of a megabyte do not fit into the socket at once
        try:
            self.frames.send(
                {
                    "id": work.id,
                    "token": work.token,
                    "task": work.task,
                    "params": orjson.Fragment(work.params),
                    "attempt": work.attempt,
                    "started": work.started,
                    "parents": list(work.parents),
                    "scratch": str(scratch),
                    "max_result": max_result,
                    "marker": self._marker.decode(),
                }
            )
        except OSError:
            pass  # it died just now: its end is noticed as any child's
        finally:
            self.frames.sock.setblocking(False)

    def stop(self, why: str, grace: float) -> None:
        """Ask it to stop; a second call with less patience counts, a weaker one does not."""
        if self.stop_why is None:
            self.stop_why = why
            self.moment = time.monotonic() + grace
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it ended just now
                os.killpg(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and everything it started."""
        self.moment = None
        processes.kill_tree(self.pid)

    def read_output(self) -> list[Event]:
        """What came on stdout and stderr, up to the job's marker; a few reads, so that no child starves others."""
        events: list[Event] = []
        for _ in range(4):
            try:
                data = os.read(self.out_fd, _READ)
            except BlockingIOError:
                break
            if not data:
                break
            events += self._split(data)
        return events + self._finished()

    def _split(self, data: bytes) -> list[Event]:
        if self.work is None or self._is_output_complete:
            if not self.is_ready:
                self.import_output = (self.import_output + data)[-_READ:]
            return []
        text, marker, _ = (self._pending + data).partition(self._marker)
        self._pending = b""
        if marker:
            self._is_output_complete = True
        else:
            kept = _begun(text, self._marker)
            text, self._pending = text[: len(text) - kept], text[len(text) - kept :]
        return [Output(self.work.id, text)] if text else []

    def take(self, frame: dict[str, Any]) -> list[Event]:
        """A frame from the child while it has a job."""
        assert self.work is not None
        if frame["kind"] == "progress":
            return [Progress(self.work.id, frame["fraction"], frame["message"])]
        self._end = frame
        return self._finished()

    def _finished(self) -> list[Event]:
        """The end of the job, once both its frame and its marker are here."""
        if self.work is None or self._end is None or not self._is_output_complete:
            return []
        frame, work = self._end, self.work
        self.jobs_run, self.rss_mib = self.jobs_run + 1, frame["rss"]
        was_killed = self._watch.end(self.pid) is not None  # after it told its end: that end counts
        self.is_retired = frame["retire"] or was_killed or self.stop_why is not None
        self.work, self.moment = None, None
        if frame["kind"] == "done":
            return [Done(work.id, [_unpacked(each) for each in frame["outputs"]], self._scratch)]
        self._discard()
        if frame["kind"] == "raised":
            told = (frame["type"], frame["message"], frame["traceback"], frame["retryable"], frame["retry_after"])
            return [Raised(work.id, *told)]
        return [Stopped(work.id, self.stop_why or "cancelled")]

    def ended(self) -> list[Event]:
        """It is gone: reap it, read the rest of its output, and tell the end of its job."""
        processes.kill_tree(self.pid)  # what it left behind
        too_much = self._watch.end(self.pid)
        code = self.process.wait()
        self.is_ended = True
        events: list[Event] = []
        for _ in range(64):  # a grandchild that got away may hold the pipe: read what is there, not to the end
            found = self.read_output()
            if not found:
                break
            events += found
        if self.work is not None:
            if self._pending:
                events.append(Output(self.work.id, self._pending))
            events.append(self._sudden_end(self.work.id, code, too_much))
            self.work = None
            self._discard()
        return events

    def _sudden_end(self, job_id: str, code: int, too_much: str | None) -> Event:
        """How its job ended together with it."""
        if self.stop_why is not None:
            return Stopped(job_id, self.stop_why)
        if too_much is not None:
            return OutOfMemory(job_id, too_much)
        if code == -signal.SIGKILL and self._oom_kills.struck():
            return OutOfMemory(
                job_id, "The kernel ended its process, because its machine or container ran out of memory."
            )
        return Died(job_id, -code if code < 0 else None, code if code >= 0 else None)

    def close(self) -> None:
        """Give its descriptors back."""
        self.frames.sock.close()
        os.close(self.out_fd)

    def _discard(self) -> None:
        """Remove the files of outputs that nobody will store."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _drop_stray_output(self) -> None:
        """What came after the last job's marker belongs to no job."""
        for _ in range(64):
            try:
                if not os.read(self.out_fd, _READ):
                    return
            except BlockingIOError:
                return


def _begun(text: bytes, marker: bytes) -> int:
    """How many bytes at the end of `text` may be the beginning of `marker`."""
    start = text.rfind(marker[:1], max(0, len(text) - len(marker) + 1))
    while start >= 0:
        if marker.startswith(text[start:]):
            return len(text) - start
        start = text.rfind(marker[:1], max(0, len(text) - len(marker) + 1), start)
    return 0


def _unpacked(packed: dict[str, Any]) -> ResultOutput:
    return ResultOutput(
        name=packed["name"],
        media_type=packed["media_type"],
        data=packed["data"].encode("latin-1") if "data" in packed else None,
        path=Path(packed["path"]) if "path" in packed else None,
        filename=packed["filename"],
        alternates=tuple(_unpacked(each) for each in packed["alternates"]),
    )
