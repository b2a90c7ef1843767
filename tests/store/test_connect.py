"""A server that cannot keep what the settings promise is refused at the start, with what to set."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobsapi.errors import SetupError
from jobsapi.settings import Settings
from jobsapi.store import client_for, connect
from tests.conftest import server_binary

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server of the test's own, which writes an append-only file every second."""
    with tempfile.TemporaryDirectory(prefix="jt-") as folder:
        address = Path(folder) / "s"
        command = [server_binary(request.config), "--port", "0", "--unixsocket", str(address), "--dir", folder]
        ready = "ready to accept connections"
        with subprocess.Popen([*command, "--appendonly", "yes"], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            assert any(ready in line.lower() for line in server.stdout)
            yield f"unix://{address}"
            server.terminate()
            server.stdout.read()


def test_durability_always_needs_a_server_that_syncs_before_it_answers(url: str) -> None:
    always = Settings(redis_url=url, durability="always")
    with pytest.raises(SetupError, match=r"appendfsync everysec.*CONFIG SET appendfsync always"):
        connect(always)
    connect(Settings(redis_url=url)).close()
    client = client_for(url)
    client.config_set("appendfsync", "always")
    connect(always).close()
    client.config_set("appendonly", "no")
    with pytest.raises(SetupError, match="appendonly no"):
        connect(always)
    client.close()


def test_a_server_that_does_not_tell_is_not_believed(url: str) -> None:
    client = client_for(url)
    client.execute_command("ACL", "SETUSER", "plain", "on", ">word", "~*", "&*", "+@all", "-config")
    client.close()
    with pytest.raises(SetupError, match="appendfsync unknown"):
        connect(Settings(redis_url=url.replace("unix://", "unix://plain:word@"), durability="always"))
