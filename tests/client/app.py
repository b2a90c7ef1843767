"""The tasks of the client's tests."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

from jobsapi import current_job, task

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@task
def double(value: int, plus: int = 0) -> int:
    """Twice the value."""
    return 2 * value + plus


@task
def break_down(why: str) -> None:
    """Raise what is asked for."""
    print("about to break")
    raise ValueError(why)


@task
def outputs(folder: str) -> dict[str, Any]:
    """One of each kind."""
    table, note = Path(folder, "table.csv"), Path(folder, "note.txt")
    table.write_text("city,rain\nYuma,83\n")
    note.write_text("hello")
    return {"table": table, "note": note, "picture": PNG, "number": 2**70}


@task
def frame() -> Any:
    """A table with a column of times."""
    import pandas as pd

    return pd.DataFrame({"at": pd.to_datetime(["2026-01-01", "2026-01-02"]), "rain": [1.5, 0.0]})


@task
def talk(seconds: float = 0.0) -> str:
    """Say how far it is."""
    print("first")
    current_job().progress(0.5, "half <way>")
    time.sleep(seconds)
    print("second")
    return "said"
