"""A command-line program as a task: its output is the job's log and progress, its file the result."""

import re
import subprocess
import tempfile
from collections import deque
from pathlib import Path
from typing import Annotated

from pydantic import Field

from jobsapi import current_job, task

PROGRAM = Path(__file__).parent / "heat.awk"

Steps = Annotated[int, Field(ge=1, le=10_000_000, description="How long the heat spreads.")]
Points = Annotated[int, Field(ge=3, le=10_000, description="Places along the rod.")]
Rate = Annotated[float, Field(gt=0, le=1, description="How well it conducts; above 0.5 it is not stable.")]


@task(default=True, timeout=600)
def heat(steps: Steps = 20_000, points: Points = 100, rate: Rate = 0.2) -> None:
    """Let heat spread along a rod, by a program that is not Python."""
    with tempfile.TemporaryDirectory() as folder:
        values = [f"-v{name}={value}" for name, value in (("steps", steps), ("points", points), ("rate", rate))]
        run(["awk", *values, "-f", str(PROGRAM)], Path(folder))
        current_job().save("profile", Path(folder) / "profile.csv")


def run(command: list[str], folder: Path) -> None:
    """Run the command to its end. RuntimeError with what it said last, where it fails."""
    said: deque[str] = deque(maxlen=5)
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
        for line in program.stdout or ():
            print(line, end="", flush=True)  # into the job's log
            said.append(line)
            if found := re.match(r"step (\d+) of (\d+)", line):
                current_job().progress(int(found[1]) / int(found[2]), line.strip())
    if program.returncode:
        raise RuntimeError(f"{command[0]} ended with {program.returncode}: {''.join(said).strip()}")
