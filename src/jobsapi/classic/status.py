"""`update_job_status`: a word → the verb it means, by who says it and where the job is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from jobsapi import jobs
from jobsapi.classic import records
from jobsapi.classic.holder import inherited_token
from jobsapi.classic.words import Meaning, meaning_of
from jobsapi.errors import WrongStatus
from jobsapi.states import Status

if TYPE_CHECKING:
    from jobsapi.classic.endings import Item
    from jobsapi.classic.holder import Holder
    from jobsapi.store import Store

__all__ = ["say"]

_ENDS = {Meaning.COMPLETE: Status.COMPLETE, Meaning.FAIL: Status.FAILED, Meaning.CANCEL: Status.CANCELLED}


def say(store: Store, holder: Holder, jid: str, word: str) -> None:
    """Do what a status word means. Raises UnknownJob, WrongStatus, NotHolder, StoreUnavailable."""
    meaning = meaning_of(word)
    if item := holder.find(jid):
        _by_holder(store, holder, item, meaning, word)
    elif (token := inherited_token(jid)) and meaning in (Meaning.COMPLETE, Meaning.FAIL):
        _by_child(store, jid, token, meaning, word)
    else:
        _by_other(store, jid, meaning, word)


def _by_holder(store: Store, holder: Holder, item: Item, meaning: Meaning, word: str) -> None:
    """This process works on it: final words end it now, once; it is in progress anyway; others are progress."""
    if meaning is Meaning.COMPLETE:
        holder.complete(item)
    elif meaning is Meaning.FAIL:
        holder.fail(item, _failure(word), is_asked=True)
    elif meaning is Meaning.CANCEL:
        holder.stop(item)
    elif meaning is not Meaning.START:
        records.note(store, item.id, word)


def _by_child(store: Store, jid: str, token: str, meaning: Meaning, word: str) -> None:
    """A process that works on it started this one, which may end it in its place."""
    if meaning is Meaning.COMPLETE:
        jobs.complete_job(store, jid, token, b"", orjson.dumps(records.own_keys(store, jid) or None))
    else:
        jobs.fail_job(store, jid, token, "error", _failure(word))


def _by_other(store: Store, jid: str, meaning: Meaning, word: str) -> None:
    """Nobody here works on it. What another process works on is only ended by that process, or cancelled."""
    record = jobs.get_record(store, jid)
    if _ENDS.get(meaning) is record.status or (meaning is Meaning.START and record.status is Status.IN_PROGRESS):
        return
    if meaning is Meaning.CANCEL:
        jobs.cancel_job(jid, store=store)
    elif meaning.is_final:
        _end(store, jid, word if meaning is Meaning.FAIL else None)
    elif meaning is Meaning.QUEUE:
        _queue(store, jid)
    elif meaning is Meaning.START and record.is_ended:
        raise WrongStatus(f"Job {jid} is {record.status.value}: it has ended. _queue_job(jid) runs it again.")
    else:
        records.note(store, jid, word)


def _end(store: Store, jid: str, failure: str | None) -> None:
    try:
        records.end(store, jid, failure)
    except WrongStatus:
        raise _refused(store, jid) from None


def _queue(store: Store, jid: str) -> None:
    try:
        records.put(store, jid)
    except WrongStatus:
        raise _refused(store, jid) from None


def _refused(store: Store, jid: str) -> WrongStatus:
    record = jobs.get_record(store, jid)
    if record.is_ended:
        return WrongStatus(f"Job {jid} is {record.status.value} already.")
    return WrongStatus(f"Job {jid} is worked on by {record.worker}; only that program can end it or put it back.")


def _failure(word: str) -> dict[str, str]:
    return {"type": "Failed", "message": word, "traceback": ""}
