"""What must hold of all jobs that were sent once everything is quiet again; each fault found is one line."""

from __future__ import annotations

import itertools
import string
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from jobsapi import jobs
from jobsapi.audit import audit
from jobsapi.errors import NotHolder
from jobsapi.states import ACTIVE, Status
from tests.faults.kinds import MOST_RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobsapi.record import Job
    from jobsapi.store import Store
    from tests.faults.stream import Sent

SCHEDULE, EVERY = "schedule", 2.0
"""The tag of a schedule's jobs, and seconds between two of them."""

_AGAIN = {"lost", "error", "timeout", "released"}
"""What a run ended with after which there may be another."""


class Verdict:
    """Every job of a store as users see it, beside what was sent and what ran."""

    def __init__(self, store: Store, sent: Iterable[Sent], effects: str, *, may_lack_memory: bool = False) -> None:
        """`may_lack_memory`: the kernel ended processes of this machine for want of memory meanwhile, whosever.

        A child that is killed within a second of that is taken for one of those.
        """
        self._store, self._sent = store, list(sent)
        self._ways_out = {"memory"} if may_lack_memory else set()
        self.listed = {job.id: job for job in _all(store)}
        self.jobs = {jid: jobs.get_job_by_id(jid, store=store) for jid in self.listed}
        self._said: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for line in effects.splitlines():
            word, jid, token, _ = line.split()
            self._said[jid][word].append(token)

    def faults(self) -> list[str]:
        """All that is wrong."""
        found = [*self._answers(), *self._unasked(), *self._lists(), *self._leftovers(), *self._schedule()]
        for job in self.jobs.values():
            found += [f"{job.id} ({job.task}): {fault} {dict(job)}" for fault in self._runs(job)]
        return [*found, *self._times(), *self._stale()]

    def figures(self) -> dict[str, int]:
        """How much there was of what."""
        lines = [line["outcome"] for job in self.jobs.values() for line in job.attempts]
        ends = Counter(job.reason or job.status for job in self.jobs.values())
        kinds = Counter(each.wish.kind for each in self._sent)
        return {
            "submits": len(self._sent),
            "jobs": len(self.jobs),
            "runs": sum(len(each["begin"]) for each in self._said.values()),
            **{f"ended {end}": count for end, count in sorted(ends.items())},
            **{f"runs {end}": lines.count(end) for end in sorted(_AGAIN)},
            "submits refused": sum(bool(each.refusal) for each in self._sent),
            "submits nobody answered": sum(each.is_unknown for each in self._sent),
            **{f"of kind {kind}": count for kind, count in sorted(kinds.items())},
        }

    # --- What was answered --------------------------------------------------------------------------------------------

    def _answers(self) -> Iterator[str]:
        """What was accepted is there, once, and ended as it should; of what was refused there is nothing."""
        for each in self._sent:
            name = f"{each.tag} ({each.wish.kind}, by {each.way})"
            found = {job.id for job in _all(self._store, tag=each.tag)}
            if each.is_unknown:
                if len(found) not in (0, len(each.wish.requests)):
                    yield f"{name}: {len(found)} of {len(each.wish.requests)} jobs are recorded"
            elif found != set(each.ids):
                yield f"{name}: accepted {each.ids}, refused {each.refusal!r}, recorded {sorted(found)}"
            if each.wish.is_refused and not (each.refusal or each.is_unknown):
                yield f"{name}: was not refused"
            if each.refusal and not (each.wish.is_refused or each.refusal == "key-taken"):
                yield f"{name}: was refused: {each.refusal}"
            for jid, ends in zip(each.ids, each.wish.ends, strict=False):
                job = self.jobs.get(jid)
                if job is None:
                    yield f"{name}: the accepted job {jid} is unknown"
                elif (job.reason or job.status) not in ends | self._ways_out:
                    yield f"{name}: is {job.status} ({job.reason}), not {ends}: {dict(job)}"

    def _unasked(self) -> Iterator[str]:
        """A job that nobody sent, apart from the schedule's."""
        tags = {each.tag for each in self._sent} | {SCHEDULE}
        for job in self.jobs.values():
            if not set(job.tags) <= tags or not job.tags:
                yield f"{job.id}: nobody asked for it: {dict(job)}"

    # --- What ran -----------------------------------------------------------------------------------------------------

    def _runs(self, job: Job) -> Iterator[str]:
        """Each run was under a claim of its own that the story tells of; a completion is its last line, and one."""
        said, attempts = self._said[job.id], job.attempts
        tokens = [line.get("token") for line in attempts]
        if job.status in {status.value for status in ACTIVE}:
            yield "has not ended:"
        if len(set(said["begin"])) != len(said["begin"]):
            yield "one claim ran twice:"
        if len(set(tokens)) != len(tokens):
            yield "one claim is told of twice:"
        if untold := set(said["begin"]) - set(tokens):
            yield f"runs that nobody tells of, {untold}:"
        if [line for line in attempts[:-1] if line["outcome"] not in _AGAIN]:
            yield "ran on after its end:"
        completions = [line for line in attempts if line["outcome"] == "complete"]
        if len(completions) != (job.status == "complete"):
            yield f"{len(completions)} completions:"
        if job.status == "complete":
            if tokens[-1] not in said["end"] and job.task != "die":
                yield "the claim that completed it did not run to its end:"
            yield from self._result(job)

    def _result(self, job: Job) -> Iterator[str]:
        result = jobs.get_results(job.id, store=self._store)
        expected = {"work": job.id, "flaky": job.id, "limited": job.id, "gather": job.get("after")}.get(
            job.task, result
        )
        if result != expected:
            yield f"its result is {result}:"

    def _times(self) -> Iterator[str]:
        """Nothing ran before its time, or before those it came after had ended; a key had one job at a time."""
        held = defaultdict(list)
        for each in self._sent:
            for jid, request in zip(each.ids, each.wish.requests, strict=False):
                if (job := self.jobs.get(jid)) is None:
                    continue
                first = job.attempts[0]["started"] if job.attempts else None
                parents = [self.jobs[parent] for parent in (*job.get("after", ()), *job.get("after_any", ()))]
                waited_for = [job.run_at] if "delay" in request or "run_at" in request else []
                waited_for += [parent.finished for parent in parents]
                if first and [moment for moment in waited_for if moment and first < moment]:
                    yield f"{jid} ran too early: {dict(job)}"
                if "key" in request:
                    held[request["key"]].append((job.created, job.finished, jid))
        yield from self._too_many()
        for key, spans in held.items():
            spans.sort()
            for (_, end, one), (begin, _, other) in itertools.pairwise(spans):
                if begin < end:
                    yield f"{one} and {other} had the key {key!r} at the same time"

    def _too_many(self) -> Iterator[str]:
        """Never more claims at a time on a task than its `max_running`: a claim that was lost counts until then."""
        runs = [line for job in self.jobs.values() if job.task == "limited" for line in job.attempts]
        events = [(line["started"], 1) for line in runs] + [(line["ended"], -1) for line in runs]
        at_once = 0
        for moment, change in sorted(events):
            at_once += change
            if at_once > MOST_RUNNING:
                yield f"{at_once} jobs of a task that allows {MOST_RUNNING} ran at {moment}"

    def _stale(self) -> Iterator[str]:
        """A claim that lost its job can record nothing any more."""
        for job in self.jobs.values():
            for line in job.attempts[:-1]:
                for record in (jobs.complete_job, _fail):
                    try:
                        record(self._store, job.id, line["token"], b"", b'"stale"')
                    except NotHolder:
                        continue
                    yield f"{job.id}: a stale claim was heard by {record.__name__}"

    # --- Lists and counts ---------------------------------------------------------------------------------------------

    def _lists(self) -> Iterator[str]:
        """Counts, totals and filtered lists say what the records say."""
        store, known = self._store, self.jobs.values()
        counted = {(s.value, q, t): count for s, q, t, count, _ in jobs.count_jobs(store) if count}
        if counted != (real := dict(Counter((job.status, job.queue, job.task) for job in known))):
            yield f"counts are {counted}, records are {real}"
        for status in Status:
            by_status = {job.id for job in _all(store, status=status.value)}
            if by_status != {job.id for job in known if job.status == status.value}:
                yield f"the list of {status.value} is wrong"
        if jobs.list_jobs(limit=1, store=store)[2] != len(self.jobs):
            yield "the total is wrong"
        ended = {(task, outcome): count for task, outcome, count in jobs.count_ended(store) if count}
        if ended != (real_ends := dict(Counter((job.task, job.reason or job.status) for job in known))):
            yield f"ends counted {ended}, recorded {real_ends}"

    def _leftovers(self) -> Iterator[str]:
        """Records and indexes agree; and where every job has ended nothing waits, runs or is held."""
        yield from (each.sentence for each in audit(self._store))
        store, keys = self._store, self._store.keys
        for name in ("leases", "due", "settled", "expiring", "staged"):
            if left := store.call("zrange", getattr(keys, name)(), 0, -1):
                yield f"left in {name}: {left}"
        for pattern in (keys.ready("*", "*"), keys.children("*"), keys.keyed("*"), keys.stage("*")):
            if left := list(store.redis.scan_iter(match=pattern, count=1000)):
                yield f"left behind: {left}"

    def _schedule(self) -> Iterator[str]:
        """One job for each due time."""
        dues = sorted(made_at(job.id) for job in self.jobs.values() if SCHEDULE in job.tags)
        for one, other in itertools.pairwise(dues):
            if other - one != round(EVERY * 1000):
                yield f"the schedule's due times are {dues}"


def made_at(jid: str) -> int:
    """When an id was made, ms, by its maker's clock; that of a schedule's job: when it was due."""
    number = 0
    for digit in jid[2:]:
        number = number * 62 + (string.digits + string.ascii_uppercase + string.ascii_lowercase).index(digit)
    return number >> 62


def _fail(store: Store, jid: str, token: str, *_: Any) -> None:
    jobs.fail_job(store, jid, token, "error", None)


def _all(store: Store, **filters: str) -> Iterator[Job]:
    """Every job of a list, page after page."""
    below = None
    while True:
        found, below, _ = jobs.list_jobs(limit=1000, below=below, store=store, **filters)
        yield from found
        if below is None:
            return
