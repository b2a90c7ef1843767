"""What the tests of pages share: a reader at a terminal in an empty folder."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator


PORTS = ("5000", "8000", "8001", "8080")
"""That pages name."""


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in PORTS]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        ports = {shown: str(probe.getsockname()[1]) for shown, probe in zip(PORTS, probes, strict=True)}
    made = Console(tmp_path, ports, f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    yield made
    made.close()
