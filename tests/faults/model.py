"""What the engine's scripts should do, in plain Python: one method a verb."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

from jobsapi.errors import Invalid, KeyTaken, NotHolder, StoreUnavailable, UnknownBatch, UnknownJob, WrongStatus
from tests.faults.entries import CANCELLED, COMPLETE, FAILED, IN_PROGRESS, SCHEDULED, STAGED, SUBMITTED, Job, Stage
from tests.faults.model_upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Model(Upkeep):
    """Each method raises what the script, or the check before it, should refuse with."""

    # --- The way in ---------------------------------------------------------------------------------------------------

    def check(self, jobs: Sequence[Job]) -> None:
        """What is checked before anything is sent: parents are known, or earlier jobs of the same list."""
        own: set[str] = set()
        for job in jobs:
            if not all(parent in own or self.is_known(parent) for parent in job.after + job.after_any):
                raise Invalid
            own.add(job.id)

    def _stand_ins(self, jobs: Sequence[Job], batch: str) -> list[str]:
        """For each job the one that stands for it, '' where it is recorded itself. Raises KeyTaken."""
        holders, answers = self.holders(), []
        same: dict[str, str] = {}
        for job in jobs:
            other = holders.get(job.key or "", "") if job.id not in self.jobs else ""
            if other and (not job.content_with_other or self.jobs[other].status == STAGED):
                raise KeyTaken(other)
            if not other and job.same and job.id not in self.jobs:
                other = same.get(job.same) or self.answering(job.same, batch)
                same[job.same] = other or job.id
            answers.append(other)
        return answers

    def _record(self, job: Job) -> None:
        job.created = self.now
        self.jobs[job.id] = job
        if job.same:
            self.cached[job.same] = job.id

    def submit(self, jobs: Sequence[Job], batch: str, about: str) -> list[str]:
        """Replies with the ids the sender is told of. `batch`: "" where they are none."""
        told, own = self._stand_ins(jobs, batch), 0
        before = self._before_first(batch, len(jobs)) if batch else 0
        for place, (job, other) in enumerate(zip(jobs, told, strict=True)):
            if not other and job.id not in self.jobs:
                own += 1
                job.batch, job.place = batch or None, place
                self._record(job)
                self._admit(job, before)
        if batch:
            self._borrow(batch, 0, told)
            self._make_batch(batch, own, before, before + len(jobs), about)
        return [other or job.id for job, other in zip(jobs, told, strict=True)]

    def _admit(self, job: Job, before: int) -> None:
        """`before`: the number before the first place of its batch."""
        if job.batch:
            job.number = before + job.place + 1
        else:
            self.sequence += 1
            job.number = self.sequence
        failed, pending = None, 0
        for mark, parent in [*(("", each) for each in job.after), *(("*", each) for each in job.after_any)]:
            other = self.jobs.get(parent)
            if other:
                self.followers.add((parent, job.id))
            if other and not other.is_ended:
                self.children.setdefault(parent, []).append((mark, job.id))
                other.has_children = True
                pending += 1
            elif not mark and not (other and other.status == COMPLETE):
                failed = failed or parent
        if failed:
            self._fail_dependent(job, failed)
        elif pending:
            job.pending = pending
            self._put(job, SCHEDULED)
        else:
            self._let_go(job)

    def stage(self, batch: str, first: int, jobs: Sequence[Job]) -> list[str]:
        told = self._stand_ins(jobs, batch)
        stage = self.stages.setdefault(batch, Stage([], self.now))
        stage.touched = self.now
        for place, (job, other) in enumerate(zip(jobs, told, strict=True), first):
            if not other and job.id not in self.jobs:
                job.status, job.place, job.number = STAGED, place, place + 1
                self._record(job)
                stage.ids.append(job.id)
        self._borrow(batch, first, told)
        return told

    def commit(self, batch: str, count: int, about: str, places: int, where: str) -> None:
        """`where`: the queue, task and priority of jobs that are alike; "" of others."""
        if batch in self.batches:
            return
        stage = self.stages.get(batch, Stage([], self.now))
        if len(stage.ids) != count:
            raise StoreUnavailable
        before = self._before_first(batch, places)
        self._make_batch(batch, count, before, before + places, about)
        stage.committed = stage.touched = self.now
        stage.where = where
        self.stages[batch] = stage

    def admit(self, batch: str, most: int) -> int:
        stage, budget = self.stages.get(batch, Stage([], self.now)), 10.0 * most
        while budget > 0 and stage.ids:
            job = self.jobs[stage.ids.pop(0 if stage.committed else -1)]
            budget -= 10
            if stage.committed:
                self._admit(job, self.batches[batch].before)
                budget -= sum(max(0, 21 * len(names) - 1) / 21 for names in (job.after, job.after_any))
            else:
                del self.jobs[job.id]
                self._answer_no_more(job)
        stage.touched = self.now
        if not stage.ids:
            self.stages.pop(batch, None)
            self.placed.pop(batch, None)
        return len(stage.ids)

    # --- Workers ------------------------------------------------------------------------------------------------------

    def claim(
        self, worker: str, wanted: Mapping[str, Sequence[str]], most: int, lease: int, token: str
    ) -> list[tuple[str, str, int]]:
        """(id, token, attempt) of each job it is given."""
        last_token, last_ids = self.last_claim.get(worker, ("", []))
        if last_token == token:
            again = [self.jobs[jid] for jid in last_ids if jid in self.jobs]
            held = [job for job in again if job.status == IN_PROGRESS and (job.token or "").startswith(token)]
            return [(job.id, job.token or "", job.attempt) for job in held]
        given: list[Job] = []
        for queue, tasks in wanted.items():
            waiting = [] if queue in self.paused else self.ready(queue, tasks)
            waiting = [job for job in waiting if not self.is_closed(queue, job.task)]
            while waiting and len(given) < most:
                job = waiting.pop(0)
                job.is_ready = False
                if (job.expires is None or job.expires > self.now) and not self._is_capped(job):
                    self._give(job, worker, lease, f"{token}{len(given)}")
                    given.append(job)
                    waiting = [each for each in waiting if not self.is_closed(queue, each.task)]
            self.wakes |= {(queue, job.task) for job in waiting}
        if given:
            self.last_claim[worker] = token, [job.id for job in given]
        return [(job.id, job.token or "", job.attempt) for job in given]

    def _give(self, job: Job, worker: str, lease: int, token: str) -> None:
        self._put(job, IN_PROGRESS)
        job.token, job.worker, job.began, job.expires = token, worker, self.now, None
        job.lease, job.attempt, job.was_claimed = self.now + lease, job.attempt + 1, True
        self._note_start(job)

    def renew(self, claims: Sequence[tuple[str, str]], lease: int) -> dict[str, bool | None]:
        replies: dict[str, bool | None] = {}
        for jid, token in claims:
            try:
                job = self._held(jid, token)
            except (UnknownJob, NotHolder):
                replies[jid] = None
            else:
                job.lease, replies[jid] = self.now + lease, job.cancel
        return replies

    def complete(self, jid: str, token: str, output: str, beside: int) -> None:
        job = self._job(jid)
        if job.status == COMPLETE and job.token == token:
            return
        self._held(jid, token).output = output
        job.beside = beside
        self._end(job, COMPLETE, None)

    def fail(self, jid: str, token: str, reason: str, error: dict[str, str] | None, pause: int | None) -> None:
        job = self._job(jid)
        if job.token == token and job.status not in (IN_PROGRESS, COMPLETE):
            return
        self._held(jid, token)
        if pause is not None and job.attempt < job.most_attempts and not job.cancel:
            self._tell(job, reason, "", error)
            job.worker = job.began = None
            job.progress = False
            self._defer(job, self.now + pause)
        else:
            self._end(job, CANCELLED if reason == "cancelled" else FAILED, reason, error)

    def release(self, jid: str, token: str) -> None:
        job = self._held(jid, token)
        if job.cancel:
            self._end(job, CANCELLED, "cancelled")
        else:
            self._tell(job, "released", "It was handed back without charge.", None)
            self._hand_back(job)

    def lose(self, jid: str, token: str, what: str) -> bool:
        job = self._job(jid)
        if not token and (job.lease is None or job.lease > self.now):
            return False
        self._held(jid, token or job.token or "")
        self._tell(job, "lost", what, None)
        job.lost += 1
        if job.cancel:
            self._end(job, CANCELLED, "cancelled")
        elif job.lost >= (job.most_lost or self.most_lost):
            message = f"The processes that ran it died too often. The last time: {what}"
            self._end(job, FAILED, "lost", {"type": "Lost", "message": message, "traceback": ""})
        else:
            self._hand_back(job)
        return True

    def report(self, jid: str, token: str, at: int, text: str) -> None:
        """Progress, and what is new of some lines of the log."""
        job = self._held(jid, token)
        job.progress = True
        heard = job.log_heard[1] if job.log_heard and job.log_heard[0] == token else 0
        if at + len(text) > heard:
            job.log += text[max(0, heard - at) :]
            job.log_heard = token, at + len(text)

    def expired_leases(self) -> list[str]:
        over = [job for job in self.where(IN_PROGRESS) if (job.lease or 0) <= self.now]
        return [job.id for job in sorted(over, key=lambda job: (job.lease, job.id))]

    # --- From outside -------------------------------------------------------------------------------------------------

    def cancel(self, jid: str) -> None:
        job = self._shown(jid)
        if job.is_ended or job.status == STAGED:
            raise WrongStatus
        job.was_asked = True
        self._cancel(job)

    def _cancel(self, job: Job) -> None:
        job.cancel = True
        if job.status == IN_PROGRESS:
            self.control.setdefault(job.worker or "", {})[job.id] = self.now
        else:
            self._end(job, CANCELLED, "cancelled")

    def retry(self, jid: str) -> None:
        job = self._shown(jid)
        if not job.is_ended:
            raise WrongStatus
        if (other := self.holders().get(job.key or "")) is not None:
            raise KeyTaken(other)
        if job.same and not self.answering(job.same):
            self.cached[job.same] = job.id
        if job.began is not None and not job.is_told:
            self._tell(job, job.reason or "complete", "A retry was asked for.", job.error, job.ended)
        for name in ("token", "worker", "began", "ended", "reason", "error", "output", "run_at", "expires"):
            setattr(job, name, None)
        job.pending = job.retained = job.hook_at = job.telling = job.trouble = None
        job.attempt = job.lost = job.beside = job.tries = 0
        self.words.pop(jid, None)
        job.cancel = job.progress = job.has_no_output = job.was_claimed = False
        job.was_asked = True
        self._enqueue(job)

    def remove(self, jid: str) -> None:
        if not self._shown(jid).is_ended:
            raise WrongStatus
        self._erase(self.jobs[jid])

    def cancel_batch(self, batch: str) -> None:
        if batch not in self.batches:
            raise UnknownBatch
        self.admit(batch, 1000)
        for jid, _ in self.members(batch):
            if self.jobs[jid].batch == batch and not self.jobs[jid].is_ended:
                self._cancel(self.jobs[jid])

    def wait(self, jid: str) -> bool:
        job = self._job(jid)
        job.is_awaited |= not job.is_ended
        return job.is_ended

    def resume(self, queue: str) -> None:
        self.paused.discard(queue)
        self.wakes |= {(q, task) for status, q, task in self.lists if (status, q) == (SUBMITTED, queue)}

    # --- What must always hold ----------------------------------------------------------------------------------------

    def check_families(self) -> None:
        """Nobody waits for ever: who waits for n jobs is on n lists, each of a job that will yet tell it."""
        entries = Counter(jid for _, jid in itertools.chain.from_iterable(self.children.values()))
        for job in self.where(SCHEDULED):
            assert job.pending is None or job.pending == entries[job.id]
        for parent in self.children:
            is_active = parent in self.jobs and not self.jobs[parent].is_ended
            assert is_active or parent in self.settled, f"nobody tells those that wait for {parent}"
        for queue, task in {(job.queue, job.task) for job in self.jobs.values() if job.is_ready}:
            is_told = (queue, task) in self.wakes or (queue, task) in self.opening
            assert queue in self.paused or is_told, f"nobody wakes for {queue} {task}"

    def check_groups(self) -> None:
        """Nobody waits for ever for a place: one of his group runs, or stands in his queue, or is about to expire."""
        for (group, queue), waiting in self.capped().items():
            others = [job for job in self.where(SUBMITTED) if job.group == group and not job.is_capped]
            is_moving = any(not job.is_ready or job.queue == queue for job in others)
            assert self.running.get(group) or is_moving, f"{waiting[0].id} waits for a place of {group} for ever"
