"""What the engine's scripts of upkeep should do, and those of webhooks, in plain Python: one method a verb."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.faults.entries import COMPLETE, FAILED, SCHEDULED, Job
from tests.faults.records import Records

if TYPE_CHECKING:
    from collections.abc import Callable


class Upkeep(Records):
    """The verbs that any worker runs at any time, each in small steps."""

    # --- Upkeep -------------------------------------------------------------------------------------------------------

    def promote(self, most: int) -> tuple[int, float | None]:
        over = [job for job in self.due() if (job.run_at or 0) <= self.now][:most]
        for job in over:
            self._enqueue(job)
        for open_ in sorted((each for each, at in self.opening.items() if at <= self.now), key=self._opens)[:most]:
            del self.opening[open_]
            self.wakes.add(open_)
        left = [job.run_at or 0 for job in self.due()[:1]] + list(self.opening.values())
        return len(over), max(0, min(left) - self.now) / 1000 if left else None

    def _opens(self, which: tuple[str, str]) -> tuple[int, str]:
        return self.opening[which], ":".join(which)

    def expire(self, most: int) -> int:
        over = [job for job in self.expiring() if (job.expires or 0) <= self.now][:most]
        message = "No worker had claimed it when its time was over."
        for job in over:
            self._end(job, FAILED, "expired", {"type": "Expired", "message": message, "traceback": ""})
        return len(over)

    def resolve(self, most: int) -> bool:
        while most > 0 and self.settled:
            parent = min(self.settled, key=lambda jid: (self.settled[jid], jid))
            record = self.jobs.get(parent)
            entries = self.children.get(parent, []) if record is None or record.is_ended else []
            told, left = entries[:most], entries[most:]
            for mark, jid in told:
                self._tell_child(mark, jid, parent, record is not None and record.status == COMPLETE)
            if told and left:
                self.children[parent] = left
            elif told:
                del self.children[parent]
            if len(told) < most:
                del self.settled[parent]
            most -= max(1, len(told))
        return bool(self.settled)

    def _tell_child(self, mark: str, jid: str, parent: str, has_completed: bool) -> None:
        job = self.jobs.get(jid)
        if job is None or job.status != SCHEDULED or job.pending is None:
            return
        if not mark and not has_completed:
            self._fail_dependent(job, parent)
        elif job.pending > 1:
            job.pending -= 1
        else:
            job.pending = None
            self._let_go(job)

    def prune(self, most: int) -> int:
        over = [
            (each.retained, batch) for batch, each in self.batches.items() if (each.retained or math.inf) <= self.now
        ]
        for _, batch in sorted(over)[:most]:
            del self.batches[batch]
        self._left = most - min(most, len(over))
        self._remove_due("bare", self._erase)
        self._remove_due("retained", self._remove_outputs)
        self._remove_surplus("bare")
        self._remove_surplus("retained")
        for job in sorted((job for job in self.jobs.values() if job.beside), key=lambda job: (job.ended, job.id)):
            if self._left and sum(each.beside for each in self.jobs.values()) > self.most_bytes:
                self._remove_outputs(job)
                self._left -= 1
        return most - self._left

    def _soonest(self, index: str) -> int | None:
        """The group of jobs that is looked at next."""
        looks = self.looks[index]
        return min(looks, key=lambda group: (looks[group], str(group)), default=None)

    def _ended_of(self, group: int, index: str) -> list[Job]:
        some = [job for job in self.jobs.values() if job.is_ended and (job.number or 0) // 256 == group]
        some = [job for job in some if job.has_no_output == (index == "bare")]
        return sorted(some, key=lambda job: (job.retained, job.number))

    def _remove_due(self, index: str, act: Callable[[Job], None]) -> None:
        looks = self.looks[index]
        while self._left and (group := self._soonest(index)) is not None and looks[group] <= self.now:
            jobs = self._ended_of(group, index)
            over = [job for job in jobs if (job.retained or 0) <= self.now][: self._left]
            for job in over:
                act(job)
            self._left -= len(over)
            due = jobs[len(over)].retained if len(over) < len(jobs) else None
            if due is None:
                del looks[group]
            elif due > self.now:
                looks[group] = max(due, self.now + min(60_000, self.keep / 100))

    def _remove_surplus(self, index: str) -> None:
        while self._left and (surplus := sum(job.is_ended for job in self.jobs.values()) - self.most_kept) > 0:
            group = self._soonest(index)
            if group is None:
                return
            jobs = self._ended_of(group, index)
            over = jobs[: min(surplus, self._left)]
            for job in over:
                self._erase(job)
            self._left -= len(over)
            if len(over) < len(jobs):
                return
            del self.looks[index][group]

    def _remove_outputs(self, job: Job) -> None:
        last = (job.ended or 0) + self.keep_record
        if last <= self.now:
            self._erase(job)
        else:
            job.output, job.beside, job.has_no_output, job.retained = None, 0, True, last
            self._look_by("bare", job)

    def tidy(self) -> int:
        used = {(queue, task) for _, queue, task in self.counts()}
        gone = {each for each in self.lists if each[1:] not in used}
        self.lists -= gone
        self.wakes -= {each[1:] for each in gone}
        return len(gone)

    # --- Webhooks -----------------------------------------------------------------------------------------------------

    def hooked(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.hook_at is not None]

    def webhook_take(self, lease: int, most: int, most_tries: int) -> list[tuple[str, int, int, int]]:
        rows = []
        for job in sorted(self.hooked(), key=lambda job: (job.hook_at, job.id)):
            if (job.hook_at or 0) > self.now or most == 0:
                break
            most -= 1
            if job.tries >= most_tries:
                job.hook_at, job.telling = None, "g"
                self.webhook_ends["given-up"] += 1
                continue
            job.hook_at, job.tries = self.now + lease, job.tries + 1
            rows.append((job.id, job.ends, job.tries, job.hook_at))
        return rows

    def webhook_told(self, jid: str, until: int, trouble: str, pause: int | None) -> bool:
        job = self.jobs.get(jid)
        if job is None or job.hook_at != until:
            return False
        job.trouble = trouble or None
        if trouble and pause is not None:
            job.hook_at = self.now + pause
        else:
            job.hook_at, job.telling = None, "g" if trouble else "d"
            self.webhook_ends["given-up" if trouble else "delivered"] += 1
        return True
