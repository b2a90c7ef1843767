"""A job or a batch until it has ended: looked at again and again, drawn as a bar where there is a terminal."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from jobsapi.cli.base import cell
from jobsapi.cli.bell import Bell
from jobsapi.client.transport import path_of, with_query
from jobsapi.errors import ApiUnavailable, StoreUnavailable
from jobsapi.states import ACTIVE, ENDED

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import Console, RenderableType

    from jobsapi.client import Client

__all__ = ["LogReader", "age", "batch_until_end", "job_until_end", "new_part", "span"]

_ENDED = {status.value for status in ENDED}
_ACTIVE = {status.value.replace(" ", "_") for status in ACTIVE}

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 0.5
_OUTAGE = 30.0
"""Seconds without an answer after which the API is no longer believed to be only starting again."""

_OVERLAP = 4096

_REST = 5.0
"""Seconds that the last of an ended job's log has to come by itself; then it is fetched."""


def job_until_end(client: Client, jid: str, *, log: Callable[[bytes], None] | None = None) -> Any:
    """The job once it has ended; on a terminal a bar stands on stderr meanwhile. `log`: what it writes, as it comes.

    Raises UnknownJob, ApiUnavailable.
    """
    bell = Bell(client, path_of("jobs", jid, "events"))
    reader = LogReader(client, jid, bell.ring) if log else None
    with _Bar() as bar:

        def look() -> Any:
            job = client.get_job_by_id(jid)
            bar.show_job(job)
            if log and reader:
                bar.write(reader.rest() if job.status in _ENDED else reader.read(), log)
            return job

        return _until(look, lambda job: job.status in _ENDED, bar, bell)


def batch_until_end(client: Client, bid: str) -> Any:
    """The batch once all its jobs have ended; otherwise as `job_until_end`."""
    with _Bar() as bar:

        def look() -> Any:
            batch = client.get_batch(bid)
            bar.show_batch(batch)
            return batch

        bell = Bell(client, with_query("/events", {"batch": bid}))
        return _until(look, lambda batch: not any(batch.counts[each] for each in _ACTIVE), bar, bell)


def _until(look: Callable[[], Any], has_ended: Callable[[Any], bool], bar: _Bar, bell: Bell) -> Any:
    """What `look` gives once it has ended; an API that is being restarted meanwhile is waited for."""
    pause, answered = _SHORTEST_PAUSE, time.monotonic()
    while True:
        asked = time.monotonic()
        try:
            found = look()
        except (ApiUnavailable, StoreUnavailable):
            if time.monotonic() - answered > _OUTAGE:
                raise
            bar.say("the API does not answer; asking again")
        else:
            answered = time.monotonic()
            if has_ended(found):
                bell.stop()
                return found
        cost = time.monotonic() - asked
        least = 4 * cost  # who watches a large batch must not be what keeps the API busy
        bell.wait(max(pause, least), max(_SHORTEST_PAUSE, least))
        pause = min(pause * 1.3, _LONGEST_PAUSE)


# --- The log ----------------------------------------------------------------------------------------------------------


class LogReader:
    """Reads a job's log in the background, as it is written."""

    def __init__(self, client: Client, jid: str, told: Callable[[], None]) -> None:
        """`told`: called in a thread of its own when there is more to read."""
        self._client, self._jid, self._told = client, jid, told
        self._pieces: SimpleQueue[bytes] = SimpleQueue()
        self._read = bytearray()
        self._is_whole = False
        self._thread = threading.Thread(target=self._follow, name="jobsapi-log", daemon=True)
        self._thread.start()

    def read(self) -> bytes:
        """What came since the last call."""
        pieces = []
        with suppress(Empty):
            while True:
                pieces.append(self._pieces.get_nowait())
        piece = b"".join(pieces)
        self._read += piece
        return piece

    def rest(self) -> bytes:
        """The same of a job that has ended, to the log's last byte. Raises UnknownJob, ApiUnavailable."""
        self._thread.join(_REST)
        piece = self.read()
        if self._is_whole:
            return piece
        log = self._client.get_logs(self._jid)
        return piece + new_part(bytes(self._read), log)

    def _follow(self) -> None:
        from jobsapi.client.events import follow

        with suppress(Exception):  # whoever waits for the job is told, or reads the rest
            for event in follow(self._client._transport, self._jid):
                if event.kind == "log":
                    self._pieces.put(event.data["text"].encode())
                    self._told()
            self._is_whole = True


def new_part(shown: bytes, log: bytes) -> bytes:
    """What a log holds after what was shown of it; once its middle is left out, what follows the last shown bytes."""
    if log.startswith(shown):
        return log[len(shown) :]
    last = shown[-_OVERLAP:]
    at = log.rfind(last)
    return log[at + len(last) :] if at >= 0 else b"\n[...]\n" + log[-_OVERLAP:]


# --- The bar ----------------------------------------------------------------------------------------------------------


