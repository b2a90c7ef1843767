"""Whatever a page tells its reader to type is typed here, page by page, and comes out as the page shows.

`make doccheck` does it; the pages of QUICK are done by `make test`. That no block is left out is checked always.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import PAGES, ROOT, SHOWN, Block, blocks, steps

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = {
    "make run": "tests/docs/test_readme.py",
    "docker compose": "tests/containers/run",
    "APP=": "tests/containers/run",
    "pip wheel": "tests/containers/run",
}
"""How commands begin that another test runs → that test."""

MEASURES = re.compile(r"make (bench|soak|recovery)\b|\.venv/bin/python -m benchmarks\.")
"""Commands that measure for minutes or an hour. They are only known to be there."""

QUICK = {ROOT / "README.md": "test_readme.py", ROOT / "docs" / "terminal.md": "test_terminal.py"}
"""Pages whose blocks are run by every `make test` → by what."""


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _is_left_out(command: str) -> bool:
    return command.startswith((*ELSEWHERE, "make ")) or bool(MEASURES.match(command))


def _is_done(block: Block) -> bool:
    return block.language in {"console", "python"} or block.file is not None


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_block_of_a_page_is_left_untried(page):
    for block in blocks(page.read_text()):
        assert _is_done(block) or block.language in SHOWN, (
            f"{page.name}:{block.line}: a block is `console`, a file whose first line is a comment with its name, "
            f"`python`, or one of {sorted(SHOWN)} for what nobody types; this one is {block.language!r}"
        )
        if block.language == "console":
            assert block.text.startswith("$ "), f"{page.name}:{block.line}: a command stands after `$ `"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_a_command_that_is_left_out_is_one_that_something_else_runs(page):
    makefile, ci = (ROOT / "Makefile").read_text(), (ROOT / ".ci" / "run").read_text()
    for step in steps(page.read_text()):
        if found := re.match(r"make (\w+)", step.command):
            assert re.search(rf"^{found[1]}:", makefile, re.MULTILINE), step.command
            runs = rf"^step make {found[1]}$" if found[1] not in {"lint", "run", "docs"} else "^step make test$"
            assert MEASURES.match(step.command) or re.search(runs, ci, re.MULTILINE), step.command
        elif found := re.match(r"\.venv/bin/python -m (benchmarks\.\w+)", step.command):
            assert importlib.util.find_spec(found[1]), step.command
        elif found := next((each for each in ELSEWHERE if step.command.startswith(each)), None):
            assert found in (ROOT / ELSEWHERE[found]).read_text() or found == "docker compose", step.command


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page not in QUICK and any(_is_done(each) for each in blocks(page.read_text()))],
    ids=_name,
)
def test_a_page_does_what_it_shows(page, console):
    if page.stem == "nginx":
        if shutil.which("nginx") is None and not os.environ.get("CI"):
            pytest.skip("there is no nginx here")
        for folder in (console.folder, console.folder.parent, console.folder.parent.parent):
            folder.chmod(0o711)  # nginx that root starts reads as another user
    if page.is_relative_to(ROOT / "examples"):
        shutil.copytree(page.parent, console.folder, dirs_exist_ok=True)
    (console.folder / "jobsapi").symlink_to(ROOT)
    console.read(page.read_text(), _is_left_out)
