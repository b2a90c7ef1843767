"""Looks whether the indexes agree with the jobs' records, while the system runs, and puts right what does not."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from redis.exceptions import RedisError

from jobsapi import schedules
from jobsapi.states import STAGED_CODE, Status
from jobsapi.store import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobsapi.store import Store

__all__ = ["MOST", "Disagreement", "audit", "repair"]

MOST = 1000
"""How many disagreements one look tells at the most."""

_PAGE = 50
"""Jobs that one script looks at: well under a millisecond of the server's time."""
_MANY = 1000
"""Entries of a list that are read in one go."""

_INDEXES = (
    "listed",
    "ready",
    "tagged",
    "due",
    "leases",
    "expiring",
    "capped",
    "running",
    "webhooks",
    "bulky",
    "followers",
)
"""Sorted sets of jobs, and the set `running`: who stands in one has a record that says so."""
_PARTS = (
    *("children", "followers", "capped", "stage", "committed", "batch", "batched", "outputs", "history", "log"),
    "log_tail",
)
"""What belongs to a job, or somebody must be told of."""


@dataclass(frozen=True)
class Disagreement:
    """One thing that a record and the indexes tell differently."""

    about: Literal["job", "stray", "loose", "schedule", "sum"]
    """A place that a job's record says and that does not have it; an entry of an index that no record says; what was
    left of a job, or nobody is told to look at; a schedule that is never due; a sum that is another."""
    place: str
    """The key's name, as in `store.keys`, or `waits`, `broken`."""
    subject: str
    """The id of the job, or the name of the schedule."""
    sentence: str
    of: tuple[bytes, ...] = ()
    """What the key's spelling is filled in with."""


def audit(store: Store, most: int = MOST) -> list[Disagreement]:
    """Walk every record and every index, in small steps; each disagreement once, `most` at the most.

    What live traffic changes meanwhile is no disagreement: each is seen by one script that reads the record and its
    place in one step. Raises StoreUnavailable.
    """
    found: dict[Disagreement, None] = {}
    try:
        for each in _Walk(store).found():
            found[each] = None
            if len(found) == most:
                break
        return list(found)
    except RedisError as problem:
        raise translated(problem) from problem


def repair(store: Store, found: Iterable[Disagreement]) -> int:
    """Put right what `audit` found, each by one script that looks again first; how many there were to put right.

    A job goes into exactly the places that its record says. What a person must decide stays, and another `audit` tells
    it: a record that is not whole, two active jobs with one key. Raises StoreUnavailable.
    """
    return sum(_mend(store, each) for each in found)


def _mend(store: Store, what: Disagreement) -> bool:
    if what.about == "schedule":
        return schedules.replan(store, what.subject)
    if what.about == "sum":
        return bool(store.run("weigh", *what.of))
    of = [*what.of, b"", b"", b""]
    if what.about == "loose":
        return any(store.run("loose", "1", what.place, *of[:2]))
    kept = store.settings
    spans = [round(seconds * 1000) for seconds in (kept.keep_results, kept.keep_jobs, kept.lease)]
    index = what.place if what.about == "stray" else ""
    return bool(store.run("repair", what.subject, index, *(of[:3] if index else of[-3:]), *spans))


