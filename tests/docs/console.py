"""A reader who does what a page says, and compares what comes out with what the page shows.

A page shows real output of another day: `…` stands for anything, ids and times may differ, and a command that asks for
something still under way is given again, as a reader would give it, until it shows what the page shows.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs.pages import Step, blocks

if TYPE_CHECKING:
    from collections.abc import Callable

_VOLATILE = re.compile(r"(00[0-9A-Za-z]{18})|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|…")
_PATIENCE = 30.0

STAYS = re.compile(
    r"(?!.*\|\|)([A-Z_]+=\S+ )*(jobsapi (serve|api|worker)|python (api|worker|app)\.py|nginx|flask|celery|rq worker)\b"
)
"""How commands begin that keep running: the reader opens another terminal."""

_ASKS = ("curl ", "jobsapi jobs", "jobsapi status", "jobsapi logs", "cat ", "ls ")
"""How commands begin that only ask, and may be given again."""


@dataclass
class Console:
    """A reader at a terminal in `folder`; the ports that a page names are others here, `ports` says which."""

    folder: Path
    ports: dict[str, str]
    path: str
    known: dict[str, str] = field(default_factory=dict)
    """Ids as the page shows them → those of this run."""
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    patience: float = _PATIENCE

    def read(self, page: str, is_left_out: Callable[[str], bool] = lambda _: False) -> None:
        """Do what the page says from its first block to its last."""
        for number, block in enumerate(blocks(page)):
            if block.file:
                (self.folder / block.file).parent.mkdir(parents=True, exist_ok=True)
                (self._where() / block.file).write_text(self._here(block.text))
            elif block.language == "python":
                name = f"block-{number}.py"
                (self._where() / name).write_text(self._here(block.text))
                self.run(Step(f"{sys.executable} {name}", [""]))
            elif block.language == "console":
                for step in block.steps():
                    if not is_left_out(step.command):
                        (self.start if STAYS.match(step.command) else self.run)(step)

    def run(self, step: Step) -> None:
        """Give the command until it shows what the page shows. AssertionError after a while."""
        deadline = time.monotonic() + self.patience
        while True:
            said, code = self._output(self._here(step.command))
            if self._fits(step.shown, said.rstrip("\n")) and (code == 0 or step.shown not in ([], [""])):
                return
            is_question = step.command.startswith(_ASKS) and " -d " not in step.command
            if not is_question or time.monotonic() > deadline:
                shown = "\n".join(step.shown)
                raise AssertionError(f"$ {step.command}\nthe page:\n{shown}\nhere (exit {code}):\n{said}")
            time.sleep(0.1)

    def start(self, step: Step) -> None:
        """Start a program that keeps running, and wait until it has shown what the page shows."""
        log = self.folder / f"started-{len(self.running)}.log"
        with log.open("w") as file:
            program = subprocess.Popen(
                ["bash", "-c", f"{self._resumed()}\nexec env {self._here(step.command)}"],
                cwd=self.folder,
                env=self._environment(),
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.running.append(program)
        deadline = time.monotonic() + 2 * self.patience
        while not self._fits([*step.shown, "…"], log.read_text().rstrip("\n") + "\n"):
            if time.monotonic() > deadline or program.poll() is not None:
                raise AssertionError(f"$ {step.command}\nthe page: {step.shown}\nhere:     {log.read_text()}")
            time.sleep(0.1)

    def close(self) -> None:
        """End what was started, as Ctrl-C does, the last first."""
        for program in reversed(self.running):
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGINT)
            program.wait(30)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PATH": self.path,
            "JOBSAPI_PORT": self.ports["5000"],
            "API_PORT": self.ports["5000"],
            "PYTHONUNBUFFERED": "1",
        }

    def _resumed(self) -> str:
        """What brings a new shell to where the last command left the terminal: its folder and its variables."""
        return f'[ ! -e {self._state} ] || {{ . {self._state}; cd "$PWD_LEFT"; }}'

    @property
    def _state(self) -> Path:
        return self.folder / ".terminal"

    def _where(self) -> Path:
        if not self._state.exists():
            return self.folder
        [found] = re.findall(r'^declare -x PWD_LEFT="(.*)"$', self._state.read_text(), re.MULTILINE)
        return Path(found)

    def _output(self, command: str) -> tuple[str, int]:
        command = re.sub(r"(?<![\w-])curl ", "curl -sS ", command)
        leave = f"code=$?; export PWD_LEFT=$PWD; export -p > {self._state}; exit $code"
        done = subprocess.run(
            ["bash", "-c", f"{self._resumed()}\n{command}\n{leave}"],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=10 * self.patience,
            check=False,
        )
        return done.stdout, done.returncode

    def _here(self, text: str) -> str:
        for shown, real in self.known.items():
            text = text.replace(shown, real)
        return re.sub(rf"\b({'|'.join(self.ports)})\b", lambda found: self.ports[found[1]], text)

    def _fits(self, shown: list[str], said: str) -> bool:
        """Whether the output is what the page shows; ids that the page shows for the first time are noted."""
        if not any(shown):
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
