"""One random history: the engine, its model, what both answer, and what must hold after each step."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine, invariant

from jobsapi import errors, events, registry
from jobsapi.limits import Limits
from jobsapi.states import TRANSITIONS, Status
from tests.faults import keyspace
from tests.faults.asking import TASKS, newest
from tests.faults.entries import IN_PROGRESS, SCHEDULED, STAGED, SUBMITTED, WORDS
from tests.faults.model import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobsapi.store import Store
    from jobsapi.submission import Submission

REFUSALS = (
    errors.Invalid,
    errors.KeyTaken,
    errors.NotHolder,
    errors.StoreUnavailable,
    errors.UnknownBatch,
    errors.UnknownJob,
    errors.WrongStatus,
)
SCHEMA = {"type": "object", "properties": {"user": {"type": "string"}}, "additionalProperties": False}
LEASE = 60.0
FAMILY = ("after", "after_any")
MOVES = {move for moves in TRANSITIONS.values() for move in moves}


class History(RuleBasedStateMachine):
    """What the rules of `Machine` work on. `store`: of the test; `steps`: how many there were in all histories."""

    store: Store
    steps = 0
    is_watched = False
    """Whether somebody watches events meanwhile."""
    moves: ClassVar[set[tuple[Status | None, Status | None]]] = set()
    """From which status to which a job went in any history."""

    def __init__(self) -> None:
        super().__init__()
        for key in self.store.call("keys", self.store.keys.prefix + "*"):
            self.store.call("unlink", key)
        self.store.settings = kept = dataclasses.replace(
            self.store.settings, keep_count=Model.most_kept, keep_bytes=Model.most_bytes
        )
        self.store.now = 1_000_000
        self.model = Model(
            self.store.now, round(kept.keep_results * 1000), round(kept.keep_jobs * 1000), kept.max_deliveries
        )
        for task in TASKS:
            self._publish(task, Limits())
        if self.is_watched:
            events.watch(self.store)
        self.ids: list[str] = []
        self.sent: list[Submission] = []
        self.batches: list[tuple[str, int, bytes, int, tuple[Any, ...]]] = []
        self.claims: list[tuple[str, str]] = []
        self.last_call: dict[str, tuple[Any, ...]] = {}
        self.statuses: dict[str, Status] = {}
        self.taken: list[tuple[str, int]] = []
        self.sleeps_until = math.inf
        type(self).steps -= 1  # the look at the beginning is none

    def both(self, engine: Callable[[], Any], model: Callable[[], Any]) -> Any:
        """What both answer, which is the same; None where both refuse."""
        told = [_outcome(act) for act in (engine, model)]
        assert told[0] == told[1], f"the engine answers {told[0]}, the model {told[1]}"
        return told[0][1] if told[0][0] == "done" else None

    @invariant()
    def keys_are_as_the_model_says(self) -> None:
        type(self).steps += 1
        told = keyspace.last_told(self.store) if self.is_watched else {}
        assert told == {jid: self.model.jobs[jid].status for jid in told}, "an event told something else, or is missing"
        if self.is_watched:
            silent = [job.id for job in self.model.jobs.values() if job.status != STAGED and job.id not in told]
            assert not silent, f"no event told of {silent}"
        wrong = keyspace.differences(self.model, self.store)
        assert not wrong, "\n".join(wrong)
        self.check_moves()
        self.model.check_families()
        self.model.check_groups()
        if not self.model.is_stirred:
            assert not self.model.settled
            assert all(opens >= self.sleeps_until for opens in self.model.opening.values())
            assert not (due := self.model.due()) or due[0].run_at >= self.sleeps_until

    def check_moves(self) -> None:
        """No job goes from one status to another that the table of transitions does not have."""
        now = {job.id: Status.from_code(job.status) for job in self.model.where(*WORDS)}
        for jid in self.statuses.keys() | now.keys():
            move = self.statuses.get(jid), now.get(jid)
            if move == (None, Status.CANCELLED):
                move = Status.SUBMITTED, Status.CANCELLED  # of an accepted submit, and not let in yet: users see it so
            assert move[0] is move[1] or move in MOVES, f"{jid} went from {move[0]} to {move[1]}"
            type(self).moves.add(move)
        self.statuses = now

    def _publish(self, task: str, limits: Limits) -> None:
        self.model.limits[task] = limits
        described = {"summary": "", "queue": "default", "timeout": None, "default": False, "schema": SCHEMA}
        registry.publish(self.store, [{"name": task, "digest": "user", "limits": limits.described(), **described}])

    # --- Help ---------------------------------------------------------------------------------------------------------

    def _has_room(self) -> bool:
        """Few jobs at a time, of which each then sees much."""
        return len(self.model.where(SCHEDULED, SUBMITTED, IN_PROGRESS)) < 12

    def _claim_of(self, which: int) -> tuple[str, str]:
        """(id, token): one that holds its job where there is one, or, by an odd number, any that ever did."""
        held = [(job.id, job.token) for job in self.model.where(IN_PROGRESS) if job.token]
        return newest(self.claims if which % 2 or not held else held, which // 2)

    def _note(self, sent: Sequence[Submission]) -> None:
        recorded = [each.timed(self.model.now) for each in sent if each.id in self.model.jobs]
        self.sent += recorded
        self.ids += [each.id for each in recorded]


def _outcome(act: Callable[[], Any]) -> tuple[str, Any]:
    try:
        return "done", act()
    except REFUSALS as refusal:
        return type(refusal).__name__, getattr(refusal, "job_id", None)
