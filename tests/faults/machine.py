"""The state machine: every rule does one thing to the engine and to the model, and both must answer alike."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from jobsapi import batches, errors, family, jobs
from jobsapi.audit import audit
from jobsapi.limits import Limits
from jobsapi.names import new_id
from jobsapi.submission import are_alike
from tests.faults.asking import (
    QUEUES,
    TASKS,
    WORKERS,
    alike,
    everything,
    few,
    lists,
    newest,
    pick,
    prepared,
    rates,
    wanted,
)
from tests.faults.entries import ENDED, IN_PROGRESS, SCHEDULED, STAGED, SUBMITTED, Job
from tests.faults.history import FAMILY, LEASE, History

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Machine(History):
    """One random history, its rules."""

    # --- The way in ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self._has_room())
    @rule(asked=lists, is_batch=st.booleans())
    def submit(self, asked: list[dict[str, Any]], is_batch: bool = False) -> None:
        sent, made = prepared(self.store, self.model, self.ids, asked)
        batch, told = new_id() if is_batch else "", batches.told(sent)
        answer = self.both(
            lambda: [record.id for record in jobs.submit_jobs(self.store, sent, batch)],
            lambda: self.model.check(made) or self.model.submit(made, batch, told.decode()),
        )
        if batch and answer:
            self.batches.append((batch, len(sent), told, len(sent), ()))
        self._note(sent)

    @precondition(lambda self: self.model.where(STAGED, SCHEDULED, SUBMITTED, IN_PROGRESS) and self._has_room())
    @rule(which=pick, more=st.sampled_from([{"key": "a"}, {"max_attempts": 3}]), option=st.sampled_from(FAMILY))
    def submit_child(self, which: int, more: dict[str, Any], option: str) -> None:
        """One that comes after a job that has not ended."""
        parent = newest(self.model.where(STAGED, SCHEDULED, SUBMITTED, IN_PROGRESS), which)
        place = len(self.model.jobs) - 1 - list(self.model.jobs).index(parent.id)
        if place < 15:
            self.submit([{"task": "work", option: [place], **more}])

    @precondition(lambda self: self._has_room())
    @rule(same=st.sampled_from("ab"), more=st.sampled_from([{}, {"keep": 1}]), is_batch=st.booleans())
    def submit_same(self, same: str, more: dict[str, Any], is_batch: bool) -> None:
        """One that another may answer."""
        self.submit([{"task": "work", "same": same, **more}], is_batch)

    @precondition(lambda self: self.sent)
    @rule(which=pick)
    def submit_again(self, which: int) -> None:
        """A submit whose reply was lost comes a second time."""
        sent = newest(self.sent, which)
        if sent.id in self.model.jobs and self.model.jobs[sent.id].status != STAGED:
            batch = self.model.jobs[sent.id].batch
            if batch:
                self.store.run("submit_batch", self.model.keep, batch, batches.told([sent]), *sent.arguments(bt=batch))
            else:
                self.store.run("submit", self.model.keep, *sent.arguments())

    @precondition(lambda self: self._has_room() and len(self.model.stages) < 2)
    @rule(asked=lists, part=few)
    def stage(self, asked: list[dict[str, Any]], part: int) -> None:
        sent, made = prepared(self.store, self.model, self.ids, asked)
        batch = new_id()
        told: list[str] | None = []
        try:
            self.model.check(made)
        except errors.Invalid:
            with pytest.raises(errors.Invalid):
                family.with_parents(self.store, sent)
            return
        now = self.model.now
        sent = [each.timed(now) for each in family.with_parents(self.store, sent)]
        for job in made:
            job.batch = batch
        for start in range(0, len(sent), part):
            arguments = [each for one in sent[start : start + part] for each in one.arguments(bt=batch)]
            answer = self.both(
                lambda start=start, arguments=arguments: [
                    each.decode() for each in self.store.run("stage", batch, start, *arguments)
                ],
                lambda start=start: self.model.stage(batch, start, made[start : start + part]),
            )
            if answer is None:  # a key is taken: the sender gives up, and what is staged is dropped
                jobs.admit_jobs(self.store, batch)
                self.model.admit(batch, len(sent))
                return
            told += answer
        self.batches.append((batch, told.count(""), batches.told(sent), len(sent), ()))
        self.ids += [each.id for each in sent if each.id in self.model.jobs]

    @precondition(lambda self: self._has_room() and len(self.model.stages) < 2)
    @rule(asked=alike, count=st.integers(1, 5), part=few)
    def stage_alike(self, asked: dict[str, Any], count: int, part: int) -> None:
        sent, made = prepared(self.store, self.model, self.ids, [asked] * count)
        assert are_alike(sent)
        batch = new_id()
        for job in made:
            job.batch = batch
        for start in range(0, count, part):
            pairs = [each for one in sent[start : start + part] for each in (one.id, one.params)]
            self.store.run("stage_alike", batch, start, *sent[0].in_common(bt=batch), *pairs)
            self.model.stage(batch, start, made[start : start + part])
        where = sent[0].queue, sent[0].task, sent[0].fields.get("pr", 0)
        self.batches.append((batch, count, batches.told(sent), count, where))
        self.ids += [each.id for each in sent]

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 2))
    def commit(self, which: int) -> None:
        batch, count, told, places, where = newest(self.batches, which)
        self.both(
            lambda: self.store.run("commit", batch, count, told, self.model.keep, places, *where) and None,
            lambda: self.model.commit(batch, count, told.decode(), places, " ".join(map(str, where))),
        )

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 2), most=few)
    def admit(self, which: int, most: int) -> None:
        """A part of a committed submit is let in; one that nobody committed is swept."""
        batch, *_ = newest(self.batches, which)
        self.both(lambda: self.store.run("admit", batch, most, self.model.keep), lambda: self.model.admit(batch, most))

    # --- Workers ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: any(job.is_ready for job in self.model.jobs.values()))
    @rule(worker=st.sampled_from(WORKERS), most=few)
    def claim_any(self, worker: str, most: int) -> None:
        self._claim(worker, everything, most, new_id())

    @precondition(lambda self: self.model.where(SUBMITTED))
    @rule(worker=st.sampled_from(WORKERS), wanted=wanted, most=st.integers(0, 5), was_woken=st.booleans())
    def claim(self, worker: str, wanted: dict[str, list[str]], most: int, was_woken: bool) -> None:
        if was_woken:
            for queue, tasks in wanted.items():
                self.store.call("delete", *(self.store.keys.wake(queue, task) for task in tasks))
                self.model.wakes -= {(queue, task) for task in tasks}
        self._claim(worker, wanted, most, new_id())

    @precondition(lambda self: self.last_call)
    @rule(which=st.integers(0, 2))
    def claim_again(self, which: int) -> None:
        """A claim whose reply was lost comes a second time."""
        worker = newest(list(self.last_call), which)
        self._claim(worker, *self.last_call[worker])

    def _claim(self, worker: str, wanted: dict[str, list[str]], most: int, token: str) -> None:
        def ask() -> list[tuple[str, str, int]]:
            given = jobs.claim_jobs(self.store, worker, wanted, most, LEASE, token)
            return [(each.id, each.token, each.attempt) for each in given]

        self.last_call[worker] = wanted, most, token
        given = self.both(ask, lambda: self.model.claim(worker, wanted, most, round(LEASE * 1000), token))
        self.claims += [(jid, its) for jid, its, _ in given if (jid, its) not in self.claims]

    @precondition(lambda self: self.claims)
    @rule(which=st.lists(pick, min_size=1, max_size=4, unique=True))
    def renew(self, which: list[int]) -> None:
        held = list(dict(self._claim_of(each) for each in which).items())
        self.both(lambda: jobs.renew_jobs(self.store, held, LEASE), lambda: self.model.renew(held, round(LEASE * 1000)))

    @precondition(lambda self: self.claims)
    @rule(which=pick, output=st.sampled_from(["1", "[2]"]), beside=st.sampled_from([0, 100, 600]))
    def complete(self, which: int, output: str, beside: int) -> None:
        jid, token = self._claim_of(which)
        self.both(
            lambda: jobs.complete_job(self.store, jid, token, b"", output.encode(), beside),
            lambda: self.model.complete(jid, token, output, beside),
        )

    @precondition(lambda self: self.claims)
    @rule(
        which=pick,
        reason=st.sampled_from(["error", "timeout", "memory", "cancelled"]),
        error=st.sampled_from([None, {"type": "ValueError", "message": "…", "traceback": ""}]),
        pause=st.sampled_from([None, 0, 1, 5_000]),
    )
    def fail(self, which: int, reason: str, error: dict[str, str] | None, pause: int | None) -> None:
        jid, token = self._claim_of(which)
        after = None if pause is None else pause / 1000
        self.both(
            lambda: jobs.fail_job(self.store, jid, token, reason, error, again_after=after),
            lambda: self.model.fail(jid, token, reason, error, pause),
        )

    @precondition(lambda self: self.claims)
    @rule(which=pick)
    def release(self, which: int) -> None:
        jid, token = self._claim_of(which)
        self.both(lambda: jobs.release_job(self.store, jid, token), lambda: self.model.release(jid, token))

    @precondition(lambda self: self.claims)
    @rule(which=pick, at=st.integers(0, 3), count=few)
    def report(self, which: int, at: int, count: int) -> None:
        """Progress, and some of the log; what comes a second time is known by its place in it."""
        jid, token = self._claim_of(which)
        self.both(
            lambda: (
                jobs.report_progress(self.store, jid, token, 0.5, None)
                or jobs.append_log(self.store, jid, token, 5 * at, b"line\n" * count)
            ),
            lambda: self.model.report(jid, token, 5 * at, "line\n" * count),
        )

    @precondition(lambda self: self.claims)
    @rule(which=pick, is_holder=st.booleans())
    def lose(self, which: int, is_holder: bool) -> None:
        jid, token = self._claim_of(which)
        token = token if is_holder else ""
        self.both(
            lambda: jobs.lose_job(self.store, jid, token, "killed"), lambda: self.model.lose(jid, token, "killed")
        )

    # --- Upkeep -------------------------------------------------------------------------------------------------------

    @rule(by=st.sampled_from([1, 999, 1_000, 5_000, 59_999, 60_000, "keep", "keep_record"]))
    def time_passes(self, by: int | str) -> None:
        self.model.now += getattr(self.model, by) if isinstance(by, str) else by
        self.store.now = self.model.now

    @precondition(lambda self: self.model.lists)
    @rule()
    def tidy(self) -> None:
        self.both(lambda: jobs.tidy_lists(self.store, 1000), self.model.tidy)

    @precondition(lambda self: self.model.expired_leases())
    @rule()
    def reap(self) -> None:
        for jid in self.both(lambda: jobs.expired_leases(self.store), self.model.expired_leases):
            self.both(
                lambda jid=jid: jobs.lose_job(self.store, jid, "", "late"),
                lambda jid=jid: self.model.lose(jid, "", "late"),
            )

    @precondition(
        lambda self: self.model.settled or self.model.expiring() or self.model.due() or self.model.where(*ENDED)
    )
    @rule(verb=st.sampled_from(["resolve", "promote", "expire", "prune"]), most=few)
    def step(self, verb: str, most: int) -> None:
        done = {
            "resolve": jobs.resolve_jobs,
            "promote": jobs.promote_jobs,
            "expire": jobs.expire_jobs,
            "prune": jobs.prune_jobs,
        }[verb]
        self.both(lambda: done(self.store, most), lambda: getattr(self.model, verb)(most))

    @precondition(lambda self: self.model.hooked())
    @rule(most=few, most_tries=few)
    def take_webhooks(self, most: int, most_tries: int) -> None:
        """A sender takes what is due."""

        def ask() -> list[tuple[str, int, int, int]]:
            rows = self.store.run("webhook_take", 60_000, most, most_tries)
            return [(jid.decode(), int(number), int(tries), int(until)) for jid, _, number, tries, until in rows]

        rows = self.both(ask, lambda: self.model.webhook_take(60_000, most, most_tries))
        self.taken += [(jid, until) for jid, _, _, until in rows]

    @precondition(lambda self: self.taken)
    @rule(which=pick, trouble=st.sampled_from(["", "It answered 500."]), pause=st.sampled_from([None, 0, 5_000]))
    def tell_of_webhook(self, which: int, trouble: str, pause: int | None) -> None:
        """A sender that took one, now or long ago, says what came of it."""
        jid, until = newest(self.taken, which)
        told = [jid, until, trouble, "" if pause is None else pause]
        self.both(
            lambda: bool(self.store.run("webhook_told", *told)),
            lambda: self.model.webhook_told(jid, until, trouble, pause),
        )

    @precondition(lambda self: self.model.is_stirred)
    @rule()
    def a_worker_is_stirred(self) -> None:
        """It lets everything go on that can, and sleeps until the next job is due."""
        self.store.call("delete", self.store.keys.stir())
        self.model.is_stirred = False
        while self.both(lambda: jobs.resolve_jobs(self.store), lambda: self.model.resolve(100)):
            pass
        while (left := self.both(lambda: jobs.promote_jobs(self.store), lambda: self.model.promote(100))[1]) == 0:
            pass
        self.sleeps_until = math.inf if left is None else self.model.now + round(left * 1000)

    # --- From outside -------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.ids)
    @rule(which=pick, is_fit=st.booleans())
    def cancel(self, which: int, is_fit: bool) -> None:
        fit = self.model.where(SCHEDULED, SUBMITTED, IN_PROGRESS) if is_fit else []
        self._act("cancel", jobs.cancel_job, fit, which)

    @precondition(lambda self: self.ids)
    @rule(which=pick, is_fit=st.booleans())
    def retry(self, which: int, is_fit: bool) -> None:
        self._act("retry", jobs.retry_job, self.model.where(*ENDED) if is_fit else [], which)

    @precondition(lambda self: self.ids)
    @rule(which=pick, is_fit=st.booleans())
    def remove(self, which: int, is_fit: bool) -> None:
        self._act("remove", jobs.remove_job, self.model.where(*ENDED) if is_fit else [], which)

    def _act(self, verb: str, act: Callable[..., Any], fit: Sequence[Job], which: int) -> None:
        jid = newest([job.id for job in fit] or self.ids, which)
        self.both(lambda: act(jid, store=self.store) and None, lambda: getattr(self.model, verb)(jid))

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 2))
    def cancel_batch(self, which: int) -> None:
        batch, *_ = newest(self.batches, which)
        self.both(lambda: jobs.cancel_batch(batch, store=self.store) and None, lambda: self.model.cancel_batch(batch))

    @precondition(lambda self: self.ids)
    @rule(which=pick)
    def wait(self, which: int) -> None:
        jid = newest(self.ids, which)
        self.both(lambda: bool(self.store.run("wait", jid)), lambda: self.model.wait(jid))

    @rule(queue=st.sampled_from(QUEUES), is_resumed=st.booleans())
    def hold(self, queue: str, is_resumed: bool) -> None:
        """A queue is paused or resumed."""
        if is_resumed:
            jobs.resume_queue(self.store, queue)
            self.model.resume(queue)
        else:
            jobs.pause_queue(self.store, queue)
            self.model.paused.add(queue)

    @rule(task=st.sampled_from(TASKS), running=st.integers(0, 2), rate=rates)
    def limit(self, task: str, running: int, rate: str | None) -> None:
        """A worker with other code publishes its tasks."""
        per = "params.user" if running and task == "other" else None
        self._publish(task, Limits(running or None, per, rate))

    @rule()
    def read(self) -> None:
        """What users are shown: the list, the counts, and each job with its runs; and nothing disagrees."""
        assert audit(self.store) == []
        listed, _, total = jobs.list_jobs(limit=1000, store=self.store)
        assert [(job.id, job.status) for job in listed] == self.model.listed()
        assert total == len(listed)
        counts = {(s.code, q, t): n for s, q, t, n, _ in jobs.count_jobs(self.store) if n}
        assert counts == self.model.counts()
        for job in listed[:5]:
            known = self.model.jobs[job.id]
            shown = jobs.get_job_by_id(job.id, store=self.store)
            assert shown.position == self.model.position(known)
            assert len(shown.attempts) == len(known.story) + (known.began is not None and not known.is_told)
        self._read_batches()

    def _read_batches(self) -> None:
        found = jobs.list_batches(limit=1000, store=self.store)[0]
        newest_first = sorted(self.model.batches.items(), key=lambda each: -each[1].last)
        assert [each.id for each in found] == [batch for batch, _ in newest_first]
        for batch, known in newest_first[:5]:
            shown = jobs.get_batch(batch, store=self.store)
            counts = self.model.counted(batch)
            assert +Counter({name.replace("_", " "): count for name, count in shown.counts.items()}) == counts
            assert shown.removed == known.total - counts.total()
            page, _, total = jobs.list_jobs(batch=batch, limit=1000, store=self.store)
            members = [self.model.jobs[jid] for jid, _ in self.model.members(batch)]
            there = [job.id for job in members if job.status != STAGED or job.batch != batch]
            assert [job.id for job in page] == there[::-1]
            assert total == (None if known.borrowed else known.own)
