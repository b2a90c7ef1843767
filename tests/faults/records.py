"""The records of the model, and what follows from them: every list is told from the jobs, none is kept.

What is kept apart is what no record tells: who waits for whom, what was noted for later, and which markers are up.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jobsapi.errors import NotHolder, UnknownJob
from tests.faults.entries import (
    CACHE,
    COMPLETE,
    ENDED,
    FAILED,
    IN_PROGRESS,
    SCHEDULED,
    STAGED,
    SUBMITTED,
    WORDS,
    Batch,
    Job,
    Stage,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobsapi.limits import Limits


class Records:
    """All jobs, and the moves that verbs share."""

    most_kept, most_bytes = 15, 1000
    """How many ended jobs, and bytes of output beside the records, are kept."""

    def __init__(self, now: int, keep: int, keep_record: int, most_lost: int) -> None:
        self.now, self.keep, self.keep_record, self.most_lost = now, keep, keep_record, most_lost
        self.jobs: dict[str, Job] = {}
        self.sequence = 0
        self.lists: set[tuple[str, str, str]] = set()
        self.outcomes: Counter[str] = Counter()
        self.webhook_ends: Counter[str] = Counter()
        self.children: dict[str, list[tuple[str, str]]] = {}
        self.followers: set[tuple[str, str]] = set()
        """(parent, child) as long as both are there."""
        self.settled: dict[str, int] = {}
        self.stages: dict[str, Stage] = {}
        self.cached: dict[str, str] = {}
        """What is the same → who answers, or did."""
        self.batches: dict[str, Batch] = {}
        self.placed: dict[str, dict[str, int]] = {}
        """The same of batches that are not accepted yet."""
        self.paused: set[str] = set()
        self.looks: dict[str, dict[int, float]] = {"retained": {}, "bare": {}}
        """When to look at the ended jobs of each 256 numbers, for their results and for their records."""
        self.last_claim: dict[str, tuple[str, list[str]]] = {}
        self.control: dict[str, dict[str, int]] = {}
        self.words: Counter[str] = Counter()
        self.wakes: set[tuple[str, str]] = set()
        self.is_stirred = False
        self.limits: dict[str, Limits] = {}
        self.running: dict[str, set[str]] = {}
        self.starts: dict[str, list[int]] = {}
        self.opening: dict[tuple[str, str], int] = {}

    # --- Limits -------------------------------------------------------------------------------------------------------

    def _allowed(self, task: str) -> tuple[int, int, int]:
        """How many run at a time, how many start in how many ms; 0 for any."""
        running, starts, per = (int(each) for each in (self.limits[task].stored() or "0 0 0").split())
        return running, starts, per

    def is_closed(self, queue: str, task: str) -> bool:
        _, starts, per = self._allowed(task)
        started = self.starts.get(task, [])
        if not starts or len(started) < starts or started[starts - 1] + per <= self.now:
            return False
        opens = started[starts - 1] + per
        self.is_stirred |= self.opening.get((queue, task)) != opens
        self.opening[queue, task] = opens
        return True

    def _is_capped(self, job: Job) -> bool:
        most = self._allowed(job.task)[0]
        if not most:
            return False
        job.group = job.group or job.task
        job.is_capped = len(self.running.get(job.group, ())) >= most
        return job.is_capped

    def _note_start(self, job: Job) -> None:
        if job.group:
            self.running.setdefault(job.group, set()).add(job.id)
        if starts := self._allowed(job.task)[1]:
            self.starts[job.task] = [self.now, *self.starts.get(job.task, [])][:starts]

    def capped(self) -> dict[tuple[str, str], list[Job]]:
        """(group, queue) → who waits for a place, in order."""
        found: dict[tuple[str, str], list[Job]] = {}
        for job in sorted((job for job in self.jobs.values() if job.is_capped), key=lambda job: job.order):
            found.setdefault((job.group or "", job.queue), []).append(job)
        return found

    def _make_room(self, job: Job) -> None:
        if not job.group:
            return
        self.running.get(job.group, set()).discard(job.id)
        most = self._allowed(job.task)[0]
        room = most - len(self.running.get(job.group, ())) if most else 100
        for (group, queue), waiting in self.capped().items():
            if group == job.group:
                for each in waiting[: max(1, room)]:
                    each.is_capped, each.is_ready = False, True
                self.wakes.add((queue, job.task))

    # --- What the records tell ----------------------------------------------------------------------------------------

    def where(self, *statuses: str) -> list[Job]:
        return [job for job in self.jobs.values() if job.status in statuses]

    def ready(self, queue: str, tasks: Iterable[str]) -> list[Job]:
        """Who is claimed next, in order."""
        tasks = set(tasks)
        waiting = [job for job in self.where(SUBMITTED) if job.is_ready and job.queue == queue and job.task in tasks]
        return sorted(waiting, key=lambda job: job.order)

    def due(self) -> list[Job]:
        waiting = [job for job in self.where(SCHEDULED) if job.pending is None]
        return sorted(waiting, key=lambda job: (job.run_at, job.id))

    def expiring(self) -> list[Job]:
        waiting = [job for job in self.where(SCHEDULED, SUBMITTED) if job.expires is not None]
        return sorted(waiting, key=lambda job: (job.expires, job.id))

    def holders(self) -> dict[str, str]:
        """Key → the active job that has it."""
        held = [(job.key, job.id) for job in self.jobs.values() if job.key and not job.is_ended]
        assert len(dict(held)) == len(held), "two active jobs have one key"
        return dict(held)

    def answering(self, same: str | None, batch: str | None = None) -> str:
        """Who answers for it now; "" where none does."""
        job = self.jobs.get(self.cached.get(same or "", ""))
        if job is None:
            return ""
        is_fresh = job.status == COMPLETE and not job.has_no_output and (job.ended or 0) + CACHE > self.now
        is_active = job.status in (SCHEDULED, SUBMITTED, IN_PROGRESS)
        if job.status == STAGED:
            is_active = job.batch == batch or bool(self.stages[job.batch or ""].committed)
        return job.id if is_fresh or (is_active and not job.cancel) else ""

    def is_known(self, jid: str) -> bool:
        job = self.jobs.get(jid)
        return job is not None and (job.status != STAGED or bool(self.stages[job.batch or ""].committed))

    def listed(self) -> list[tuple[str, str]]:
        """(id, status) of all, newest first."""
        shown = sorted(self.where(*WORDS), key=lambda job: -(job.number or 0))
        return [(job.id, WORDS[job.status]) for job in shown]

    def counts(self) -> Counter[tuple[str, str, str]]:
        return Counter((job.status, job.queue, job.task) for job in self.where(*WORDS))

    def position(self, job: Job) -> int | None:
        if not job.is_ready:
            return None
        return sum(
            other.order < job.order for other in self.jobs.values() if other.is_ready and other.queue == job.queue
        )

    def counted(self, batch: str) -> Counter[str]:
        """Word → how many of its jobs are that."""
        there = [self.jobs[jid].status for jid, _ in self.members(batch)]
        return Counter(WORDS[SUBMITTED if status == STAGED else status] for status in there)

    def members(self, batch: str) -> list[tuple[str, int]]:
        """(id, place) of a batch's jobs that are there, and of those that stand for some of it, in the order sent."""
        borrowed = self.batches[batch].borrowed
        places = {job.id: job.place for job in self.jobs.values() if job.batch == batch} | borrowed
        return sorted(((jid, place) for jid, place in places.items() if jid in self.jobs), key=lambda pair: pair[1])

    # --- The moves ----------------------------------------------------------------------------------------------------

    def _put(self, job: Job, status: str) -> None:
        was, job.is_capped = job.status, False
        job.status, job.is_ready = status, False
        if was == IN_PROGRESS or (was == SUBMITTED and status in ENDED):
            self._make_room(job)
        if status != IN_PROGRESS:
            job.lease = None
        self.lists.add((status, job.queue, job.task))

    def _enqueue(self, job: Job) -> None:
        self._put(job, SUBMITTED)
        job.is_ready = True
        self.wakes.add((job.queue, job.task))

    def _defer(self, job: Job, due: int) -> None:
        self._put(job, SCHEDULED)
        job.run_at = due
        self.is_stirred |= self.due()[0] is job

    def _let_go(self, job: Job) -> None:
        if job.run_at and job.run_at > self.now:
            self._defer(job, job.run_at)
        else:
            self._enqueue(job)

    def _end(self, job: Job, status: str, reason: str | None, error: dict[str, str] | None = None) -> None:
        self._put(job, status)
        job.ended, job.reason = self.now, reason
        job.error = error or job.error
        job.retained = self.now + (self.keep if job.keep is None else job.keep)
        self._look_by("retained", job)
        self.outcomes[f"{job.task}:{reason or 'complete'}"] += 1
        if job.has_children:
            self.settled[job.id] = self.now
            self.is_stirred = True
        if job.has_webhook:
            job.ends += 1
            job.hook_at = self.now
            self.is_stirred = True
        if job.is_awaited:
            job.is_awaited = False
            self.words[job.id] += 1

    def _look_by(self, index: str, job: Job) -> None:
        group, at = (job.number or 0) // 256, job.retained or 0
        self.looks[index][group] = min(at, self.looks[index].get(group, at))

    def _fail_dependent(self, job: Job, parent: str) -> None:
        message = f"The job {parent}, which it came after, did not complete."
        self._end(job, FAILED, "dependency", {"type": "Dependency", "message": message, "traceback": ""})

    def _borrow(self, batch: str, first: int, others: list[str]) -> None:
        """`others`: for each place the job that stands there for the batch's own, "" for none."""
        borrowed = self.batches[batch].borrowed if batch in self.batches else self.placed.setdefault(batch, {})
        for place, jid in enumerate(others, first):
            if jid and self.jobs[jid].batch != batch:
                borrowed.setdefault(jid, place)

    def _before_first(self, batch: str, places: int) -> int:
        if batch in self.batches:
            return self.batches[batch].before
        self.sequence += places
        return self.sequence - places

    def _make_batch(self, batch: str, own: int, before: int, last: int, told: str) -> None:
        if batch in self.batches:
            self.batches[batch].own += own
            return
        borrowed = self.placed.pop(batch, {})
        retained = None if own else self.now + self.keep
        self.batches[batch] = Batch(told, self.now, before, last, own + len(borrowed), own, borrowed, retained)

    def _answer_no_more(self, job: Job) -> None:
        if self.cached.get(job.same or "") == job.id:
            del self.cached[job.same or ""]

    def _erase(self, job: Job) -> None:
        del self.jobs[job.id]
        self.followers = {pair for pair in self.followers if job.id not in pair}
        self._answer_no_more(job)
        if job.batch:
            self.batches[job.batch].own -= 1
            if not self.batches[job.batch].own:
                del self.batches[job.batch]

    def _hand_back(self, job: Job) -> None:
        job.token = job.worker = job.began = None
        job.attempt -= 1
        job.progress = False
        self._enqueue(job)

    def _tell(
        self, job: Job, outcome: str, detail: str, error: dict[str, str] | None, ended: int | None = None
    ) -> None:
        line = {
            "attempt": job.attempt,
            "outcome": outcome,
            "worker": job.worker,
            "token": job.token,
            "started": job.began,
            "ended": self.now if ended is None else ended,
            "detail": detail,
        }
        job.story.append(line | ({"error": error} if error else {}))
        if len(job.story) > 100:
            del job.story[10]
            job.untold += 1

    def _job(self, jid: str) -> Job:
        if jid not in self.jobs:
            raise UnknownJob
        return self.jobs[jid]

    def _shown(self, jid: str) -> Job:
        """The same for a verb of users, who do not see what is not accepted yet."""
        if not self.is_known(jid):
            raise UnknownJob
        return self.jobs[jid]

    def _held(self, jid: str, token: str) -> Job:
        job = self._job(jid)
        if job.status != IN_PROGRESS or job.token != token:
            raise NotHolder
        return job
