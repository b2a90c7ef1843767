"""A program's line to its renewer: starts the process, tells it what is held, hears what shall stop."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from typing import Any

__all__ = ["Link", "Messages"]


class Messages:
    """JSON objects, one a line, on one end of a socket pair."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._unread = b""
        self._sending = threading.Lock()

    def fileno(self) -> int:
        """The descriptor, for select."""
        return self._end.fileno()

    def send(self, **message: Any) -> bool:
        """Send one message; False where nobody is at the other end any more."""
        with self._sending:
            try:
                self._end.sendall(json.dumps(message).encode() + b"\n")
            except (BrokenPipeError, ConnectionResetError):
                return False
        return True

    def received(self) -> tuple[list[dict[str, Any]], bool]:
        """(the messages that are there now, whether the other end is still open); never waits."""
        is_open = True
        while is_open:
            try:
                piece = self._end.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except ConnectionResetError:
                piece = b""
            is_open = bool(piece)
            self._unread += piece
        *lines, self._unread = self._unread.split(b"\n")
        return [json.loads(line) for line in lines], is_open

    def close(self) -> None:
        """Close this end: the other one hears it."""
        self._end.close()


class Link(Messages):
    """The program's end. The renewer lives as long as any process of this program has it open."""

    def __init__(self, worker: str, folder: str) -> None:
        """`worker`: the id this program claims under; `folder`: where it first looked for its server."""
        ours, theirs = socket.socketpair()
        super().__init__(ours)
        command = [
            sys.executable,
            "-P",
            "-m",
            "jobsapi.classic.renewer",
            str(theirs.fileno()),
            str(os.getpid()),
            worker,
        ]
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal is the program's, not its
            )
        finally:
            theirs.close()

    def is_dead(self) -> bool:
        """Whether somebody killed the renewer."""
        return self._process.poll() is not None

    def end(self, patience: float) -> None:
        """Close, and give the renewer `patience` seconds to sign off."""
        self.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # the store is away: it goes by itself
            self._process.wait(patience)