class _Walk:
    """One walk over the namespace, key by key in the server's own order."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[bytes, int] = {}
        """Jobs that wait for others → for how many, by their records."""
        self._entries: Counter[bytes] = Counter()
        """Jobs that wait for others → on how many lists they stand."""
        self._staged: set[bytes] = set()
        self._in_stages: set[bytes] = set()

    def found(self) -> Iterator[Disagreement]:
        names = self._store.redis.scan_iter(match=self._store.keys.prefix + "*", count=_MANY)
        for page in _pages(names, _MANY):
            parsed = [known for key in page if (known := self._store.keys.parsed(key))]
            yield from self._jobs([of[0] for name, of in parsed if name == "job"])
            yield from self._parts([(name, of) for name, of in parsed if name in _PARTS])
            for name, of in parsed:
                yield from self._entries_of(name, of)
        yield from self._suspects()
        yield from self._weight()
        for name in schedules.never_due(self._store):
            sentence = f"Schedule {name} has no next time, or a next time but no schedule: it is never due."
            yield Disagreement("schedule", "planned", name, sentence)

    def _jobs(self, ids: list[bytes], *, is_deep: bool = False) -> Iterator[Disagreement]:
        """Whether the jobs stand where their records say."""
        for page in _pages(ids, 1 if is_deep else _PAGE):
            for jid, code, what, of in self._store.run("audit", "1" if is_deep else "", *page):
                if what == b"waits" and not is_deep:
                    self._waiting[jid] = int(of)
                elif what == b"staged" and not is_deep:
                    self._staged.add(jid)
                else:
                    yield _misplaced(jid.decode(errors="replace"), code.decode(), what.decode(), of)

    def _parts(self, parts: list[tuple[str, list[bytes]]]) -> Iterator[Disagreement]:
        """Whether what belongs to jobs has its job, and what must be told of is noted."""
        for page in _pages(parts, _PAGE):
            arguments = [each for name, of in page for each in (name, *of, *[b""] * (2 - len(of)))]
            for (name, of), is_loose in zip(page, self._store.run("loose", "", *arguments), strict=True):
                if is_loose:
                    subject = of[0].decode(errors="replace")
                    yield Disagreement("loose", name, subject, _LOOSE[name].format(subject), tuple(of))

    def _entries_of(self, name: str, of: list[bytes]) -> Iterator[Disagreement]:
        """Whether the entries of an index belong there; those of lists are remembered, too."""
        redis, key = self._store.redis, self._spelled(name, of)
        if name in _INDEXES:
            ids = redis.sscan_iter(key, count=_PAGE) if name == "running" else redis.zscan_iter(key, count=_PAGE)
            yield from self._strays(name, of, ids if name == "running" else (jid for jid, _ in ids))
        elif name in ("keyed", "cached"):
            yield from self._strays(name, of, filter(None, [redis.get(key)]))
        elif name == "stage":
            ids = self._items(key)
            self._in_stages.update(ids)
            yield from self._strays(name, of, ids)
        elif name == "children":
            self._entries.update(entry.removeprefix(b"*") for entry in self._items(key))

    def _strays(self, name: str, of: list[bytes], ids: Iterable[bytes]) -> Iterator[Disagreement]:
        told = [each.decode(errors="replace") for each in of]
        if name == "listed":
            told[0] = _word(told[0])
        where = _STRAY[name].format(*told)
        for page in _pages(ids, _PAGE):
            for jid in self._store.run("strays", name, *[*of, b"", b"", b""][:3], *page):
                subject = jid.decode(errors="replace")
                sentence = f"{where} has job {subject}, whose record does not say so or is gone."
                yield Disagreement("stray", name, subject, sentence, tuple(of))

    def _spelled(self, name: str, of: list[bytes]) -> bytes:
        spelled: str = getattr(self._store.keys, name)(*(each.decode(errors="surrogateescape") for each in of))
        return spelled.encode(errors="surrogateescape")

    def _items(self, key: bytes) -> list[bytes]:
        items: list[bytes] = []
        while page := self._store.redis.lrange(key, len(items), len(items) + _MANY - 1):
            items += page
        return items

    def _suspects(self) -> Iterator[Disagreement]:
        """Jobs that seem not to stand in the lists of others: only a closer look tells whether it was the traffic."""
        waiting = [jid for jid, count in self._waiting.items() if self._entries[jid] != count]
        yield from self._jobs([*waiting, *(self._staged - self._in_stages)], is_deep=True)

    def _weight(self) -> Iterator[Disagreement]:
        """Whether retention by bytes counts as many as there are; nobody can say while outputs come and go."""
        told, right = first = self._weighed()
        if right is not None and int(told or 0) != right and first == self._weighed():
            sentence = f"The outputs beside the records are counted as {int(told or 0):,} bytes and have {right:,}."
            yield Disagreement("sum", "output_bytes", "", sentence, (told, b"%d" % right))

    def _weighed(self) -> tuple[bytes, int | None]:
        """What is told of the sum, and what it is; None where it changed on the way."""
        keys, redis, right, start = self._store.keys, self._store.redis, 0, 0
        told = redis.get(keys.output_bytes()) or b""
        while page := redis.zrange(keys.bulky(), start, start + _MANY - 1):  # by rank: nobody is met twice
            start += len(page)
            with redis.pipeline(transaction=False) as pipe:
                for jid in page:
                    pipe.hget(keys.job(jid.decode()), "ob")
                right += sum(int(each or 0) for each in self._store.execute(pipe))
        return told, right if (redis.get(keys.output_bytes()) or b"") == told else None


def _misplaced(jid: str, code: str, what: str, of: bytes) -> Disagreement:
    told = _MISPLACED[what].format(of.decode(errors="replace"))
    return Disagreement("job", what, jid, f"Job {jid} is {_word(code)}, {told}.")


def _word(code: str) -> str:
    words = {each.code: each.value for each in Status} | {STAGED_CODE: "part of a large submit"}
    return words.get(code, repr(code))


_MISPLACED = {
    "broken": "but its record lacks what every record has; remove its key",
    "listed": "but the list of such jobs does not have it under its number",
    "lists": "but no list and no count shows jobs of its status, queue and task",
    "tagged": "but is not found by its tag {}",
    "ready": "but does not stand in its place in queue {}: no worker would take it in its turn",
    "due": "but does not stand among the jobs that wait for their time: nobody would let it go",
    "capped": "but does not wait in its turn for one of its group to end, in queue {}",
    "running": "but is not counted among the running ones of group {}",
    "webhooks": "but nobody would send its webhook",
    "bulky": "but its outputs are not among those that retention by bytes looks at",
    "leases": "but has no lease: nobody would notice the end of its worker",
    "retained": "but nobody would look whether its time is over: it would stay for ever",
    "expiring": "but nobody would notice that it has expired",
    "followers": "but is not among those that came after job {}",
    "keyed": "but does not hold its key {}",
    "waits": "but of the jobs it waits for not all {} would tell it of their end",
    "staged": "but the large submit {} does not have it: it would never be let in",
}
_LOOSE = {
    "capped": "Jobs of the limited group {} wait for one of it to end, and nobody would let them go on.",
    "followers": "It is told which jobs came after job {}, and that one is gone.",
    "children": "Jobs wait for job {}, and nobody would tell them of its end.",
    "stage": "Nobody would let in the jobs of the large submit {}.",
    "committed": "Nobody would let in the jobs of the large submit {}.",
    "batch": "The list of batches does not have batch {}.",
    "batched": "The jobs of batch {} are listed, and the batch is gone.",
    "outputs": "The outputs of a run of job {} belong to nobody, and nobody would remove them.",
    "history": "The story of job {} is there, and the job is gone.",
    "log": "The log of job {} is there, and the job is gone.",
    "log_tail": "The log of job {} is there, and the job is gone.",
}
_STRAY = {
    "listed": "The list of jobs that are {0}, of queue {1} and task {2},",
    "ready": "Queue {0} of task {1}",
    "tagged": "Tag {0}",
    "due": "The index of jobs that wait for their time",
    "leases": "The index of leases",
    "expiring": "The index of jobs that expire",
    "capped": "The index of jobs of group {0} and queue {1} that wait for one to end",
    "running": "The count of running jobs of group {0}",
    "webhooks": "The index of webhooks to be sent",
    "bulky": "The index of large outputs",
    "followers": "The index of jobs that came after job {0}",
    "keyed": "The key {0}",
    "cached": "The cached result {0}",
    "stage": "The large submit {0}",
}


def _pages(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while page := list(itertools.islice(rest, size)):
        yield page
