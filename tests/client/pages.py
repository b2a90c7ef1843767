"""What the tests of the client's pages take from a page."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"


def write_files(page: str, folder: Path) -> None:
    """The page's Python blocks that begin with a file's name, as files."""
    for text, name in re.findall(r"^```python\n(# (\S+\.py)\n.*?)^```$", page, re.DOTALL | re.MULTILINE):
        (folder / name).write_text(text)
