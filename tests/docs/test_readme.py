"""The README's commands do what it shows, in order, in an empty folder."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.docs.pages import ROOT, Step, steps

PAGE = (ROOT / "README.md").read_text()
ELSEWHERE = ("make ", "docker compose", "APP=")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour needs curl")
def test_the_tour_shows_what_the_readme_shows(console):
    console.read(PAGE, lambda command: command.startswith(ELSEWHERE))


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
