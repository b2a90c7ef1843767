"""Finds schedules and jobs that are due, jobs that are expired, lost or old, and what was left behind.

Any worker may run it at any time, in small steps.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jobsapi import data, jobs, results, schedules, stats

if TYPE_CHECKING:
    from jobsapi.store import Store

__all__ = ["EVERY", "MUCH", "TIDY_EVERY", "move", "run"]

EVERY = 1.0
"""Seconds between two looks of one worker."""

TIDY_EVERY = 5.0
"""The same for what is old or was left behind, for which nobody waits: a third of what an idle worker asks."""

MUCH = 50
"""Where one look put so much right there is more to do, and the next one follows at once."""

_ABANDONED_AFTER, _LEFT_AFTER = 60.0, 2.0
"""Seconds after which a large submit is dropped that nobody goes on with, or let in, if it was accepted."""


def move(store: Store) -> float:
    """One step for what waits: schedules that are due are fired, jobs go on whose time has come or whose parents ended.

    Seconds until there is more to do: 0 where there is now, infinity where nothing waits. Raises StoreUnavailable.
    """
    left, has_schedules = jobs.move_jobs(store)
    due = schedules.fire_due(store) if has_schedules else math.inf
    return min(due, math.inf if left is None else left)


def run(store: Store, *, tidies: bool = True) -> int:
    """One look at everything, or without `tidies` at what cannot wait; how many things were put right.

    Raises StoreUnavailable.
    """
    done = 0
    if tidies:  # first: it makes room, which the rest may need
        done += jobs.prune_jobs(store) + results.sweep(store) + data.sweep(store)
        stats.sample(store)
        jobs.tidy_lists(store)
    may_reap, is_lost, is_staged, expired = jobs.look_over(store)
    if may_reap and is_lost:
        for jid in jobs.expired_leases(store):
            done += jobs.lose_job(store, jid, "", "its worker did not renew the lease")
    if isinstance(expired, Exception):
        raise expired
    if is_staged:
        for batch in jobs.abandoned_batches(store, _ABANDONED_AFTER, accepted_age=_LEFT_AFTER):
            jobs.admit_jobs(store, batch)
            done += 1
    return done + expired
