"""A progress bar for those who wait: in a terminal, in a notebook, and nothing anywhere else."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from jobsapi.notebook import share_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["progress_bar"]

_WIDTH = 30


@contextlib.contextmanager
def progress_bar(label: str, total: int, *, is_wanted: bool | None = None) -> Iterator[Callable[[int], None]]:
    """A bar, told how many of `total` are done. `is_wanted`: None where somebody looks: a terminal or a notebook."""
    notebook = _notebook()
    if is_wanted is False or (is_wanted is None and not notebook and not sys.stderr.isatty()):
        yield lambda _done: None
    elif notebook is not None:
        yield _in_notebook(notebook, label, total)
    elif importlib.util.find_spec("rich"):
        with _by_rich(label, total) as tell:
            yield tell
    else:
        yield lambda done: _plain(label, done, total)
        sys.stderr.write("\n")


def _notebook() -> Any:
    """IPython's display module, where a kernel runs this; nothing is imported for the answer."""
    shell = sys.modules.get("IPython")
    if shell is None or "ipykernel" not in sys.modules or shell.get_ipython() is None:
        return None
    return importlib.import_module("IPython.display")


def _in_notebook(display: Any, label: str, total: int) -> Callable[[int], None]:
    shown = display.display(display.HTML(share_html(label, 0, total)), display_id=True)
    return lambda done: shown.update(display.HTML(share_html(label, done, total)))


@contextlib.contextmanager
def _by_rich(label: str, total: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(escape(label), total=total)
        yield lambda done: shown.update(task, completed=done)


def _plain(label: str, done: int, total: int) -> None:
    full = _WIDTH * done // total if total else _WIDTH
    sys.stderr.write(f"\r{label} [{'#' * full}{'.' * (_WIDTH - full)}] {done:,}/{total:,}")
    sys.stderr.flush()
