"""How far a file is on its way to the API: a bar with rows a second, where there is a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from jobsapi.cli.base import cell
from jobsapi.cli.watch import span

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from rich.console import RenderableType

__all__ = ["Sending"]

_LINES = {".csv", ".ndjson", ".jsonl"}
"""Kinds of files in which a line is a row."""

_MB = 1_000_000


class Sending:
    """Draws the bar on stderr while the file is sent; `told` is called with each piece of it."""

    def __init__(self, file: Path) -> None:
        self._file, self._size = file, 0
        self._sent, self._lines = 0, -1 if file.suffix.lower() == ".csv" else 0  # a CSV file's first line is its head
        self._counts_lines = file.suffix.lower() in _LINES
        self._begun = time.monotonic()
        self._live: Any = None

    def __enter__(self) -> Sending:
        if sys.stderr.isatty() and self._file.is_file():
            from rich.console import Console
            from rich.live import Live
            from rich.spinner import Spinner

            self._size = self._file.stat().st_size
            self._spinner = Spinner("dots")
            self._live = Live(
                console=Console(stderr=True), get_renderable=self._drawn, refresh_per_second=8, transient=True
            ).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def told(self, piece: bytes) -> None:
        """A piece that goes out now."""
        self._sent += len(piece)
        if self._counts_lines:
            self._lines += piece.count(b"\n")

    def pace(self, rows: int) -> str:
        """` in 2.1 s, 700 rows/s` on a terminal, nothing elsewhere."""
        passed = time.monotonic() - self._begun
        return f" in {span(passed)}, {rows / max(passed, 1e-3):,.0f} rows/s" if sys.stdout.isatty() else ""

    def _drawn(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        passed = max(time.monotonic() - self._begun, 1e-3)
        if self._sent >= self._size:
            return self._waiting(passed)
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(no_wrap=True, ratio=1, overflow="ellipsis")
        row.add_column(width=24)
        for _ in range(3):
            row.add_column(no_wrap=True, justify="right")
        pace = (
            f"{max(0, self._lines) / passed:,.0f} rows/s"
            if self._counts_lines
            else f"{self._sent / passed / _MB:.1f} MB/s"
        )
        left = span(max(1, round((self._size - self._sent) * passed / max(self._sent, 1))))
        share = self._sent / self._size
        row.add_row(cell(self._file.name), ProgressBar(1.0, share), Text(f"{share:4.0%}"), pace, f"{left} left")
        return row

    def _waiting(self, passed: float) -> RenderableType:
        from rich.columns import Columns

        rows = f" {self._lines:,} rows," if self._counts_lines else ""
        said = f"{self._file.name}: all sent,{rows} {span(passed)}; the API indexes them"
        return Columns([self._spinner, cell(said)])
