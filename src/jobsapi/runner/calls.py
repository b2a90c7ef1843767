"""Calls that threads take one after the other; as many threads as are needed, up to a number."""

from __future__ import annotations

import queue
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Calls"]


class Calls:
    """A thread that takes a call wakes another one where more wait, and no other is waking.

    To wake all at once cost more than short calls take: they wait for the interpreter to find that one thread has done
    everything meanwhile.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: deque[Callable[[], None]] = deque()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_rung = False
        """A thread is waking, which looks for calls once this is False again."""
        self._lock = threading.Lock()
        self._threads = self._asleep = 0

    def add(self, call: Callable[[], None]) -> None:
        """Have it done by one of the threads."""
        self._waiting.append(call)
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._is_rung or not self._waiting:
                return
            is_new = not self._asleep and self._threads < self._size
            self._threads += is_new
            self._is_rung = bool(is_new or self._asleep)
        if is_new:
            threading.Thread(target=self._work, name=f"jobsapi-{self._threads}", daemon=True).start()
        elif self._is_rung:
            self._bell.put(None)

    def _work(self) -> None:
        self._is_rung = False
        while True:
            try:
                call = self._waiting.popleft()
            except IndexError:
                self._sleep()
                continue
            if self._waiting:
                self._wake()
            call()

    def _sleep(self) -> None:
        with self._lock:
            if self._waiting:
                return
            self._asleep += 1
        self._bell.get()
        with self._lock:
            self._asleep -= 1
            self._is_rung = False
