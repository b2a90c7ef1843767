"""A worker's exchanges with the server, one at a time: ends that came and new claims. It need not wait for a reply."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from jobsapi.claims import begin_turn, shuffled
from jobsapi.errors import JobsApiError
from jobsapi.names import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jobsapi.claims import Claim, Turn
    from jobsapi.errors import NotHolder, UnknownJob
    from jobsapi.running import Running
    from jobsapi.store import Store

__all__ = ["Heard", "Turns"]


class Heard(NamedTuple):
    """What an exchange brought."""

    ended: Sequence[tuple[Running, NotHolder | UnknownJob | None]]
    """Jobs whose ends were recorded, or why they were refused."""
    claims: Sequence[Claim]
    free: int
    """How many free slots it claimed for."""
    ahead: int
    """How many it claimed besides."""


@dataclass
class _Sent:
    turn: Turn
    ended: Sequence[Running]
    free: int
    ahead: int


class Turns:
    """Gathers ends, sends them with a claim, and hears what came of it."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self.ended: list[Running] = []
        """Those that the next exchange records."""
        self.ended_at = 0.0
        """When the first of them came (monotonic)."""
        self.token = new_id()
        """That of the next claim; it stays until its reply has come."""
        self._sent: _Sent | None = None

    def add(self, running: Running) -> None:
        """Its end, a completion, is to be recorded."""
        if not self.ended:
            self.ended_at = time.monotonic()
        self.ended.append(running)

    def take(self) -> list[Running]:
        """Those that are to be recorded, which the caller does in another way."""
        ended, self.ended = self.ended, []
        return ended

    def send(
        self, store: Store, weights: Mapping[str, float], tasks: list[str], free: int, ahead: int, short: list[str]
    ) -> None:
        """Record the ends that came, and claim from these queues. Raises StoreUnavailable as `hear` does."""
        wanted = dict.fromkeys(shuffled(weights), tasks)
        ended = self.take()
        ends = [running.completion for running in ended if running.completion]
        how = free, store.settings.lease, self.token, ahead, short
        try:
            self._sent = _Sent(begin_turn(store, ends, self._worker, wanted, *how), ended, free, ahead)
        except JobsApiError:
            self._fail(ended)
            raise

    @property
    def is_underway(self) -> bool:
        """Whether a reply is to come."""
        return self._sent is not None

    @property
    def is_late(self) -> bool:
        """Whether it should have come."""
        return self._sent is not None and self._sent.turn.underway.is_late

    @property
    def socket(self) -> object:
        """What becomes readable with it; None where it has to be waited for."""
        return self._sent and self._sent.turn.underway.socket

    def hear(self) -> Heard:
        """Wait for the reply. Raises StoreUnavailable: each end is then to be recorded by itself.

        The next claim is made under the same token then: if this one was made, that one gets the same jobs.
        """
        assert self._sent is not None
        sent, self._sent = self._sent, None
        try:
            told, claims = sent.turn.told()
        except JobsApiError:
            self._fail(sent.ended)
            raise
        self.token = new_id()
        return Heard(list(zip(sent.ended, told, strict=True)), claims, sent.free, sent.ahead)

    @staticmethod
    def _fail(ended: Sequence[Running]) -> None:
        for running in ended:
            running.completion = None
