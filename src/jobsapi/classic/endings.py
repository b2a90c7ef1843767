"""Records how the work on an item ended; each function is one end, and needs the item's claim."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import jobs, results, tracebacks
from jobsapi.classic import records
from jobsapi.classic.home import note
from jobsapi.errors import JobsApiError, StoreUnavailable

if TYPE_CHECKING:
    from jobsapi.jobs import Claim
    from jobsapi.store import Store

__all__ = ["Item", "complete", "describe", "fail", "hand_back", "is_ended", "stop"]


@dataclass(eq=False)
class Item:
    """Something from the queue that this program works on."""

    claim: Claim
    is_main: bool = True
    """Whether the main thread works on it: only there a stop can be raised."""
    is_over: bool = False
    """Its end is recorded, or it is another's."""
    is_put_back: bool = False
    """When it ends, it goes back into the queue."""
    stop: str = ""
    """Why it shall stop, once somebody asked: cancelled, timeout, lost."""

    @property
    def id(self) -> str:
        """Of its job."""
        return self.claim.id

    @property
    def is_job(self) -> bool:
        """Whether it is a job's id, not a value that is carried."""
        return self.claim.task == records.TASK

    @property
    def value(self) -> Any:
        """What `q` gives."""
        return self.id if self.is_job else orjson.loads(self.claim.params)["item"]


def complete(store: Store, item: Item, returned: Any) -> None:
    """It is complete. The result: what was returned, else the keys that the program added, else null.

    A value that was carried leaves no job behind. Raises NotHolder, UnknownJob, StoreUnavailable.
    """
    jid, token = item.id, item.claim.token
    value = returned if returned is not None else records.own_keys(store, jid) or None
    descriptor, inline = _stored(store, item, value)
    jobs.complete_job(store, jid, token, descriptor, inline)
    if not item.is_job:
        jobs.remove_job(jid, store=store)


def _stored(store: Store, item: Item, value: Any) -> tuple[bytes, bytes]:
    """(descriptor, inline output) of a result; of one that cannot be kept null, as such programs expect no result."""
    if value is not None:
        try:
            with tempfile.TemporaryDirectory() as folder:
                outputs = results.encode(value, {}, Path(folder), max_result=store.settings.max_result)
                stored = results.write(store, item.id, item.claim.token, outputs)
            return stored.descriptor, stored.inline
        except StoreUnavailable:
            raise
        except JobsApiError as problem:
            note(f"what the function returned for {item.id} is not kept: {problem.detail}")
    return b"", b"null"


def fail(store: Store, item: Item, error: dict[str, str]) -> None:
    """It failed; `error` as `describe` makes it. Raises NotHolder, UnknownJob, StoreUnavailable."""
    jobs.fail_job(store, item.id, item.claim.token, "error", error)


def stop(store: Store, jid: str, token: str, reason: str, timeout: float | None = None) -> None:
    """It was stopped: `cancelled` or `timeout` (then `timeout`: s). Raises NotHolder, UnknownJob, StoreUnavailable."""
    late = {"type": "Timeout", "message": f"It took longer than {timeout:g} s.", "traceback": ""} if timeout else None
    jobs.fail_job(store, jid, token, reason, late if reason == "timeout" else None)


def hand_back(store: Store, item: Item) -> None:
    """It goes back into the queue without charge. Raises NotHolder, UnknownJob, StoreUnavailable."""
    jobs.release_job(store, item.id, item.claim.token)


def is_ended(store: Store, jid: str, token: str) -> bool:
    """Whether this very claim has ended already: another process of the program said so. Raises UnknownJob."""
    record = jobs.get_record(store, jid)
    return record.is_ended and record.token == token


def describe(problem: BaseException) -> dict[str, str]:
    """An exception as the job's error, without the frames of this package."""
    return {"type": type(problem).__name__, "message": str(problem), "traceback": tracebacks.shortened(problem)}
