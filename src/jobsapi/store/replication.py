"""Waits until replicas have what was written, where JOBSAPI_REPLICAS asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobsapi.errors import StoreUnavailable

if TYPE_CHECKING:
    from jobsapi.store import Store

__all__ = ["wait_for_replicas"]

_PATIENCE = 2.0
"""Seconds the replicas have."""


def wait_for_replicas(store: Store, key: str) -> None:
    """Return when JOBSAPI_REPLICAS replicas have `key`, which was written before, and all that was written before it.

    Raises StoreUnavailable where they have not in time, or where the key is gone: then another server took over.
    """
    if not (wanted := store.settings.replicas):
        return
    with store.redis.pipeline(transaction=False) as pipe:
        pipe.exists(key)
        pipe.set(store.keys.replicated(), 1)  # WAIT looks at what its own connection wrote last
        pipe.wait(wanted, round(_PATIENCE * 1000))
        is_there, _, count = store.execute(pipe)
    if not is_there:
        raise StoreUnavailable("Another server took over, and does not know what was sent. Send it again.")
    if int(count) < wanted:
        raise StoreUnavailable(
            f"{count} replicas have it after {_PATIENCE:g} s, and JOBSAPI_REPLICAS asks for {wanted}. It may be done: "
            "send it again under the same Idempotency-Key."
        )
