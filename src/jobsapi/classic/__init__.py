"""The course document's names on this engine: `from jobsapi.classic import *` is a whole `jobs.py`.

Importing it needs no server: `rd`, `q` and `jdb` find theirs (REDIS_URL; or REDIS_IP and REDIS_PORT; else the embedded
one of the working folder) when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobsapi.classic import records
from jobsapi.classic.database import OwnDatabase
from jobsapi.classic.holder import Holder
from jobsapi.classic.home import the_store, the_url
from jobsapi.classic.queue import Queue
from jobsapi.classic.records import JobRecords
from jobsapi.classic.signals import Cancelled
from jobsapi.classic.status import say
from jobsapi.classic.words import Meaning, meaning_of
from jobsapi.names import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Cancelled",
    "_generate_jid",
    "_instantiate_job",
    "_queue_job",
    "_save_job",
    "add_job",
    "get_job_by_id",
    "jdb",
    "q",
    "rd",
    "update_job_status",
]


def _generate_jid() -> str:
    """A fresh id for a job: 20 letters and digits."""
    return new_id()


def _instantiate_job(jid: str, status: str, start: Any, end: Any) -> dict[str, Any]:
    """The dict of a job; nothing is recorded."""
    return {"id": jid, "status": status, "start": start, "end": end}


def _save_job(jid: str, job_dict: Mapping[str, Any]) -> None:
    """Record a job's dict. A new job waits in no queue (its status is `scheduled`) until `_queue_job`.

    Of a job that is known, keys beside id and status are kept and shown with it; a final status, or a word that is no
    status, is said as by `update_job_status`. Raises Invalid, TooLarge, StoreUnavailable, and what that raises.
    """
    jid = records.text_of(jid)
    wanted = records.save(the_store(), jid, job_dict)
    if wanted and meaning_of(wanted) not in (
        Meaning.QUEUE,
        Meaning.START,
    ):  # a dict that was read a while ago says those, too
        update_job_status(jid, wanted)


def _queue_job(jid: str) -> None:
    """Put a saved job, or an ended one once more, on the queue. Raises UnknownJob, WrongStatus, StoreUnavailable."""
    q.put(get_job_by_id(jid)["id"])


def add_job(start: Any, end: Any, status: str = "submitted", **params: Any) -> dict[str, Any]:
    """Record a job and put it on the queue `classic`, in one step; returns its dict at once.

    `params`: further parameters beside start and end, any JSON values. A `status` that ends a job (`complete`, …)
    records it so and queues nothing; any other one than `submitted` is kept as its progress.
    Raises Invalid, TooLarge, StoreUnavailable.
    """
    store = the_store()
    given = {"start": start, "end": end, **params}
    meaning = meaning_of(status)
    if meaning.is_final:
        jid = _generate_jid()
        _save_job(jid, given)
        update_job_status(jid, status)
    else:
        jid = records.submit(store, given).id
        if meaning is not Meaning.QUEUE:
            records.note(store, jid, status)
    return get_job_by_id(jid)


def get_job_by_id(jid: str) -> dict[str, Any]:
    """The job's dict: `id`, `status` (the engine's word), its parameters, the keys that programs saved with it.

    `progress`, `reason` and `error` are there where the job has them. Raises UnknownJob, StoreUnavailable.
    """
    return records.shown(the_store(), records.text_of(jid))


def update_job_status(jid: str, status: str) -> None:
    """Say how a job stands; case, blanks, underscores and dots at the end of the word do not matter.

    Said by the program that works on it: `complete` (`done`, `finished`, …) and `failed…`, `error…` end the job, at
    once and for good; `in progress` is what it is anyway; any other word is kept as its progress.
    Said by another program: `complete` and `failed…` end a job that nobody works on; `cancelled` stops it anywhere;
    `submitted` puts a saved or an ended job on the queue; other words are kept as its progress.
    Raises UnknownJob; WrongStatus where another program works on the job, or it has ended otherwise; NotHolder where it
    was given to another worker meanwhile; StoreUnavailable.
    """
    say(the_store(), _holder, records.text_of(jid), str(status))


_holder = Holder()
rd = OwnDatabase(the_url)
q = Queue(_holder)
jdb = JobRecords(the_store, _save_job)
