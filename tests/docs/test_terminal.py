"""The page about the terminal: its commands do what it shows, in order, in an empty folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.docs.console import Console, steps
from tests.system import free_port

PAGE = (Path(__file__).parent.parent.parent / "docs" / "terminal.md").read_text()


@pytest.fixture
def console(tmp_path):
    made = Console(tmp_path, free_port(), f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    yield made
    made.close()


def test_the_session_shows_what_the_page_shows(console):
    for step in steps(PAGE):
        if step.command.startswith("jobsapi serve"):
            console.start(step)
        else:
            console.run(step)
