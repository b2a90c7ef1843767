"""`new`: writes a project to start from, tasks, tests and containers, out of the files in `template/`."""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from jobsapi.cli.base import Json, app, shown_json, write
from jobsapi.errors import Invalid

_TEMPLATE = Path(__file__).parent / "template"
_SUFFIX = ".tmpl"
"""Keeps the template's files from being taken for this package's own; `dot-` stands for a leading dot."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The project's name: the folder to make.")],
    *,
    is_json: Json = False,
) -> None:
    """Write a project to start from: two tasks, their tests, a Dockerfile, a compose file, a README."""
    folder = Path(name)
    _check(folder)
    files = _made(folder)
    if is_json:
        write(shown_json({"name": folder.name, "folder": str(folder.resolve()), "files": files}))
        return
    lines = [f"Wrote {folder}/: {', '.join(files)}.", "", "Next:", ""]
    lines += [f"  cd {shlex.quote(str(folder))}", "  jobsapi serve app.py"]
    lines += ["  jobsapi submit estimate_pi points=3000000 --wait   # in another terminal", "  python -m pytest"]
    write("\n".join([*lines, "", "README.md says more."]))


def _check(folder: Path) -> None:
    """Whether a project can be made there. Raises Invalid."""
    if not _NAME.fullmatch(folder.name):
        raise Invalid(
            f"{folder.name or str(folder)!r} is no name of a project: a letter, then letters, digits, - and _, "
            "60 at most; `jobsapi new weather`, for one."
        )
    if not folder.parent.is_dir():
        raise Invalid(f"There is no folder {folder.parent}; make it first.")
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise Invalid(f"{folder} is there already, and nothing is written over; take another name.")


def _made(folder: Path) -> list[str]:
    """Write the project, all of it or nothing; the names of its files."""
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent, ignore_cleanup_errors=True) as path:
        draft = Path(path) / "project"
        draft.mkdir()
        files = sorted(map(str, (_write(source, draft, folder.name) for source in _TEMPLATE.rglob(f"*{_SUFFIX}"))))
        draft.replace(folder)
    return files


def _write(source: Path, draft: Path, name: str) -> Path:
    from jobsapi import __version__

    place = source.relative_to(_TEMPLATE)
    place = place.with_name(place.name.removesuffix(_SUFFIX).replace("dot-", "."))
    target = draft / place
    target.parent.mkdir(parents=True, exist_ok=True)
    text = source.read_text()
    for word, value in {"PROJECT_NAME": name, "PROJECT_IMAGE": name.lower(), "VERSION_OF_JOBSAPI": __version__}.items():
        text = text.replace(word, value)
    target.write_text(text)
    shutil.copymode(source, target)
    return place
