"""An exchange with the server under way: who sent it goes on with other things and hears the replies later."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Any

from jobsapi.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.store.line import Asked

__all__ = ["Underway"]


class Underway:
    """What `Store.begin` sent."""

    def __init__(self, asked: Asked | None, hear: Callable[[], list[Any]], patience: float) -> None:
        """`asked`: None where nothing can be sent before it is waited for: then `hear` does both."""
        self._asked, self._hear = asked, hear
        self._late_at = time.monotonic() + patience

    @property
    def socket(self) -> Any:
        """What becomes readable with the replies, and where the connection broke; None: only `replies` can tell."""
        return self._asked and self._asked.socket

    @property
    def is_late(self) -> bool:
        """Whether it has taken as long as a call may wait for its reply."""
        return time.monotonic() > self._late_at

    def replies(self) -> list[Any]:
        """Wait for them. Raises StoreUnavailable, or the first of the errors that were told."""
        if self._asked and self.is_late and not select.select([self._asked.socket], [], [], 0)[0]:
            self._asked.give_up()
            raise StoreUnavailable("The store does not answer (no reply came in time).")
        return self._hear()
