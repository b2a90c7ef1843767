"""A submit that is sent again under its `Idempotency-Key` is the same submit: its jobs are made once."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import jobs
from jobsapi.errors import Conflict, FieldError, Invalid, StoreUnavailable, UnknownJob, Unreadable
from jobsapi.store.replication import wait_for_replicas

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobsapi.record import JobRecord
    from jobsapi.store import Store
    from jobsapi.submission import Sent

__all__ = ["Submitted", "submit_once"]

_KEPT = 24 * 3600
"""Seconds that a key is remembered."""


@dataclass(frozen=True)
class Submitted:
    """What a submit made, or had made when it came before."""

    batch: str
    """"" where it was a single job."""
    records: list[JobRecord]
    is_replayed: bool = False
    is_other: bool = False
    """Whether an active job with the same key stands for the first one."""


@dataclass(frozen=True)
class _Note:
    """What is remembered of a key: noted before its jobs are recorded, so that whoever sends it again makes those."""

    fingerprint: str
    batch: str
    ids: list[str]
    is_done: bool = False

    def packed(self) -> bytes:
        """For the store; the ids of one submit differ in few digits."""
        return zlib.compress(orjson.dumps([self.fingerprint, self.batch, self.ids, self.is_done]))


def submit_once(store: Store, key: str, body: bytes, prepared: Callable[[], Sent]) -> Submitted:
    """Record what `prepared` gives, unless it was recorded under that key in the last 24 h: then that is the answer.

    `body`: what was sent, to know it again. Raises Unreadable for a key that is none, Invalid where the key came with
    another body, Conflict where its jobs have been removed since, and what `prepared` and `jobs.submit_jobs` raise.
    """
    if not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise Unreadable("`Idempotency-Key` has 1 to 255 visible ASCII characters.")
    fingerprint = hashlib.sha256(body).hexdigest()
    note = _noted(store, key, fingerprint)
    if note and (note.is_done or _is_accepted(store, note)):
        records = _records(store, note.ids)
        wait_for_replicas(store, store.keys.job(note.ids[0]))
        return Submitted(note.batch, records, is_replayed=True)
    sent = prepared()
    mine = _Note(fingerprint, sent.batch, [each.id for each in sent.submissions])
    is_first = note is None and _set(store, key, mine, nx=True, ex=_KEPT)
    note = mine if is_first else note or _noted(store, key, fingerprint) or mine
    is_replayed = note.ids != mine.ids  # it is mine, too, where the note was heard and the reply was lost
    return _submit(store, key, note, sent, is_replayed=is_replayed)


def _submit(store: Store, key: str, note: _Note, sent: Sent, *, is_replayed: bool) -> Submitted:
    """Record the jobs under the ids that were noted: of two that do so at the same moment one finds them there."""
    same = [replace(each, id=jid) for each, jid in zip(sent.submissions, note.ids, strict=True)]
    try:
        records = jobs.submit_jobs(store, same, note.batch, sent.sweep)
    except Exception as problem:
        if not (is_replayed and _is_accepted(store, note)):
            if not isinstance(problem, StoreUnavailable):  # else the note stays: nobody knows whether it was recorded
                store.call("delete", store.keys.idempotency(key))
            raise
        records = _records(store, note.ids)
    done = replace(note, ids=[record.id for record in records], is_done=True)
    _set(store, key, done, xx=True, keepttl=True)
    return Submitted(note.batch, records, is_replayed, is_other=records[0].id != same[0].id)


def _noted(store: Store, key: str, fingerprint: str) -> _Note | None:
    packed = store.call("get", store.keys.idempotency(key))
    if packed is None:
        return None
    note = _Note(*orjson.loads(zlib.decompress(packed)))
    if note.fingerprint != fingerprint:
        detail = "This Idempotency-Key came before with another body; a new request needs a new key."
        raise Invalid(detail, errors=[FieldError("", "is not the body that came with this Idempotency-Key")])
    return note


def _set(store: Store, key: str, note: _Note, **how: Any) -> bool:
    with store.redis.pipeline(transaction=False) as pipe:
        pipe.set(store.keys.idempotency(key), note.packed(), **how)
        return bool(store.execute(pipe)[0])


def _is_accepted(store: Store, note: _Note) -> bool:
    """Whether the jobs of a note are recorded, though nobody noted that they are."""
    try:
        jobs.get_record(store, note.ids[0])
    except UnknownJob:
        return False
    return True


def _records(store: Store, ids: Sequence[str]) -> list[JobRecord]:
    try:
        found = jobs.get_records(store, ids)
    except UnknownJob:
        raise Conflict("The jobs that this Idempotency-Key made have been removed since.") from None
    return [found[jid] for jid in ids]
