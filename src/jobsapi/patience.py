"""Asks of a worker that can wait: tried while the server answers, left alone for a moment where it does not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jobsapi.errors import NotHolder, SetupError, StoreUnavailable, UnknownJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.timetable import Timetable

__all__ = ["Patience"]

_ASK_EVERY = 0.1
"""Seconds for which a server that did not do what was asked is left alone: one call that hangs is enough for a turn."""


class Patience:
    """Whether to ask the server now, and what the operator is told."""

    def __init__(self, who: str, timetable: Timetable) -> None:
        self._who, self._timetable = who, timetable

    @property
    def may_ask(self) -> bool:
        """Whether the server is to be asked, or left alone for the moment."""
        return self._timetable.has_come("ask")

    def leave_alone(self, why: str) -> None:
        """It did not do what was asked."""
        self.note(why)
        self._timetable.plan("ask", _ASK_EVERY)

    def guarded(self, act: Callable[[], Any]) -> bool:
        """Do something that can wait for the server to come back, or the machine to be mended; whether it was done."""
        return self.may_ask and self.tried(act)

    def tried(self, act: Callable[[], Any]) -> bool:
        """The same at once, of what asks the server nothing new."""
        try:
            act()
        except (StoreUnavailable, SetupError) as problem:
            self.leave_alone(f"{problem.detail}")
            return False
        except (NotHolder, UnknownJob):
            return False  # a log line or a progress of a claim that was taken; the next renewal says so
        return True

    def note(self, what: str) -> None:
        """Tell the operator, but not the same thing over and over."""
        if self._timetable.has_come(what):
            self._timetable.plan(what, 10.0)
            sys.stderr.write(f"jobsapi worker {self._who}: {what}\n")
