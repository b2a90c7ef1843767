"""Checked submissions → recorded jobs, all of them or none: at once, or, where they are many, in steps."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, TypeVar

from jobsapi import batches, family
from jobsapi.batches import admit_jobs
from jobsapi.errors import FieldError, Invalid, KeyTaken
from jobsapi.names import new_id
from jobsapi.options import MOST_PARENTS
from jobsapi.reads import get_records
from jobsapi.record import Alike
from jobsapi.states import Status
from jobsapi.store.replication import wait_for_replicas
from jobsapi.store.series import run_series
from jobsapi.submission import MOST_AT_ONCE, are_alike, with_generations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jobsapi.record import JobRecord
    from jobsapi.store import Store
    from jobsapi.submission import Submission

__all__ = ["submit"]

_Made = TypeVar("_Made")

_STEP = 100
"""Jobs a script handles in one go: at most 2 ms of the server's time."""

_AT_ONCE = 10
"""Steps that are sent without waiting for the reply to each; between two of them the server serves others."""


def submit(
    store: Store,
    submissions: Sequence[Submission],
    batch: str,
    sweep: Sequence[str],
    one: Callable[[JobRecord], _Made],
    alike: Callable[[Alike, Iterable[tuple[str, bytes]], int], list[_Made]],
) -> list[_Made]:
    """See `jobs.submit_jobs`. What is told of each job is made by `one`, or by `alike` of those that differ little."""
    if len(submissions) > MOST_AT_ONCE:
        detail = f"{len(submissions):,} jobs are more than the {MOST_AT_ONCE:,} that one submit may hold."
        raise Invalid(detail, errors=[FieldError("", detail)])
    store.refuse_if_full()
    if is_alike := are_alike(submissions):
        is_large = len(submissions) > _STEP
    else:
        submissions = _settled(store, submissions)
        is_large = len(submissions) > _STEP or sum(map(family.count, submissions)) > MOST_PARENTS
    if not submissions:
        return []
    if is_large and is_alike:
        first, made = submissions[0].id, _alike_in_steps(store, batch or new_id(), submissions, sweep, alike)
    elif is_large:
        records = _in_steps(store, batch or new_id(), submissions, sweep)
        first, made = records[0].id, [one(each) for each in records]
    else:
        created, answers = _at_once(store, batch, submissions, sweep)
        if is_alike and set(answers) == {Status.SUBMITTED.code}:
            first, made = submissions[0].id, alike(_likeness(submissions[0], batch), _pairs(submissions), created)
        else:
            records = _recorded(store, submissions, answers, created, batch)
            first, made = records[0].id, [one(each) for each in records]
    if store.settings.replicas:
        wait_for_replicas(store, store.keys.job(first))
    return made


def _settled(store: Store, submissions: Sequence[Submission]) -> Sequence[Submission]:
    """The same with what they say of time, of other jobs and of data sets made to last. Raises Invalid."""
    _check_keys(submissions)
    if any(each.is_relative for each in submissions):
        now = store.time_ms()
        submissions = [each.timed(now) for each in submissions]
    return with_generations(store, family.with_parents(store, submissions))


def _check_keys(submissions: Sequence[Submission]) -> None:
    """Two jobs of one list cannot have the same key. Raises Invalid."""
    places: dict[Any, int] = {}
    for i, each in enumerate(submissions):
        if "ky" in each.fields and (first := places.setdefault(each.fields["ky"], i)) != i:
            fault = FieldError(f"/{i}/key", f"is the key of the list's job {first}, too")
            raise Invalid("Two jobs of the list have the same key.", errors=[fault])


def _at_once(
    store: Store, batch: str, submissions: Sequence[Submission], sweep: Sequence[str]
) -> tuple[int, list[str]]:
    """When they were recorded, and for each the letter of its status, or the id of the job that stands for it."""
    if batch:
        told, arguments = batches.told(submissions, sweep), _arguments(submissions, bt=batch)
        created, *answers = store.run("submit_batch", _keep(store), batch, told, *arguments)
    else:
        created, *answers = store.run("submit", _keep(store), *_arguments(submissions))
    return int(created), [answer.decode() for answer in answers]


