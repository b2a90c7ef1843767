"""The JSON of a job in a list, made straight from the bytes that the store keeps of it.

`JobRecord.shown` says the same as Python values; to make a hundred of those only to write them down again was most of
the time of a page.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import orjson

from jobsapi.record import rfc3339
from jobsapi.states import STAGED_CODE, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SHOWN", "document"]

SHOWN = ("s", "r", "t", "p", "q", "pr", "tg", "bt", "pg", "a", "ma", "d", "cr", "c", "ra", "b", "e", "w", "er")
"""The record's fields that `document` is made of, in its order."""

_DOCUMENT = (
    b'{"id":"%b","status":%b,"reason":%b,"task":%b,"params":%b,"queue":%b,"priority":%b,"tags":%b,"batch":%b,'
    b'"progress":%b,"attempt":%b,"max_attempts":%b,"deliveries_lost":%b,"cancel_requested":%b,"created":%b,'
    b'"run_at":%b,"started":%b,"finished":%b,"worker":%b,"error":%b,"position":null,"links":{"self":"%b",'
    b'"results":"%b/results","logs":"%b/logs","events":"%b/events","cancel":"%b/cancel","retry":"%b/retry"%b}}'
)


def document(jid: bytes, row: Sequence[bytes | None], base: bytes) -> bytes:
    """The job of these values, in the order of SHOWN, as JSON; its links begin with `base`, part of a JSON text."""
    status, reason, task, params, queue, priority, tags, batch, progress, attempt, most, lost, stop, *rest = row
    created, run_at, started, finished, worker, error = rest
    here = b"%b/jobs/%b" % (base, jid)
    return _DOCUMENT % (
        jid,
        _STATUSES[status or b""],
        _text(reason),
        _text(task) if task else b'""',
        params or b"{}",
        _text(queue) if queue else b'""',
        priority or b"0",
        orjson.dumps(tags.decode().split()) if tags else b"[]",
        b'"%b"' % batch if batch else b"null",
        progress or b"null",
        attempt or b"0",
        most or b"1",
        lost or b"0",
        b"true" if stop else b"false",
        _time(created or b"0"),
        _time(run_at) if run_at else b"null",
        _time(started) if started else b"null",
        _time(finished) if finished else b"null",
        _text(worker),
        error or b"null",
        *(here, here, here, here, here, here),
        b',"batch":"%b/batches/%b"' % (base, batch) if batch else b"",
    )


_STATUSES = {each.code.encode(): orjson.dumps(each.value) for each in Status}
_STATUSES[STAGED_CODE.encode()] = orjson.dumps(Status.SUBMITTED.value)


@functools.lru_cache(maxsize=4096)
def _text(value: bytes | None) -> bytes:
    """A name, of which there are few, as JSON."""
    return b"null" if value is None else orjson.dumps(value.decode() or None)


@functools.lru_cache(maxsize=4096)
def _time(ms: bytes) -> bytes:
    """A point in time as JSON: jobs of one list share theirs."""
    return orjson.dumps(rfc3339(int(ms)))
