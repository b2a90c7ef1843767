"""The JSON of a job, made straight from the bytes that the store keeps of it, or is given for it.

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
    from collections.abc import Iterable, Sequence

    from jobsapi.record import JobRecord

__all__ = ["SHOWN", "document", "json_part", "of_record"]

SHOWN = ("s", "r", "t", "p", "q", "pr", "tg", "bt", "pg", "a", "ma", "d", "cr", "c", "ra", "b", "e", "w", "er")
"""The record's fields that `document` is made of, in its order."""

_DOCUMENT = (
    b'{"id":"%b","status":%b,"reason":%b,"task":%b,"params":%b,"queue":%b,"priority":%b,"tags":%b,"batch":%b,'
    b'"progress":%b,"attempt":%b,"max_attempts":%b,"deliveries_lost":%b,"cancel_requested":%b,"created":%b,'
    b'"run_at":%b,"started":%b,"finished":%b,"worker":%b,"error":%b,"position":%b,"links":{"self":"%b",'
    b'"results":"%b/results","logs":"%b/logs","events":"%b/events","cancel":"%b/cancel","retry":"%b/retry"%b}%b}'
)


def document(
    jid: bytes,
    row: Sequence[bytes | None],
    base: bytes,
    position: int | None = None,
    links: Iterable[bytes] = (),
    more: bytes = b"",
) -> bytes:
    """The job of these values, in the order of SHOWN, as JSON; its links begin with `base`, part of a JSON text.

    `links`: further ones of its own, `more`: further members, as JSON with a comma before them.
    """
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
        b"null" if position is None else b"%d" % position,
        *(here, here, here, here, here, here),
        (b',"batch":"%b/batches/%b"' % (base, batch) if batch else b"")
        + b"".join([b',"%b":"%b/%b"' % (name, here, name) for name in links]),
        more,
    )


def of_record(record: JobRecord, base: str) -> bytes:
    """The same of a record."""
    return document(
        record.id.encode(),
        (
            *(record.status.code.encode(), _bytes(record.reason), record.task.encode()),
            *(record.params, record.queue.encode(), b"%d" % record.priority, " ".join(record.tags).encode()),
            *(record.batch.encode(), record.progress, b"%d" % record.attempt, b"%d" % record.max_attempts),
            *(b"%d" % record.lost, b"1" if record.cancel_requested else None, b"%d" % record.created),
            *(_digits(record.run_at), _digits(record.started), _digits(record.finished)),
            *(_bytes(record.worker), record.error),
        ),
        json_part(base),
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _digits(number: int | None) -> bytes | None:
    return None if number is None else b"%d" % number


def json_part(text: str) -> bytes:
    """A text as part of a JSON text."""
    return orjson.dumps(text)[1:-1] if text else b""


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