def _recorded(
    store: Store, submissions: Sequence[Submission], answers: Sequence[str], created: int, batch: str
) -> list[JobRecord]:
    """The records of a submit; `answers`: the code of each job's status, or the id of the one that stands for it."""
    others = get_records(store, [answer for answer in answers if len(answer) > 1])
    return [
        others[answer] if len(answer) > 1 else each.record(created, Status.from_code(answer), batch)
        for each, answer in zip(submissions, answers, strict=True)
    ]


# --- Many -----------------------------------------------------------------------------------------------------------


def _alike_in_steps(
    store: Store,
    batch: str,
    submissions: Sequence[Submission],
    sweep: Sequence[str],
    alike: Callable[[Alike, Iterable[tuple[str, bytes]], int], list[_Made]],
) -> list[_Made]:
    """What they have in common is sent once a step; while the server is at one, this makes what is told of the last."""
    first, made = submissions[0], list[_Made]()
    head = first.in_common(bt=batch)
    steps = [submissions[at : at + _STEP] for at in range(0, len(submissions), _STEP)]
    calls = ([batch, i * _STEP, *head, *itertools.chain.from_iterable(_pairs(step))] for i, step in enumerate(steps))
    likeness = _likeness(first, batch)
    for step, created in zip(steps, run_series(store, "stage_alike", calls), strict=True):
        made += alike(likeness, _pairs(step), int(created))
    places, told = len(submissions), batches.told(submissions, sweep)
    where = first.queue, first.task, first.fields.get("pr", 0)
    store.run("commit", batch, places, told, _keep(store), places, *where)
    admit_jobs(store, batch)
    return made


def _pairs(submissions: Sequence[Submission]) -> list[tuple[str, bytes]]:
    return [(each.id, each.params) for each in submissions]


def _likeness(submission: Submission, batch: str) -> Alike:
    """What is told of all jobs like this one; of those of no batch it is remembered for the next."""
    if batch:
        return Alike(submission.record(0, Status.SUBMITTED, batch))
    kind = id(submission.fields), submission.task, submission.queue
    found = _likenesses.get(kind)
    if found is None:
        if len(_likenesses) >= _MOST_LIKENESSES:
            _likenesses.clear()
        found = _likenesses[kind] = submission.fields, Alike(submission.record(0, Status.SUBMITTED))
    return found[1]


_likenesses: dict[tuple[int, str, str], tuple[Any, Alike]] = {}
"""With the fields that the jobs share, whose id no other object can have as long as they are here."""
_MOST_LIKENESSES = 100


def _in_steps(store: Store, batch: str, submissions: Sequence[Submission], sweep: Sequence[str]) -> list[JobRecord]:
    holders: list[bytes] = []
    try:
        for first in range(0, len(submissions), _STEP * _AT_ONCE):
            steps = range(first, min(first + _STEP * _AT_ONCE, len(submissions)), _STEP)
            for told in store.run_all(
                [("stage", [batch, at, *_arguments(submissions[at : at + _STEP], bt=batch)]) for at in steps]
            ):
                holders += told
    except KeyTaken:
        admit_jobs(store, batch)  # nobody committed it: what is staged is dropped
        raise
    about = batches.told(submissions, sweep)
    store.run("commit", batch, holders.count(b""), about, _keep(store), len(submissions))
    created = store.time_ms()
    admit_jobs(store, batch)
    codes = _codes(store, [each.id for each in submissions if each.may_wait])
    usual = Status.SUBMITTED.code.encode()
    answers = [
        (holder or codes.get(each.id) or usual).decode() for each, holder in zip(submissions, holders, strict=True)
    ]
    return _recorded(store, submissions, answers, created, batch)


def _codes(store: Store, ids: Sequence[str]) -> dict[str, bytes | None]:
    """The letters of their statuses; None for one that was removed just now."""
    with store.redis.pipeline(transaction=False) as pipe:
        for jid in ids:
            pipe.hget(store.keys.job(jid), "s")
        return dict(zip(ids, store.execute(pipe), strict=True))


def _arguments(submissions: Iterable[Submission], **more: str) -> list[Any]:
    """What `submit` and `stage` take."""
    return [part for each in submissions for part in each.arguments(**more)]


def _keep(store: Store) -> int:
    return round(store.settings.keep_results * 1000)
