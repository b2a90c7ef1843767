"""What a pool and its children say to each other, as JSON: a job to run, what it tells, and how it ended."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi.results import Output as ResultOutput
from jobsapi.runner.events import Died, Done, Output, Progress, Raised, Returned, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jobsapi.runner.events import Event, Work
    from jobsapi.runner.frames import Message

__all__ = ["ENDS", "done", "event_of", "job", "output", "progress", "raised", "recall", "recalled", "stop", "stopped"]


ENDS = frozenset(("done", "raised", "stopped"))
"""The kinds of messages that tell the end of a job that had begun."""


# --- To a child -----------------------------------------------------------------------------------------------------


def job(number: int, work: Work) -> Message:
    """A job to run; `number` names this run of it in everything that is said about it."""
    return {
        "kind": "run",
        "job": number,
        "id": work.id,
        "token": work.token,
        "task": work.task,
        "params": orjson.Fragment(work.params),
        "attempt": work.attempt,
        "started": work.started,
        "parents": work.parents,
    }


def stop(number: int) -> Message:
    """A job that shall stop, where a child has many: where it has one, it gets a TERM."""
    return {"kind": "stop", "job": number}


def recall(numbers: Sequence[int]) -> Message:
    """Jobs that were sent ahead of their turn: those that have not begun shall come back."""
    return {"kind": "recall", "jobs": numbers}


# --- From a child: `kind`, `job` and what belongs to it ---------------------------------------------------------------


def progress(number: int, fraction: float | None, text: str | None) -> Message:
    """How far a job says it is."""
    return {"kind": "progress", "job": number, "fraction": fraction, "message": text}


def output(number: int, data: bytes) -> Message:
    """What a job printed, where a child has many."""
    return {"kind": "output", "job": number, "data": data.decode("latin-1")}


def done(number: int, outputs: Sequence[ResultOutput], seconds: float, *, has_files: bool) -> Message:
    """The function returned, after so long; `has_files`: its scratch folder is to be removed in the end."""
    packed = [_packed(each) for each in outputs]
    return {"kind": "done", "job": number, "outputs": packed, "seconds": seconds, "files": has_files}


def raised(number: int, type_name: str, text: str, trace: str, *, retryable: bool, after: float | None) -> Message:
    """The function raised."""
    about = {"type": type_name, "message": text, "traceback": trace}
    return {"kind": "raised", "job": number, **about, "retryable": retryable, "retry_after": after}


def stopped(number: int) -> Message:
    """The job ended because it was asked to."""
    return {"kind": "stopped", "job": number}


def recalled(number: int) -> Message:
    """The job has not begun and will not."""
    return {"kind": "recalled", "job": number}


def event_of(message: Message, job_id: str, scratch: Callable[[], Path], stop_why: str | None) -> Event:
    """What a message about a job tells. `scratch` gives its folder; `stop_why`: why it was asked to stop."""
    kind = message["kind"]
    if kind == "done":
        outputs = [_unpacked(each) for each in message["outputs"]]
        return Done(job_id, outputs, scratch() if message["files"] else None, message["seconds"])
    if kind == "output":
        return Output(job_id, message["data"].encode("latin-1"))
    if kind == "progress":
        return Progress(job_id, message["fraction"], message["message"])
    if kind == "raised":
        told = (message["type"], message["message"], message["traceback"])
        return Raised(job_id, *told, message["retryable"], message["retry_after"])
    if stop_why is not None:
        return Stopped(job_id, stop_why)
    # somebody else's TERM ended its run: that is no cancel, and one who always does so is bounded
    return Returned(job_id) if kind == "recalled" else Died(job_id, signal.SIGTERM, None)


def _packed(output: ResultOutput) -> dict[str, Any]:
    packed: dict[str, Any] = {"name": output.name, "media_type": output.media_type}
    if output.path is not None:
        packed["path"] = str(output.path)
    else:
        packed["data"] = (output.data or b"").decode("latin-1")
    if output.filename is not None:
        packed["filename"] = output.filename
    if output.alternates:
        packed["alternates"] = [_packed(each) for each in output.alternates]
    return packed


def _unpacked(packed: dict[str, Any]) -> ResultOutput:
    return ResultOutput(
        packed["name"],
        packed["media_type"],
        packed["data"].encode("latin-1") if "data" in packed else None,
        Path(packed["path"]) if "path" in packed else None,
        packed.get("filename"),
        tuple(_unpacked(each) for each in packed.get("alternates", ())),
    )
