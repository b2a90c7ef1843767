"""Small C libraries that tests put between a process and the C library (`LD_PRELOAD`)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IS_POSSIBLE", "library"]

IS_POSSIBLE = sys.platform == "linux" and shutil.which("cc") is not None
"""False where there is no C compiler, or no such variable."""


def library(folder: Path, name: str, source: str) -> str:
    """Compile it; its path."""
    path = folder / f"{name}.so"
    path.with_suffix(".c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", path, path.with_suffix(".c"), "-ldl"], check=True)
    return str(path)
