"""The jobs that a submit comes after: `#0` becomes the id of the list's first job, and unknown ids are refused."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from jobsapi.errors import FieldError, Invalid
from jobsapi.states import STAGED_CODE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobsapi.store import Store
    from jobsapi.submission import Submission

__all__ = ["count", "with_parents"]

_FIELDS = {"after": "af", "after_any": "ay"}
_FIELDS_OF = frozenset(_FIELDS.values())
_STEP = 1000


def count(submission: Submission) -> int:
    """How many jobs it comes after."""
    if _FIELDS_OF.isdisjoint(submission.fields):
        return 0
    return sum(1 for _ in _named(submission))


def with_parents(store: Store, submissions: Sequence[Submission]) -> Sequence[Submission]:
    """The same, each naming the jobs it comes after by their ids. Raises Invalid, which points at those that are none.

    A job of a list may name an earlier one by its place, `#0` the first: so there is never a circle.
    """
    if not any(map(count, submissions)):
        return submissions
    faults: list[FieldError] = []
    made = []
    submissions = _with_own_results(submissions)
    for number, each in enumerate(submissions):
        fields = dict(each.fields)
        for pointer, name in _named(each):
            if name.startswith("#"):
                place = int(name[1:])
                if place >= number:
                    faults.append(FieldError(pointer, "is no earlier job of the list"))
                elif "oc" in submissions[place].fields:
                    faults.append(FieldError(pointer, "may turn out to be another job, by its `on_conflict`"))
        for field in _FIELDS.values():
            if field in fields:
                fields[field] = re.sub(r"#(\d+)", lambda m: _id(submissions, int(m[1])), str(fields[field]))
        made.append(replace(each, fields=fields))
    own = {each.id for each in submissions}
    named = {name for each in submissions for _, name in _named(each) if not name.startswith("#")}
    unknown = _unknown(store, sorted(named - own))
    for each in submissions:
        faults += [FieldError(pointer, "is no job's id") for pointer, name in _named(each) if name in unknown]
    if faults:
        raise Invalid("A job comes after jobs that are not known.", errors=faults)
    return made


def _with_own_results(submissions: Sequence[Submission]) -> list[Submission]:
    """Those that others of the list name run by themselves: a job that answers for one of them has another id."""
    named = {name for each in submissions for _, name in _named(each)}
    return [
        replace(each, fields={field: value for field, value in each.fields.items() if field != "ck"})
        if f"#{place}" in named
        else each
        for place, each in enumerate(submissions)
    ]


def _named(submission: Submission) -> Iterator[tuple[str, str]]:
    """(pointer, what stands there) of every job it comes after."""
    for option, field in _FIELDS.items():
        for i, name in enumerate(str(submission.fields.get(field, "")).split()):
            yield f"{submission.base}/{option}/{i}", name


def _id(submissions: Sequence[Submission], place: int) -> str:
    return submissions[place].id if place < len(submissions) else ""


def _unknown(store: Store, ids: Sequence[str]) -> set[str]:
    """Those that are no job's; a job of a large submit that was not accepted yet is none."""
    unknown = set()
    for start in range(0, len(ids), _STEP):
        part = ids[start : start + _STEP]
        with store.redis.pipeline(transaction=False) as pipe:
            for jid in part:
                pipe.hmget(store.keys.job(jid), "s", "bt")
            rows = store.execute(pipe)
        for jid, (status, batch) in zip(part, rows, strict=True):
            is_staged = status == STAGED_CODE.encode()
            if status is None or (is_staged and not store.call("exists", store.keys.committed(batch.decode()))):
                unknown.add(jid)
    return unknown
