"""Runs the `console` blocks of a page and compares what comes out with what the page shows.

A page shows real output of another day: `…` stands for anything, ids and times may differ, and a command that asks for
something still under way is given again, as a reader would give it, until it shows what the page shows.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_VOLATILE = re.compile(r"(00[0-9A-Za-z]{18})|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|…")
_PATIENCE = 30.0


@dataclass(frozen=True)
class Step:
    """One command of a page, and the output the page shows below it."""

    command: str
    shown: list[str]


def files(page: str) -> Iterator[tuple[str, str]]:
    """(name, text) of the page's Python blocks that begin with a file's name."""
    for block in re.findall(r"^```python\n(# (\S+\.py)\n.*?)^```$", page, re.DOTALL | re.MULTILINE):
        yield block[1], block[0]


def steps(page: str) -> Iterator[Step]:
    """The commands of the page's `console` blocks, in order."""
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            yield Step(command, shown)


@dataclass
class Console:
    """A reader at a terminal in `folder`; the API's port is not 5000 but `port`."""

    folder: Path
    port: int
    path: str
    known: dict[str, str] = field(default_factory=dict)
    """Ids as the page shows them → those of this run."""
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, step: Step) -> None:
        """Give the command until it shows what the page shows. AssertionError after a while."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            said = self._output(self._here(step.command)).rstrip("\n")
            if self._fits(step.shown, said):
                return
            is_question = step.command.startswith(("curl localhost", "jobsapi jobs")) and " -d " not in step.command
            if not is_question or time.monotonic() > deadline:
                raise AssertionError(f"$ {step.command}\nthe page: {step.shown}\nhere:     {said.splitlines()}")
            time.sleep(0.1)

    def start(self, step: Step) -> None:
        """Start a program that keeps running, and wait until it has shown what the page shows."""
        log = self.folder / f"started-{len(self.running)}.log"
        with log.open("w") as file:
            program = subprocess.Popen(
                ["bash", "-c", f"exec {self._here(step.command)}"],
                cwd=self.folder,
                env=self._environment(),
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.running.append(program)
        deadline = time.monotonic() + 2 * _PATIENCE
        while not self._fits([*step.shown, "…"], log.read_text().rstrip("\n") + "\n"):
            if time.monotonic() > deadline or program.poll() is not None:
                raise AssertionError(f"$ {step.command}\nthe page: {step.shown}\nhere:     {log.read_text()}")
            time.sleep(0.1)

    def close(self) -> None:
        """End what was started, as Ctrl-C does."""
        for program in self.running:
            os.killpg(program.pid, signal.SIGINT)
            program.wait(30)

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": self.path, "JOBSAPI_PORT": str(self.port), "PYTHONUNBUFFERED": "1"}

    def _output(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command.replace("curl ", "curl -sS ")],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    def _here(self, text: str) -> str:
        for shown, real in self.known.items():
            text = text.replace(shown, real)
        return re.sub(r"\b5000\b", str(self.port), text)

    def _fits(self, shown: list[str], said: str) -> bool:
        """Whether the output is what the page shows; ids that the page shows for the first time are noted."""
        if not shown:
            return True
        wanted, new, end = "", [], 0
        text = self._here("\n".join(shown))
        for found in _VOLATILE.finditer(text):
            wanted += re.escape(text[end : found.start()])
            end = found.end()
            if found[0] == "…":
                wanted += ".*"
            elif found[1] is None:
                wanted += r"\S+"
            elif found[1] in self.known.values():
                wanted += re.escape(found[1])
            else:
                new.append(found[1])
                wanted += "(00[0-9A-Za-z]{18})"
        matched = re.fullmatch(wanted + re.escape(text[end:]), said, re.DOTALL)
        if matched:
            self.known.update(zip(new, matched.groups(), strict=True))
        return matched is not None
