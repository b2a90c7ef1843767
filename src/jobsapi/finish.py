"""What records the end of a run, by what its child told: complete, fail (and try again), lose or release."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from jobsapi import backoff, jobs, results
from jobsapi.claims import Completion
from jobsapi.errors import NotHolder, SetupError, TooLarge, UnknownJob
from jobsapi.runner import Died, Done, OutOfMemory, Raised, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobsapi.jobs import Claim
    from jobsapi.store import Store

__all__ = ["End", "completion", "ending"]

End = Done | Raised | Died | OutOfMemory | Stopped
"""What a run can end with."""


def ending(store: Store, claim: Claim, event: End) -> Callable[[], None]:
    """What records this end; it may be called again until the server has answered.

    It raises StoreUnavailable, NotHolder, UnknownJob.
    """
    jid, token = claim.id, claim.token
    if isinstance(event, Done):
        return lambda: _complete(store, claim, event)
    if isinstance(event, Died):
        return lambda: _lose(store, claim, event)
    if isinstance(event, Stopped) and event.why == "released":
        return lambda: jobs.release_job(store, jid, token)
    reason, error = _failure(claim, event)
    pause = _pause(claim, event)  # drawn once: the same call may be sent again
    return lambda: jobs.fail_job(store, jid, token, reason, error, again_after=pause)


def completion(store: Store, claim: Claim, event: End) -> Completion | None:
    """What completes the job beside others, where its outputs fit into its record; else `ending` is the way."""
    if not isinstance(event, Done) or not results.fit_inline(event.outputs):
        return None
    stored = results.write(store, claim.id, claim.token, event.outputs)
    return Completion(claim.id, claim.token, stored.descriptor, stored.inline)


def _complete(store: Store, claim: Claim, done: Done) -> None:
    """Store the outputs, then record the end."""
    try:
        stored = results.write(store, claim.id, claim.token, done.outputs)
    except (TooLarge, SetupError) as problem:
        error = {"type": type(problem).__name__, "message": problem.detail, "traceback": ""}
        jobs.fail_job(store, claim.id, claim.token, "error", error)
    else:
        try:
            jobs.complete_job(store, claim.id, claim.token, stored.descriptor, stored.inline, stored.beside)
        except (NotHolder, UnknownJob):
            done.discard()
            with contextlib.suppress(SetupError):  # files that cannot be removed: the sweep tries again
                results.discard(store, claim.id, claim.token)
            raise
    done.discard()


def _failure(claim: Claim, event: Raised | OutOfMemory | Stopped) -> tuple[str, dict[str, str] | None]:
    """The reason and the error of a job that did not complete."""
    if isinstance(event, Raised):
        return "error", {"type": event.type, "message": event.message, "traceback": event.traceback}
    if isinstance(event, OutOfMemory):
        return "memory", {"type": "OutOfMemory", "message": event.detail, "traceback": ""}
    if event.why == "timeout":
        return "timeout", {"type": "Timeout", "message": f"It took longer than {claim.timeout:g} s.", "traceback": ""}
    return "cancelled", None


def _pause(claim: Claim, event: Raised | OutOfMemory | Stopped) -> float | None:
    """Seconds until the next attempt, should the job have one left; None where another would end the same way."""
    if isinstance(event, Raised) and event.retryable:
        return backoff.pause(claim.backoff, claim.attempt) if event.retry_after is None else event.retry_after
    if isinstance(event, Stopped) and event.why == "timeout":
        return backoff.pause(claim.backoff, claim.attempt)
    return None


def _lose(store: Store, claim: Claim, death: Died) -> None:
    how = f"signal {death.signal}" if death.signal else f"exit code {death.exit_code}"
    jobs.lose_job(store, claim.id, claim.token, f"the process that ran it ended with {how}")
