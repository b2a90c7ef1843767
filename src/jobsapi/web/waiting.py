"""Replies that are held until a job ends: `Prefer: wait=N` (RFC 7240), and logs that are followed."""

from __future__ import annotations

import contextlib
import re
import time
from typing import TYPE_CHECKING

from flask import request

from jobsapi import events, jobs
from jobsapi.errors import JobsApiError, NoStreamLeft
from jobsapi.events import Event
from jobsapi.web.common import the_store
from jobsapi.web.feed import LOST, STOP, Hold, Watcher, out_of_turn, the_feed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LONGEST_WAIT", "applied", "follow_log", "wait_as_preferred"]

LONGEST_WAIT = 300
"""Seconds; who prefers to wait longer asks again."""

_LOOK_EVERY = 15.0
"""Seconds; so often the job is looked at, or the reader of a log, even if nothing came."""

_WAIT = re.compile(r"\s*wait\s*=\s*\"?([0-9]{1,9})\"?\s*(;.*)?", re.IGNORECASE)


def wait_as_preferred(jid: str) -> int | None:
    """Return once the job has ended or the time is over that the request prefers to wait.

    That time in seconds; None where none is preferred, or it cannot be granted: the reply is then what it is now.
    """
    told = request.environ.get("HTTP_PREFER")
    if not told:
        return None
    wanted = [int(found[1]) for each in told.split(",") if (found := _WAIT.fullmatch(each))]
    if not wanted:
        return None
    seconds = min(wanted[0], LONGEST_WAIT)
    try:
        place = Hold()
    except NoStreamLeft:
        return None
    try:
        _wait(jid, time.monotonic() + seconds)
    except JobsApiError:
        return None  # whoever looks at the job next is told
    finally:
        place.release()
    return seconds


def applied(seconds: int | None) -> dict[str, str]:
    """The header that says for how long a reply was held at the most."""
    return {} if seconds is None else {"Preference-Applied": f"wait={seconds}"}


def _wait(jid: str, deadline: float) -> None:
    store = the_store()
    with the_feed().watching(Watcher(jid)) as watcher:
        while not jobs.get_record(store, jid).is_ended:
            until = min(deadline, time.monotonic() + _LOOK_EVERY)
            while (left := until - time.monotonic()) > 0:
                with out_of_turn():
                    item = watcher.get(left)
                if item is STOP:
                    return
                if item is LOST or (isinstance(item, Event) and item.is_end):
                    break
            if time.monotonic() >= deadline:
                return


def follow_log(jid: str) -> tuple[Iterator[bytes], Callable[[], None]]:
    """The job's log as it is written, until the job has ended, and what must be called when its reader is done.

    Raises UnknownJob, NoStreamLeft, StoreUnavailable.
    """
    store, feed, place, watcher = the_store(), the_feed(), Hold(), Watcher(jid)

    def close() -> None:
        feed.leave(watcher)
        place.release()

    def pieces() -> Iterator[bytes]:
        at, is_over = 0, record.is_ended
        with contextlib.suppress(JobsApiError):  # its store is away, or the job removed: the text ends
            while True:
                with feed.asking:
                    text, at = events.read_log(store, jid, at)
                yield text.encode()  # an empty piece finds out whether the reader is there
                if is_over:
                    return
                item = watcher.get(_LOOK_EVERY)
                while isinstance(item, Event) and item.kind != "log" and not item.is_end:
                    item = watcher.get(_LOOK_EVERY)
                if item is STOP:
                    return
                is_over = jobs.get_record(store, jid).is_ended

    try:
        feed.join(watcher)
        record = jobs.get_record(store, jid)
    except BaseException:
        close()
        raise
    return pieces(), close
