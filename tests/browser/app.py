"""The tasks that the browser's tests look at: one of each kind of way and of result."""

import random
import time
from pathlib import Path
from typing import Any, Literal

from jobsapi import current_job, task

NASTY = "<script>window.hurt = 1</script><img src=x onerror='window.hurt = 2'>"


@task(default=True)
def walk(steps: int = 30, seconds: float = 3.0, title: str = "A random walk") -> dict[str, Any]:
    """Walk at random, and draw the way."""
    from matplotlib.figure import Figure

    job, chance, values = current_job(), random.Random(7), [0.0]
    for step in range(1, steps + 1):
        values.append(values[-1] + chance.gauss(0, 1))
        print(f"step {step}: {values[-1]:+.3f}", flush=True)
        job.progress(step / steps, f"step {step} of {steps}")
        time.sleep(seconds / steps)
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(values, color="#3c4bd0")
    axes.set(title=title, xlabel="step", ylabel="place")
    axes.grid(visible=True, alpha=0.3)
    table = [{"step": i, "place": value} for i, value in enumerate(values)]
    return {"way": figure, "summary": {"steps": steps, "last": values[-1]}, "table": table}


def _looked_up(rows: dict[str, int], name: str) -> int:
    return rows[name]


@task
def broken(name: str = "temperature") -> int:
    """Fail in a function of its own."""
    print("looking it up", flush=True)
    return _looked_up({"rain": 3}, name)


@task(queue="long")
def slow(seconds: float = 600.0) -> str:
    """Take its time."""
    until, began = time.monotonic() + seconds, time.monotonic()
    while time.monotonic() < until:
        current_job().progress((time.monotonic() - began) / seconds, "sleeping")
        time.sleep(0.1)
    return "rested"


@task
def nasty() -> dict[str, str]:
    """Print, raise and say markup."""
    print(NASTY, flush=True)
    current_job().progress(0.5, NASTY)
    raise ValueError(NASTY)


@task
def kind_of(kind: Literal["csv", "html", "text", "json", "number", "nothing"]) -> Any:
    """Return something of that kind."""
    folder = Path.cwd()
    if kind == "csv":
        (folder / "towns.csv").write_text('town,rain\n"Bell, the",30\nAvon,7\nCork,112\n')
        return folder / "towns.csv"
    if kind == "html":
        (folder / "page.html").write_text(f"<h1>A page</h1>{NASTY}")
        return folder / "page.html"
    return {"text": "one\ntwo", "json": {"a": [1, {"b": NASTY}], "c": None}, "number": 42, "nothing": None}[kind]


@task
def chatty(lines: int = 400, seconds: float = 4.0) -> None:
    """Print many lines."""
    for line in range(lines):
        print(f"line {line}", flush=True)
        time.sleep(seconds / lines)
