"""A claimed job in its worker's hands, from the claim until its end is recorded, and the log it writes meanwhile."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobsapi import jobs
from jobsapi.runner import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.claims import Completion
    from jobsapi.jobs import Claim
    from jobsapi.store import Store

__all__ = ["Running"]

_LOG_PIECE = 32 * 1024


@dataclass(eq=False)
class Running:
    """One claimed job."""

    claim: Claim
    begun: float | None = None
    """When a child was given it (monotonic); None while it waits for one."""
    ending: Callable[[], None] | None = None
    """What records its end, once it has ended."""
    completion: Completion | None = None
    """The same where it can be recorded together with others."""
    is_lost: bool = False
    """The claim was taken from us: there is nothing left to record."""
    next_claim: Claim | None = None
    """A claim of the same job that came while this run went on."""
    _log: deque[bytes] = field(default_factory=deque)
    _log_size: int = 0
    _log_at: int = 0
    """Bytes of its log before those that are kept here."""

    @property
    def work(self) -> Work:
        """What its child is told of it."""
        return Work(
            id=self.claim.id,
            token=self.claim.token,
            task=self.claim.task,
            params=self.claim.params,
            attempt=self.claim.attempt,
            timeout=self.claim.timeout,
            started=self.claim.started,
            memory_mb=self.claim.memory_mb,
            parents=self.claim.parents,
        )

    def keep_log(self, data: bytes, most: int) -> bool:
        """Keep what it wrote, of more than `most` bytes the end; whether it is so much that it should be sent now."""
        self._log.append(data)
        self._log_size += len(data)
        while self._log_size - len(self._log[0]) >= most:
            self._drop(1)
        return self._log_size > _LOG_PIECE

    @property
    def is_log_sent(self) -> bool:
        """Whether all that it wrote has been sent."""
        return not self._log

    def send_log(self, store: Store) -> None:
        """Send what was written since the last time. Raises StoreUnavailable, NotHolder, UnknownJob."""
        if not self._log or self.is_lost:
            return
        text = b"".join(self._log)
        for start in range(0, len(text), _LOG_PIECE):
            piece = text[start : start + _LOG_PIECE]
            jobs.append_log(store, self.claim.id, self.claim.token, self._log_at + start, piece)
        self._drop(len(self._log))

    def _drop(self, pieces: int) -> None:
        for _ in range(pieces):
            size = len(self._log.popleft())
            self._log_at += size
            self._log_size -= size
