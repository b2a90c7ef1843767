"""The page about the client does what it shows, in order, in an empty folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.client.pages import DOCS, commands, write_files
from tests.docs.console import Console, Step
from tests.system import free_port

PAGE = (DOCS / "python-client.md").read_text()


@pytest.fixture
def console(tmp_path):
    made = Console(tmp_path, free_port(), f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    yield made
    made.close()


def test_the_pages_programs_show_what_it_shows(console):
    write_files(PAGE.replace("127.0.0.1:5000", f"127.0.0.1:{console.port}"), console.folder)
    for command, shown in commands(PAGE):
        if command.startswith("jobsapi serve"):
            console.start(Step(command, shown))
        else:
            console.run(Step(command, shown))
