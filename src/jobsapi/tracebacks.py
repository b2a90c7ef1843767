"""Tracebacks as users want to read them: their own frames; those of libraries folded to one line, ours left out."""

from __future__ import annotations

import itertools
import sysconfig
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

__all__ = ["MOST", "app_packages", "sendable", "shortened"]

MOST = 16 * 1024
"""Characters of a traceback that is kept with a job; the whole one is in its log."""

_MOST_FRAMES = 2000
_FIRST, _LAST = 10, 30
"""Of a deeper stack so many different frames are shown."""

_OWN = str(Path(__file__).parent)
_EXAMPLE = str(Path(__file__).parent / "example.py")
_STANDARD = tuple({str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib")})
_INSTALLED = ("site-packages", "dist-packages")
_OURS, _IMPORTS = "jobsapi", "the import system"


def shortened(problem: BaseException, app: Collection[str] = ()) -> str:
    """The traceback of an exception and of those that it was raised from, in the user's own frames.

    `app`: installed packages whose frames are the user's too. Of a very long one both ends are kept.
    """
    told = traceback.TracebackException(
        type(problem), problem, problem.__traceback__, limit=-_MOST_FRAMES, lookup_lines=False, compact=True
    )
    for each in reversed(list(_all_of(told))):
        frames = list(_folded(each.stack, app))
        each.stack = _Stack(_bounded(frames)) if frames else None  # type: ignore[assignment]
        _forget_ours(each)
    return _cut(sendable("".join(told.format())))


def app_packages(files: Iterable[str]) -> set[str]:
    """The installed packages that these files belong to."""
    return {name for file in files if (name := _library(file))}


def sendable(text: str) -> str:
    """Without what no UTF-8 has, such as the bytes of a file name that Python could not decode."""
    return text.encode(errors="replace").decode()


class _Fold(traceback.FrameSummary):
    """A line in the place of frames."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        super().__init__("", 0, "", lookup_line=False)
        self.text = text


class _Stack(traceback.StackSummary):
    """One that can hold such lines."""

    def format_frame_summary(self, frame_summary: traceback.FrameSummary, **options: Any) -> str:
        """A frame as Python shows it, or the line that stands for some."""
        if isinstance(frame_summary, _Fold):
            return f"  [{frame_summary.text}]\n"
        return super().format_frame_summary(frame_summary, **options)


def _all_of(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """It, its causes, and the members of groups, each once."""
    left, seen = [told], set()
    while left:
        each = left.pop()
        if id(each) not in seen:
            seen.add(id(each))
            yield each
            more = [each.__cause__, each.__context__, *(each.exceptions or ())]
            left += [other for other in more if other is not None]


def _forget_ours(told: traceback.TracebackException) -> None:
    """A cause that lies in this package alone says nothing to the user."""
    for name in ("__cause__", "__context__"):
        other = getattr(told, name)
        if other and other.stack is None and not (other.__cause__ or other.__context__ or other.exceptions):
            setattr(told, name, None)


def _folded(frames: Iterable[traceback.FrameSummary], app: Collection[str]) -> Iterator[traceback.FrameSummary]:
    """The user's frames, each run of others between and after them as one line; what called the user's is left out."""
    runs = [(name, list(some)) for name, some in itertools.groupby(frames, lambda each: _owner(each.filename, app))]
    is_users = [name is None for name, _ in runs]
    ours_left_out = [(name, some) for name, some in runs if name != _OURS]
    runs = runs[is_users.index(True) :] if True in is_users else ours_left_out
    for is_own, group in itertools.groupby(runs, lambda run: run[0] is None):
        some = [(name, frame) for name, run in group for frame in run]
        if is_own:
            yield from (frame for _, frame in some)
        elif any(name != _IMPORTS for name, _ in some):
            yield _Fold(_told([(name or "", frame) for name, frame in some if name != _IMPORTS]))


def _told(some: list[tuple[str, traceback.FrameSummary]]) -> str:
    names = ", ".join(dict.fromkeys(name for name, _ in some))
    _, last = some[-1]
    count = "1 frame" if len(some) == 1 else f"{len(some)} frames"
    return f"{count} of {names} left out; the last: {_inside(last.filename)}, line {last.lineno}, in {last.name}"


def _owner(file: str, app: Collection[str]) -> str | None:
    """Whose code a file is: a library's name, or None for the user's."""
    if file.startswith("<frozen "):
        return _IMPORTS
    if file == _EXAMPLE:
        return None
    if file.startswith(_OWN):
        return _OURS
    library = _library(file)
    if library is not None:
        return None if library in app else library
    return "the standard library" if file.startswith(_STANDARD) else None


def _library(file: str) -> str | None:
    parts = Path(file).parts
    at = next((i for i, part in enumerate(parts[:-1]) if part in _INSTALLED), None)
    return None if at is None else parts[at + 1].removesuffix(".py")


def _inside(file: str) -> str:
    """A library's file as seen from where libraries are."""
    parts = Path(file).parts
    at = next((i for i, part in enumerate(parts[:-1]) if part in _INSTALLED), None)
    if at is not None:
        return "/".join(parts[at + 1 :])
    inside = next((root for root in (*_STANDARD, str(Path(_OWN).parent)) if file.startswith(root)), "")
    return file.removeprefix(inside).lstrip("/")


def _bounded(frames: list[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """Of a deep stack both ends; a frame that repeats counts once, since it is shown as such."""
    runs = [list(some) for _, some in itertools.groupby(frames, _place)]
    if len(runs) > _FIRST + _LAST:
        left_out = runs[_FIRST:-_LAST]
        fold: list[traceback.FrameSummary] = [_Fold(f"{sum(map(len, left_out)):,} frames left out")]
        runs = [*runs[:_FIRST], fold, *runs[-_LAST:]]
    return [frame for run in runs for frame in run]


def _place(frame: traceback.FrameSummary) -> tuple[Any, ...]:
    return (frame.text,) if isinstance(frame, _Fold) else (frame.filename, frame.lineno, frame.name)


def _cut(text: str) -> str:
    if len(text) <= MOST:
        return text
    half = MOST // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"
