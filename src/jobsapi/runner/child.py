"""The child process: imports the app once, then runs jobs as its parent sends them."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobsapi import apps, tasks
from jobsapi.errors import SetupError
from jobsapi.runner import processes
from jobsapi.runner.execution import own_frames, text_of
from jobsapi.runner.frames import Frames
from jobsapi.runner.solo import Solo

if TYPE_CHECKING:
    from jobsapi.runner.threads import Threads

__all__ = ["main"]


def main() -> int:
    """Entry point: `python -m jobsapi.runner.child FD APP THREADS SCRATCH MAX_RESULT`; 0 threads: one job at a time."""
    fd, app, threads, scratch, max_result = sys.argv[1:]
    processes.die_with_parent()
    processes.become_subreaper()
    with contextlib.suppress(OSError):  # Linux only, and not everywhere allowed
        Path("/proc/self/oom_score_adj").write_text("500")
    sock = socket.socket(fileno=int(fd))
    sock.set_inheritable(False)
    frames = Frames(sock)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    host = _host(frames, int(threads), Path(scratch), int(max_result))
    try:
        described = _prepared(app)
    except BaseException as problem:  # noqa: BLE001 -- whatever the user's module does at import
        is_ours = isinstance(problem, SetupError)
        told = f"jobsapi: {problem}\n" if is_ours else own_frames(problem, app) or f"{text_of(problem)}\n"
        frames.send([{"kind": "broken", "traceback": told}])
        return 1
    frames.send([{"kind": "ready", "tasks": described}])
    host.run_all()
    return 0


def _host(frames: Frames, threads: int, scratch: Path, max_result: int) -> Solo | Threads:
    """What runs the jobs; made before the app is imported, which writes to the streams that this sets up."""
    if not threads:
        return Solo(frames, scratch, max_result)
    from jobsapi.runner.threads import Threads  # and with it asyncio, which takes a while

    return Threads(frames, threads, scratch, max_result)


def _prepared(app: str) -> list[dict[str, object]]:
    """Import the app and set it up; its tasks as `Task.described()` gives them."""
    module = apps.load(app or None)
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    setup = getattr(module, "setup", None)
    if callable(setup):
        setup()
    return tasks.described()


if __name__ == "__main__":
    sys.exit(main())
