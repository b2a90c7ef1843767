"""`top`: queues, workers and jobs on one screen, live until q or Ctrl-C; one snapshot where there is no terminal."""

from __future__ import annotations

import os
import select
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobsapi.cli.base import SYSTEM, Talk, app, shown_json, talks, write
from jobsapi.cli.bell import Bell
from jobsapi.errors import JobsApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.cli.screen import Snapshot
    from jobsapi.client import Client

_DRAW_EVERY = 0.25
_SHORTEST = 0.4
"""Seconds between two looks at least, however much happens."""


@app.command(rich_help_panel=SYSTEM)
@talks
def top(
    talk: Talk,
    *,
    every: Annotated[float, typer.Option(min=0.1, max=3600, metavar="SECONDS", help="How often it looks again.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="One snapshot, as without a terminal.")] = False,
) -> None:
    """Show queues, workers and jobs, live; q or Ctrl-C leaves. With --json, or piped, one snapshot."""
    from jobsapi.cli import screen

    if talk.is_json or once or not sys.stdout.isatty():
        taken = screen.take(talk.client)
        write(shown_json(taken.document()) if talk.is_json else screen.text(taken))
        return
    feed = _Feed(talk.client, every)
    feed.look()  # an API that is not there is told as by any other command
    feed.start()
    try:
        with suppress(KeyboardInterrupt), _keys() as key:
            _draw_until_left(feed, key)
    finally:
        feed.stop.set()


class _Feed(threading.Thread):
    """Looks at the API again and again, at once when something happened; keys are heard while it does not answer."""

    def __init__(self, client: Client, every: float) -> None:
        super().__init__(daemon=True)
        self._client, self._every = client, every
        self.stop = threading.Event()
        self.latest: Snapshot | None = None
        self.fault = ""
        """Why the latest is not what it is now."""

    def look(self) -> None:
        """Take another snapshot. Raises JobsApiError."""
        from jobsapi.cli import screen

        self.latest = screen.take(self._client, before=self.latest)
        self.fault = ""

    def run(self) -> None:
        """Look until it is stopped."""
        bell = Bell(self._client, "/events")
        while not self.stop.is_set():
            bell.wait(self._every, min(self._every, _SHORTEST), longest=self._every)
            try:
                self.look()
            except JobsApiError as problem:
                self.fault = problem.detail


def _draw_until_left(feed: _Feed, key: int | None) -> None:
    from rich.console import Console
    from rich.live import Live

    from jobsapi.cli import screen

    console = Console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            assert feed.latest
            live.update(screen.drawn(feed.latest, console.size, feed.fault), refresh=True)
            ready, _, _ = select.select([] if key is None else [key], [], [], _DRAW_EVERY)
            if ready and os.read(ready[0], 64)[:1] in (b"q", b"Q", b"\x04", b""):
                return


@contextmanager
def _keys() -> Iterator[int | None]:
    """The descriptor on which single keys come, unechoed; None where stdin is no terminal."""
    if not sys.stdin.isatty():
        yield None
        return
    import termios
    import tty

    number = sys.stdin.fileno()
    before: Any = termios.tcgetattr(number)
    tty.setcbreak(number)
    try:
        yield number
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)