def span(seconds: float) -> str:
    """A time as people say it: `6 ms`, `4.2 s` (`4 s` for an int), `48 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 1 and not isinstance(seconds, int):
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10 and not isinstance(seconds, int):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, size, smaller, least in _UNITS:
        if whole >= size:
            rest = whole % size // least
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


def age(seconds: float) -> str:
    """The same in one unit, whole: `48 s`, `3 min`, `2 h`, `3 d`."""
    whole = max(0, int(seconds))
    return next((f"{whole // size} {unit}" for unit, size, _, _ in _UNITS if whole >= size), f"{whole} s")


_UNITS = (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))


class _Bar:
    """What stands on stderr while something is waited for; nothing at all where that is no terminal."""

    def __init__(self) -> None:
        self._console: Console | None = None
        self._live: Any = None
        self._name, self._text, self._note = "", "asking", ""
        self._fraction: float | None = None
        self._since = time.monotonic()
        self._estimate = _Estimate()
        self._rest = b""

    def __enter__(self) -> _Bar:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live
            from rich.spinner import Spinner

            self._console = Console(stderr=True)
            self._spinner = Spinner("dots")
            self._live = Live(
                console=self._console, get_renderable=self._drawn, refresh_per_second=8, transient=True
            ).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bar off the screen."""
        if self._live is not None:
            self._print(self._rest)
            self._live.stop()
            self._live = None

    def say(self, note: str) -> None:
        """A note in place of what was told last."""
        self._note = note

    def show_job(self, job: Any) -> None:
        """Draw how far the job is."""
        told = job.progress or {}
        self._name, self._note = job.task, job.get("advice") or ""
        self._fraction = told.get("fraction") if job.status == "in progress" else None
        if job.cancel_requested and job.status == "in progress":
            self._text = "is being stopped"
        elif job.status == "in progress":
            self._text = told.get("message") or ""
        else:
            ahead = "" if job.position is None else f", {job.position:,} ahead of it" if job.position else ", next"
            self._text = {"submitted": "waits in the queue", "scheduled": "waits for its time"}.get(
                job.status, job.status
            ) + ahead
        self._estimate.note(self._fraction)

    def show_batch(self, batch: Any) -> None:
        """Draw how many of its jobs have ended."""
        ended = batch.total - sum(batch.counts[each] for each in _ACTIVE)
        bad = batch.counts["failed"] + batch.counts["cancelled"]
        self._name, self._note = f"{batch.total:,} jobs", ""
        self._fraction = ended / batch.total if batch.total else None
        self._text = f"{ended:,} ended" + (f", {bad:,} of them not complete" if bad else "")
        self._estimate.note(self._fraction)

    def write(self, piece: bytes, log: Callable[[bytes], None]) -> None:
        """A piece of the log: whole lines above the bar, or as it is where there is none."""
        if self._live is None:
            log(piece)
            return
        lines, newline, self._rest = (self._rest + piece).rpartition(b"\n")
        self._print(lines + newline)

    def _print(self, text: bytes) -> None:
        from rich.text import Text

        assert self._console
        for line in text.splitlines():
            self._console.print(Text.from_ansi(line.decode(errors="replace")), soft_wrap=True, highlight=False)
        self._rest = b""

    def _drawn(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        assert self._console
        # narrower than the screen: the `^C` that a terminal echoes would begin a line of its own
        row = Table.grid(padding=(0, 1), expand=True)
        row.width = self._console.width - 3
        cells: list[RenderableType] = [self._spinner, cell(self._name[:24] or "…")]
        row.add_column(no_wrap=True)
        row.add_column(no_wrap=True)
        if self._fraction is not None:
            row.add_column(width=24)
            row.add_column(no_wrap=True, justify="right")
            cells += [ProgressBar(1.0, self._fraction), Text(f"{self._fraction:4.0%}")]
        row.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        row.add_column(no_wrap=True, justify="right", style="dim")
        left = self._estimate.left(self._fraction)
        passed = span(int(time.monotonic() - self._since))
        cells += [cell(self._text or "runs"), passed if left is None else f"about {span(max(1, round(left)))} left"]
        row.add_row(*cells)
        return Group(row, Text(f"  {self._note}", style="yellow")) if self._note else row


class _Estimate:
    """How long the rest takes, by the pace since the first fraction that was told."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None

    def note(self, fraction: float | None) -> None:
        """A fraction that was just told; None, or less than before, begins anew."""
        if fraction is None or (self._last and fraction < self._last[1]):
            self._first = self._last = None
        if fraction is not None and (self._last is None or fraction > self._last[1]):
            self._last = (time.monotonic(), fraction)
            self._first = self._first or self._last

    def left(self, fraction: float | None) -> float | None:
        """Seconds; None while there is no pace to go by."""
        if fraction is None or self._first is None or self._last is None or self._last[1] <= self._first[1]:
            return None
        pace = (self._last[1] - self._first[1]) / (self._last[0] - self._first[0])
        return max(0.0, (1 - self._last[1]) / pace - (time.monotonic() - self._last[0]))
