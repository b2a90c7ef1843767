"""Sends what the threads of a child say: one thread writes, several messages a frame when they come fast."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobsapi.runner.frames import Frames, Message

__all__ = ["Sender"]

_MOST = 256
"""Messages in one frame."""

_MOST_BYTES = 1 << 20
"""Output that may wait to be sent, before whoever writes more has to wait."""


class Sender:
    """Takes messages from any thread, in order; `put` costs less than a write to a socket.

    A thread that runs short jobs one after the other keeps the interpreter for some milliseconds: what they end with
    in that time goes out in one frame. Where it blocks instead, the end of its job is sent at once.
    """

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._waiting: queue.SimpleQueue[tuple[Message, int]] = queue.SimpleQueue()
        self._room = threading.Condition()
        self._writes = threading.Lock()
        self._unsent = 0

    def start(self) -> None:
        """Begin to send."""
        threading.Thread(target=self._run, name="jobsapi-sender", daemon=True).start()

    def put(self, message: Message) -> None:
        """Send a message soon."""
        self._waiting.put((message, 0))

    def send(self, message: Message) -> None:
        """Send a message now, past those that wait: no thread has to wake for it."""
        self._write([message])

    def put_output(self, message: Message, size: int) -> None:
        """The same of output with `size` bytes; waits while too much of it is on its way."""
        with self._room:
            self._room.wait_for(lambda: self._unsent < _MOST_BYTES)
            self._unsent += size
        self._waiting.put((message, size))

    def _run(self) -> None:
        while True:
            taken = [self._waiting.get()]
            taken += [self._waiting.get() for _ in range(min(self._waiting.qsize(), _MOST))]  # nobody else takes
            self._write([message for message, _ in taken])
            if sent := sum(size for _, size in taken):
                with self._room:
                    self._unsent -= sent
                    self._room.notify_all()

    def _write(self, messages: list[Message]) -> None:
        try:
            with self._writes:
                self._frames.send(messages)
        except OSError:
            os._exit(0)  # the parent is gone, and with it the reason to be here
