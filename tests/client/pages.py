"""What the tests of the client's pages take from a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parent.parent.parent / "docs"


def write_files(page: str, folder: Path) -> None:
    """The page's Python blocks that begin with a file's name, as files."""
    for text, name in re.findall(r"^```python\n(# (\S+\.py)\n.*?)^```$", page, re.DOTALL | re.MULTILINE):
        (folder / name).write_text(text)


def commands(page: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of the page's `console` blocks, in order, and the lines shown below each."""
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            yield command, shown
