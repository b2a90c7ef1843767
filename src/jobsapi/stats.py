"""What became of jobs in the last day, from samples that upkeep takes of the store's counters."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi.record import rfc3339

if TYPE_CHECKING:
    from jobsapi.store import Store

__all__ = ["STEP", "last_day", "sample"]

STEP = 600
"""Seconds from one sample to the next."""

_DAY = 24 * 3600
_OUTCOMES = ("complete", "failed", "cancelled")


def sample(store: Store) -> None:
    """Keep what was counted so far, where the last time is long enough ago. Raises StoreUnavailable."""
    store.run("sample", STEP * 1000, _DAY // STEP + 2)


def last_day(store: Store) -> dict[str, Any]:
    """`step` in seconds; `points`: what ended in each, and how long jobs had waited; `tasks`: their ends in all.

    A job's wait is from when it was made to its claim. Raises StoreUnavailable.
    """
    now = store.time_ms()
    rows = [fields for _, fields in store.call("xrange", store.keys.samples())]
    rows = [row for row in rows if int(row[b"at"]) > now - (_DAY + STEP) * 1000]
    if not rows:
        return {"step": STEP, "points": [], "tasks": []}
    count, waited = store.call("hmget", store.keys.waits(), "n", "ms")
    ended = store.call("hgetall", store.keys.ended())
    last = {name.decode(): int(value) for name, value in ended.items()}
    samples = [_Sample(int(row[b"at"]), _ended(row[b"ended"]), int(row[b"n"]), int(row[b"ms"])) for row in rows]
    samples.append(_Sample(now, last, int(count or 0), int(waited or 0)))
    tasks: dict[str, Counter[str]] = {}
    for name, number in samples[-1].since(samples[0]).items():
        task, _, outcome = name.rpartition(":")
        tasks.setdefault(task, Counter())[_kind(outcome)] += number
    return {
        "step": STEP,
        "points": [_point(before, after) for before, after in pairwise(samples)],
        "tasks": [{"name": name, **{each: ends[each] for each in _OUTCOMES}} for name, ends in sorted(tasks.items())],
    }


class _Sample:
    """The counters at one time."""

    def __init__(self, at: int, ended: dict[str, int], claimed: int, waited: int) -> None:
        self.at, self.ended, self.claimed, self.waited = at, ended, claimed, waited

    def since(self, before: _Sample) -> dict[str, int]:
        """<task>:<outcome> → how many ended so since."""
        grown = {name: count - before.ended.get(name, 0) for name, count in self.ended.items()}
        return {name: count for name, count in grown.items() if count > 0}


def _point(before: _Sample, after: _Sample) -> dict[str, Any]:
    ends = Counter[str]()
    for name, count in after.since(before).items():
        ends[_kind(name.rpartition(":")[2])] += count
    claimed = after.claimed - before.claimed
    return {
        "at": rfc3339(before.at),
        "ended": {each: ends[each] for each in _OUTCOMES},
        "wait_mean": (after.waited - before.waited) / claimed / 1000 if claimed > 0 else None,
    }


def _kind(outcome: str) -> str:
    """`complete`, or what a reason comes with."""
    return outcome if outcome in _OUTCOMES else "failed"


def _ended(told: bytes) -> dict[str, int]:
    """From names and counts by turns; an empty table of Lua is an object."""
    flat = orjson.loads(told) or []
    return {name: int(count) for name, count in zip(flat[::2], flat[1::2], strict=True)}
