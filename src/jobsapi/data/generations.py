"""Which generation of a data set a reader sees, and how long a superseded one stays."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from jobsapi.data.segments import Generation
from jobsapi.errors import Unreadable
from jobsapi.runner.current import CurrentJob, current_job

if TYPE_CHECKING:
    from jobsapi.store import Store

__all__ = ["KEPT", "current", "latest", "named", "pin", "touch"]

KEPT = 600.0
"""Seconds that a superseded generation stays after its last use by a cursor or a range."""

_pinned: WeakKeyDictionary[CurrentJob, dict[tuple[str, str], Generation]] = WeakKeyDictionary()
"""A job that runs in this process → (prefix, data set) → the generation it began with."""

_manifests: dict[str, Generation] = {}
_MOST_MANIFESTS = 100
_lock = threading.Lock()


def current(store: Store, dataset: str) -> Generation:
    """The current generation; within a job the one that was current when the job first asked."""
    held = _pins()
    place = (store.keys.prefix, dataset)
    if held is not None and place in held:
        return held[place]
    found = latest(store, dataset)
    return found if held is None else held.setdefault(place, found)


def latest(store: Store, dataset: str) -> Generation:
    """The current generation, whoever asks."""
    while name := store.call("hget", store.keys.datasets(), dataset):
        found = _manifest(store, dataset, name.decode())
        if found is not None:
            return found  # None: superseded and removed since its name was read, so there is another
    return Generation(dataset)


def pin(store: Store, generation: Generation) -> None:
    """From now on the job in this process, if there is one, sees this generation: it made it."""
    held = _pins()
    if held is not None:
        held[store.keys.prefix, generation.dataset] = generation


def named(store: Store, dataset: str, name: str) -> Generation:
    """The generation of a cursor or a range, which stays a while longer. Raises Unreadable where it is gone."""
    touch(store, dataset, name)
    found = _manifest(store, dataset, name)
    if found is None:
        raise _expired()
    return found


def touch(store: Store, dataset: str, name: str) -> None:
    """Keep a generation a while longer. Raises Unreadable where it is gone."""
    if not store.run("data_touch", dataset, name, round(KEPT * 1000)):
        raise _expired()


def _manifest(store: Store, dataset: str, name: str) -> Generation | None:
    key = store.keys.generation(dataset, name)
    with _lock:
        found = _manifests.get(key)
    if found is None:
        manifest = store.call("hget", key, "m")
        if manifest is None:
            return None
        found = Generation.unpacked(dataset, name, manifest)
        with _lock:
            if len(_manifests) >= _MOST_MANIFESTS:
                _manifests.pop(next(iter(_manifests)))
            _manifests[key] = found
    return found


def _pins() -> dict[tuple[str, str], Generation] | None:
    """What the job that calls began with; None outside a job."""
    try:
        job = current_job()
    except RuntimeError:
        return None
    with _lock:
        return _pinned.setdefault(job, {})


def _expired() -> Unreadable:
    minutes = round(KEPT / 60)
    return Unreadable(
        f"The cursor has expired: the data set was loaded anew, and this state of it was not used for {minutes} "
        "minutes. Begin again without a cursor."
    )
