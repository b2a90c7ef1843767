"""The README's commands do what it shows, in order, in an empty folder."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from pathlib import Path

import pytest

from tests.docs.console import Console, Step, files, steps

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "README.md").read_text()
OF_THE_CLONE = ("make run", "make test")
IN_CONTAINERS = ("docker compose", "APP=")


@pytest.fixture
def console(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = Console(tmp_path, port, f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    yield made
    made.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour needs curl")
def test_the_tour_shows_what_the_readme_shows(console):
    for name, text in files(PAGE):
        (console.folder / name).write_text(text)
    for step in steps(PAGE):
        if step.command.startswith("jobsapi serve"):
            console.start(step)
        elif not step.command.startswith(OF_THE_CLONE + IN_CONTAINERS):
            console.run(step)


def test_make_run_shows_what_the_readme_shows(console):
    [step] = [each for each in steps(PAGE) if each.command == "make run"]
    [recipe] = re.findall(r"^run: .*\n\t@\$\(BIN\)/(.*) \$\(if", (ROOT / "Makefile").read_text(), re.MULTILINE)
    console.start(Step(recipe.replace("examples/", f"{ROOT}/examples/"), step.shown))
    plot = console.folder / "out" / "plot.png"
    assert plot.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_every_page_and_file_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_readmes_test_command_is_what_continuous_integration_runs():
    assert "$ make test" in PAGE
    assert re.search(r"^step make test$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
