"""What `top` shows: a snapshot of the system, and how it is drawn in the rows and columns that there are."""

from __future__ import annotations

import datetime
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobsapi.cli.base import cell
from jobsapi.cli.submit import progress, state
from jobsapi.cli.watch import age
from jobsapi.record import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import ConsoleDimensions, RenderableType

    from jobsapi.client import Client

__all__ = ["Snapshot", "drawn", "take", "text"]

_MOST_JOBS = 100
_RATE_SECONDS = 10.0
_BAR = 8
_ENDED = ("complete", "failed", "cancelled")
_ACTIVE = ("in progress", "submitted", "scheduled")


@dataclass(frozen=True)
class Snapshot:
    """The system at one moment, as the API tells it."""

    url: str
    at: float
    """Seconds since the epoch, by this machine's clock."""
    queues: list[dict[str, Any]]
    workers: list[dict[str, Any]]
    jobs: list[Any]
    """Those that run, then those that wait, then the newest of the others."""
    ended: list[tuple[float, int]] = field(default_factory=list)
    """(when, how many jobs had ended), for the rate; the last of them is now."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "url": self.url,
            "at": rfc3339(int(self.at * 1000)),
            "queues": self.queues,
            "workers": self.workers,
            "jobs": self.jobs,
        }

    @property
    def rate(self) -> float | None:
        """Jobs that ended a second, lately; None while there is nothing to compare with."""
        (then, before), (now, after) = self.ended[0], self.ended[-1]
        return max(0, after - before) / (now - then) if now > then else None

    def busy(self, worker: dict[str, Any]) -> int:
        """How many jobs it runs; by the jobs themselves where all that run are here: a worker tells it less often."""
        running = [job.worker for job in self.jobs if job.status == "in progress"]
        return running.count(worker["id"]) if len(running) < _MOST_JOBS else len(worker["running"])

    def count(self, *names: str) -> int:
        """How many jobs all queues hold of these statuses."""
        return sum(queue[name] for queue in self.queues for name in names)


def take(client: Client, before: Snapshot | None = None) -> Snapshot:
    """A snapshot of the system. Raises JobsApiError."""
    queues, workers = client.queues(), client.workers()
    pages = [client.list_jobs(status=status, page=_MOST_JOBS) for status in _ACTIVE]
    pages.append(client.list_jobs(page=_MOST_JOBS))
    jobs = {job.id: job for page in pages for job in itertools.islice(page, _MOST_JOBS)}
    now = time.time()
    counted = sum(queue[name] for queue in queues for name in _ENDED)
    lately = [each for each in (before.ended if before else []) if now - each[0] <= _RATE_SECONDS]
    if lately and counted < lately[-1][1]:  # old jobs were removed: begin anew
        lately = []
    return Snapshot(client.url, now, queues, workers, list(jobs.values()), [*lately, (now, counted)])


# --- Drawn ------------------------------------------------------------------------------------------------------------


def drawn(snapshot: Snapshot, size: ConsoleDimensions, fault: str = "") -> RenderableType:
    """The snapshot in that many columns and rows; `fault`: why it is not the newest."""
    from rich.console import Group
    from rich.text import Text

    share = max(2, (size.height - 9) // 4)
    queues, workers = snapshot.queues[:share], snapshot.workers[:share]
    taken = len(queues) + len(workers) + 8 + bool(fault)
    parts: list[RenderableType] = [_headline(snapshot)]
    if fault:
        old = age(time.time() - snapshot.at)
        parts.append(Text(f"{fault} What follows is {old} old.", style="bold red", no_wrap=True, overflow="ellipsis"))
    parts += [
        Text(),
        _table(_QUEUE_HEAD, _queue_rows(snapshot, queues), size.width, left_out=len(snapshot.queues) - share),
    ]
    parts += [
        Text(),
        _table(_WORKER_HEAD, _worker_rows(snapshot, workers), size.width, left_out=len(snapshot.workers) - share),
    ]
    rows = itertools.islice(_job_rows(snapshot, snapshot.jobs), max(0, size.height - taken))
    parts += [Text(), _table(_JOB_HEAD, rows, size.width)]
    return Group(*parts)


def text(snapshot: Snapshot) -> str:
    """The snapshot as plain text, nothing left out."""
    from jobsapi.cli.base import table

    return "\n".join(
        [
            _headline(snapshot, leave="").plain + "\n",
            table(_QUEUE_HEAD, _queue_rows(snapshot, snapshot.queues)),
            table(_WORKER_HEAD, _worker_rows(snapshot, snapshot.workers)),
            table(_JOB_HEAD, _job_rows(snapshot, snapshot.jobs, is_whole=True)),
        ]
    )


def _headline(snapshot: Snapshot, leave: str = " · q leaves") -> Any:
    from rich.text import Text

    places = sum(worker["concurrency"] for worker in snapshot.workers)
    busy = snapshot.count("in_progress")
    parts = [f"{snapshot.count('submitted'):,} waiting", f"{busy}/{places} busy"]
    parts += [f"{snapshot.count('failed'):,} failed"] if snapshot.count("failed") else []
    parts += [] if snapshot.rate is None else [f"{snapshot.rate:.1f} jobs/s"]
    line = Text(f"{snapshot.url.partition('://')[2]} ", style="bold", no_wrap=True, overflow="ellipsis")
    line.append(" · ".join(parts), style="not bold")
    return line.append(leave, style="not bold dim")


_QUEUE_HEAD = ("QUEUE", "WAITING", "SCHEDULED", "RUNNING", "COMPLETE", "FAILED", "OLDEST WAITS")
_WORKER_HEAD = ("WORKER", "STATE", "BUSY", "UP", "QUEUES", "TASKS")
_JOB_HEAD = ("JOB", "TASK", "STATUS", "TIME", "PROGRESS")


def _queue_rows(snapshot: Snapshot, queues: Sequence[dict[str, Any]]) -> Iterator[Sequence[str]]:
    for each in queues:
        counts = [f"{each[key]:,}" for key in ("submitted", "scheduled", "in_progress", "complete", "failed")]
        waits = "paused" if each["paused"] else _since(snapshot, each["oldest"])
        yield (each["name"], *counts, waits)


def _worker_rows(snapshot: Snapshot, workers: Sequence[dict[str, Any]]) -> Iterator[Sequence[str]]:
    for each in workers:
        busy = f"{snapshot.busy(each)}/{each['concurrency']}"
        up = _since(snapshot, each["started"])
        yield (each["id"], each["state"], busy, up, " ".join(each["queues"]), " ".join(each["tasks"]))


def _job_rows(snapshot: Snapshot, jobs: Sequence[Any], *, is_whole: bool = False) -> Iterator[Sequence[Any]]:
    for job in jobs:
        if job.status == "in progress":
            passed = _since(snapshot, job.started)
        elif job.finished:
            passed = f"{_since(snapshot, job.finished)} ago"
        else:
            passed = _since(snapshot, job.created)
        yield (job.id, job.task, state(job), passed, _told(job, is_whole=is_whole))


def _told(job: Any, *, is_whole: bool) -> str:
    """How far a job is, drawn too, or why it failed."""
    fraction = (job.progress or {}).get("fraction")
    if job.status != "in progress" or fraction is None or is_whole:
        return progress(job)
    done = round(_BAR * fraction)
    return f"{'━' * done}{'╌' * (_BAR - done)} {progress(job)}"


def _since(snapshot: Snapshot, moment: str | None) -> str:
    return "" if moment is None else age(snapshot.at - datetime.datetime.fromisoformat(moment).timestamp())


def _table(head: Sequence[str], rows: Iterator[Sequence[Any]], width: int, left_out: int = 0) -> RenderableType:
    """A table as wide as the screen: only the last column, and names longer than they may be, are cut."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold", width=width)
    for number, name in enumerate(head):
        is_last = number == len(head) - 1
        is_number = head is _QUEUE_HEAD and 0 < number < len(head) - 1
        made.add_column(
            name,
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if is_last else None,
            justify="right" if is_number else "left",
            max_width=None if is_last or name == "JOB" else 24,
        )
    for row in rows:
        made.add_row(*map(cell, row))
    if left_out > 0:
        made.add_row(Text(f"and {left_out} more", style="dim"))
    return made
