"""The tasks of these tests."""

import time
from pathlib import Path
from typing import Any, Literal

from jobsapi import current_job, task


@task
def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    print(f"adding {a} and {b}")
    return a + b


@task
def echo(
    text: str,
    mode: Literal["fast", "slow"] = "fast",
    numbers: list[int] = [],  # noqa: B006 -- nobody changes it
    where: dict[str, float] | None = None,
    flag: bool = False,
) -> dict[str, Any]:
    """Give back what came."""
    return {"text": text, "mode": mode, "numbers": numbers, "where": where, "flag": flag}


@task
def fail() -> None:
    """Raise."""
    raise ValueError("it does not go")


@task
def two() -> dict[str, Any]:
    """Two outputs."""
    return {"summary": {"n": 1}, "plot": b"\x89PNG\r\n\x1a\nnot really"}


@task
def raw() -> bytes:
    """Bytes that are no text."""
    return b"\x00\x01\xff"


@task(queue="long")
def hold(until: str, seconds: float = 30) -> str:
    """Write a line and wait until a file is there."""
    print("begun", flush=True)
    current_job().progress(0.5, "half way")
    deadline = time.monotonic() + seconds
    while not Path(until).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    print("ended", flush=True)
    return "held"
