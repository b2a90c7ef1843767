"""The blocks of a page, and what each one's language says about it.

A page's fenced blocks are of these kinds, and of no other:

- `console`: commands, each after `$ `, and below each what it prints. They are given in the page's order.
- any language whose first line is a comment with a file's name: that file, in the folder where the commands are given.
- `python` without one: a program, run where it stands.
- `text`, `json`, `mermaid`: output or illustration; nobody is meant to type it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DOCS", "PAGES", "ROOT", "SHOWN", "Block", "Step", "blocks", "steps"]

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted(DOCS.rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
"""Everything that tells a reader to type something."""

SHOWN = {"text", "json", "mermaid"}

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"(?:#|//|<!--) (\S+\.\w+|Dockerfile|Procfile)(?: -->)?$")


@dataclass(frozen=True)
class Step:
    """One command of a page, and the output the page shows below it."""

    command: str
    shown: list[str]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line it begins at."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The name of the file that the block is; None where it is none."""
        found = _FILE.match(self.text.partition("\n")[0])
        return found[1] if found and self.language not in {"console", *SHOWN} else None

    def steps(self) -> Iterator[Step]:
        """The commands of a `console` block."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            command = re.sub(r"\s+# .*", "", command)
            while command.endswith("\\") or command.count("'") % 2:  # it goes on below
                command, shown = f"{command}\n{shown[0]}", shown[1:]
            yield Step(command, shown)


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    for found in _FENCE.finditer(page):
        text = re.sub(f"^{found[1]}", "", found[3], flags=re.MULTILINE)
        yield Block(found[2], text, page.count("\n", 0, found.start()) + 1)


def steps(page: str) -> Iterator[Step]:
    """The commands of the page's `console` blocks, in order."""
    for block in blocks(page):
        if block.language == "console":
            yield from block.steps()
