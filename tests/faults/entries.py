"""What the model keeps of a job, a large submit and a batch; the letters of the statuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SCHEDULED, SUBMITTED, IN_PROGRESS, COMPLETE, FAILED, CANCELLED, STAGED = "wspcfxg"
WORDS = {
    SCHEDULED: "scheduled",
    SUBMITTED: "submitted",
    IN_PROGRESS: "in progress",
    COMPLETE: "complete",
    FAILED: "failed",
    CANCELLED: "cancelled",
}
CACHE = 60_000
ENDED = {COMPLETE, FAILED, CANCELLED}


@dataclass
class Job:
    """What a user asked for, and what became of it. Times are ms."""

    id: str
    task: str = "work"
    queue: str = "default"
    priority: int = 0
    tags: tuple[str, ...] = ()
    key: str | None = None
    content_with_other: bool = False
    most_attempts: int = 1
    most_lost: int | None = None
    keep: int | None = None
    run_at: int | None = None
    expires: int | None = None
    expires_in: int | None = None
    after: tuple[str, ...] = ()
    after_any: tuple[str, ...] = ()
    batch: str | None = None
    same: str | None = None
    """What all have in common for which the result of one answers, for CACHE ms after its end."""

    status: str = STAGED
    created: int = 0
    number: int | None = None
    """Of one that is staged, its place counted from 1."""
    place: int = 0
    """In the list of its batch."""
    user: str | None = None
    """Its one parameter, which makes the groups of the task `other`."""
    group: str | None = None
    """Of which only so many run at a time."""
    is_capped: bool = False
    """Whether it waits outside of its queue for one of its group to end."""
    is_ready: bool = False
    """Whether its queue holds it. A submitted job that a claim found too late is in none: it is about to expire."""
    pending: int | None = None
    """How many jobs it waits for."""
    attempt: int = 0
    lost: int = 0
    was_claimed: bool = False
    """Since it was made, or retried."""
    token: str | None = None
    worker: str | None = None
    began: int | None = None
    lease: int | None = None
    ended: int | None = None
    reason: str | None = None
    error: dict[str, str] | None = None
    output: str | None = None
    beside: int = 0
    """Bytes of output that are not in the record."""
    has_no_output: bool = False
    progress: bool = False
    log: str = ""
    log_heard: tuple[str, int] | None = None
    """The claim that wrote to the log last, and how much of its log came."""
    was_asked: bool = False
    """A cancel or a retry was heard, and the call's name is kept."""
    cancel: bool = False
    retained: int | None = None
    has_children: bool = False
    is_awaited: bool = False
    has_webhook: bool = False
    ends: int = 0
    """How often it ended; counted where it has a webhook."""
    hook_at: int | None = None
    """When its webhook is to be sent."""
    tries: int = 0
    telling: str | None = None
    """Whether its webhook is delivered (d) or given up (g)."""
    trouble: str | None = None
    untold: int = 0
    """Lines of its story that are left out."""
    story: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_told(self) -> bool:
        """Whether the story tells of its last run already."""
        return bool(self.story) and self.story[-1]["token"] == self.token

    @property
    def order(self) -> tuple[int, int]:
        return -self.priority, self.number or 0


@dataclass
class Stage:
    """A large submit under way."""

    ids: list[str]
    """Of jobs that are not admitted yet, in order."""
    touched: int
    committed: int | None = None
    where: str = ""
    """Where all of them go, as it was told when they were accepted."""


@dataclass
class Batch:
    """Jobs that were sent together."""

    told: str
    created: int
    before: int
    last: int
    """The numbers before its first place, and of its last one."""
    total: int
    own: int
    """How many jobs it brought that are still there."""
    borrowed: dict[str, int]
    """Of jobs that stand for some of it, the places in the list sent."""
    retained: int | None
    """Until when it is kept, where it brought none."""
