"""Takes away what nobody uses any more: generations that were superseded, and what killed loads left."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobsapi.store import Store

__all__ = ["sweep"]

_AT_ONCE = 20
_LOOK_AGAIN = 10.0
"""Seconds after which a generation is looked at again that a running job may use."""


def sweep(store: Store) -> int:
    """Remove a few loads whose lease ran out, and a few superseded generations; how many."""
    return _sweep_loads(store) + _sweep_generations(store)


def _sweep_loads(store: Store) -> int:
    over = store.call("zrangebyscore", store.keys.loads(), "-inf", store.time_ms(), 0, _AT_ONCE)
    done = 0
    for member in over:
        dataset, _, token = member.decode().partition(":")
        done += store.run("data_abandon", dataset, token, "1")
    return done


def _sweep_generations(store: Store) -> int:
    """A generation goes when its time has come and no job is in progress that was claimed before it was superseded."""
    at = store.time_ms()
    due = [each.decode() for each in store.call("zrangebyscore", store.keys.superseded(), "-inf", at, 0, _AT_ONCE)]
    oldest = _oldest_claim(store) if due else None
    done = 0
    for member in due:
        dataset, _, name = member.partition(":")
        superseded = int(store.call("hget", store.keys.generation(dataset, name), "e") or 0)
        if oldest is not None and oldest <= superseded:
            again = {member: at + round(_LOOK_AGAIN * 1000)}
            store.call("zadd", store.keys.superseded(), again, False, True)  # XX
        else:
            done += store.run("data_drop", dataset, name)
    return done


def _oldest_claim(store: Store) -> int | None:
    """When the job was claimed that is in progress for the longest time, ms. A later claim cannot see what is due."""
    ids = [each.decode() for each in store.call("zrange", store.keys.leases(), 0, -1)]
    pipe = store.redis.pipeline(transaction=False)
    for jid in ids:
        pipe.hget(store.keys.job(jid), "b")
    claims = [int(each) for each in store.execute(pipe) if each]
    return min(claims, default=None)
