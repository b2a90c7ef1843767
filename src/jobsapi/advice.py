"""What to try when a job did not complete, or why it waits: one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from jobsapi.states import Status

if TYPE_CHECKING:
    from jobsapi.record import JobRecord

__all__ = ["advice"]


def advice(record: JobRecord, position: int | None = None) -> str | None:
    """One sentence; None where there is nothing to say. `position`: its place in its queue, None where it has none."""
    if record.status is Status.SUBMITTED and record.group and position is None:
        return f"As many jobs of task {record.task!r} run as may at a time: it goes on when one of them ends."
    if record.reason == "error":
        return _about_error(record)
    if record.reason == "timeout":
        return (
            f"Raise `timeout`, which was {record.timeout or 0:g} s, or give the job less to do; then submit it again."
        )
    return _SENTENCES.get(record.reason or "", "").format(queue=record.queue, task=record.task) or None


_SENTENCES = {
    "memory": "Let the job hold less of its data at once, or raise `memory_mb` where that was the limit; where the "
    "machine itself ran out of memory, run fewer jobs there at a time. Then submit it again.",
    "lost": "Something ended its processes: a crash in compiled code, os._exit, or the machine for want of memory; "
    "its log shows how far it came.",
    "expired": "Start more workers for queue {queue!r} that know task {task!r}, or give it more time by `expires_in`.",
    "dependency": "Look at the job that it came after; when that one has completed, retry this one.",
}


def _about_error(record: JobRecord) -> str:
    kind = orjson.loads(record.error).get("type") if record.error else None
    if kind == "UnfitParameters":
        return "Correct the parameters and submit it again."
    if kind == "ModuleNotFoundError":
        return "Install what is missing where the workers run, start them again, then retry the job."
    if record.max_attempts > 1 and record.attempt < record.max_attempts:
        return "An error of this kind is not tried again by itself: correct the cause, then retry the job."
    if record.max_attempts > 1:
        return f"None of its {record.attempt} attempts came through: correct the cause, then retry the job."
    return "Correct the cause, then retry the job; where another attempt may end otherwise, set `max_attempts`."
