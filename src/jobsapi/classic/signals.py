"""Turns signals into exceptions in the program's main thread, but never in the middle of a step that must be whole."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["STOP", "Cancelled", "Signals"]

STOP = signal.SIGUSR1
"""What the renewer sends when the item that the main thread works on shall stop."""


class Cancelled(BaseException):
    """Raised in the function whose item shall stop. Not an Exception, so that `except Exception` does not keep it.

    `reason`: `cancelled`, `timeout`, or `lost` where the item was given to another worker.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the job shall stop: {reason}")
        self.reason = reason


class Signals:
    """SIGTERM and SIGHUP become SystemExit, SIGINT KeyboardInterrupt, and STOP whatever `on_stop` raises.

    A signal for which the program has a handler of its own is left to it.
    """

    def __init__(self, on_end: Callable[[], None], on_stop: Callable[[], None]) -> None:
        self._on_end, self._on_stop = on_end, on_stop
        self.is_ending = False
        self.can_stop = False
        """Whether STOP is heard; without a handler it would kill the program."""
        self._depth = 0
        self._pending: list[int] = []

    def install(self) -> None:
        """Take the signals that nobody handles yet; does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, STOP):
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, self._on_signal)
        self.can_stop = signal.getsignal(STOP) == self._on_signal

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """A step that no signal parts; what comes meanwhile is raised at its end."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals only ever interrupt the main thread
            return
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            while self._pending and not self._depth:
                self._act(self._pending.pop(0))

    def reset(self) -> None:
        """Forget what was going on; for a process that was just forked."""
        self.is_ending, self._depth, self._pending = False, 0, []

    def _on_signal(self, number: int, _frame: Any) -> None:
        if self._depth:
            self._pending.append(number)
        else:
            self._act(number)

    def _act(self, number: int) -> None:
        if number == STOP:
            self._on_stop()
            return
        self._on_end()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        self.is_ending = True
        raise SystemExit(128 + number)
