"""Sends what the threads of a child say: one thread writes, several messages a frame when they come fast."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.runner.frames import Frames, Message

__all__ = ["Sender"]

_MOST = 256
"""Messages in one frame."""

_MOST_BYTES = 1 << 20
"""Output that may wait to be sent, before whoever writes more has to wait."""


class Sender:
    """Takes messages from any thread, in order; `put` costs less than a write to a socket.

    A thread that runs short jobs one after the other keeps the interpreter for some milliseconds: what they end with
    in that time goes out in one frame, which that thread may send itself. Where it blocks instead, the end of its job
    is sent at once.
    """

    def __init__(self, frames: Frames, told: Callable[[list[Message]], None]) -> None:
        """`told`: called with what was sent, by whoever sent it."""
        self._frames, self._told = frames, told
        self._waiting: deque[tuple[Message, int]] = deque()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_rung = False
        self._room = threading.Condition()
        self._writes = threading.Lock()
        self._unsent = 0

    def start(self) -> None:
        """Begin to send."""
        threading.Thread(target=self._run, name="jobsapi-sender", daemon=True).start()

    def put(self, message: Message) -> None:
        """Send a message soon."""
        self._waiting.append((message, 0))
        self.ring()

    def put_output(self, message: Message, size: int) -> None:
        """The same of output with `size` bytes; waits while too much of it is on its way."""
        with self._room:
            self._room.wait_for(lambda: self._unsent < _MOST_BYTES)
            self._unsent += size
        self._waiting.append((message, size))
        self.ring()

    def add(self, message: Message) -> None:
        """Send a message with the next `flush`; `ring` lets that come soon."""
        self._waiting.append((message, 0))

    def flush(self) -> None:
        """Send what waits, now."""
        with self._writes:
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOST))]  # nobody else takes
            if not taken:
                return
            messages = [message for message, _ in taken]
            try:
                self._frames.send(messages)
            except OSError:
                os._exit(0)  # the parent is gone, and with it the reason to be here
        if sent := sum(size for _, size in taken):
            with self._room:
                self._unsent -= sent
                self._room.notify_all()
        self._told(messages)

    def ring(self) -> None:
        """Have the sending thread flush."""
        if not self._is_rung:
            self._is_rung = True
            self._bell.put(None)

    def _run(self) -> None:
        while True:
            self._bell.get()
            self._is_rung = False
            while self._waiting:
                self.flush()
