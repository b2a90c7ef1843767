"""A primary with replicas, and a Sentinel that makes one of them the primary when it dies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from redis.exceptions import RedisError

from tests.system import until
from tests.system.server import Server, a_server

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Family", "a_family"]


class Family:
    """The servers, and the Sentinel they are known to."""

    def __init__(self, binary: str, folder: Path, servers: list[Server], ports: tuple[int, int]) -> None:
        """`ports`: of the Sentinel, and one on which nobody listens."""
        self.servers = servers
        self._sentinel = redis.Redis(port=ports[0], protocol=2, socket_timeout=5)
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {ports[0]}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor mymaster 127.0.0.1 {servers[0].port} 1\n"
            "sentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 4000\n"
        )
        self.url = f"redis+sentinel://127.0.0.1:{ports[1]},127.0.0.1:{ports[0]}/mymaster"
        with (folder / "sentinel.log").open("wb") as log:
            self.process = subprocess.Popen(
                [binary, str(config), "--sentinel"], stdout=log, stderr=log, start_new_session=True
            )
        until("the Sentinel knows every server", self._knows_all)

    @property
    def primary(self) -> Server:
        """Whom the Sentinel names."""
        _, port = self._sentinel.sentinel_get_master_addr_by_name("mymaster")
        return next(each for each in self.servers if each.port == int(port))

    def kill_primary(self) -> Server:
        """SIGKILL, at once; who it was."""
        was = self.primary
        was.kill()
        return was

    def until_failover(self, was: Server) -> Server:
        """The new primary, as soon as it takes writes."""
        until("the Sentinel names another", lambda: self.primary is not was, 60)
        now = self.primary
        until("it is the primary", lambda: now.call("INFO", "replication")["role"] == "master")
        return now

    def restart(self, server: Server) -> None:
        """Start a server that was killed; returns when it has what the primary has."""
        server.start()
        until("it is a replica", lambda: self.is_in_sync(server), 60)

    def stop(self, server: Server) -> None:
        """SIGSTOP: it hears nothing and says nothing."""
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGSTOP)

    def go_on(self, server: Server) -> None:
        """SIGCONT."""
        assert server.process is not None
        os.kill(server.process.pid, signal.SIGCONT)

    def close(self) -> None:
        self._sentinel.close()
        self.process.kill()
        self.process.wait(10)

    def is_in_sync(self, server: Server) -> bool:
        """Whether it is a replica that hears its primary."""
        with suppress(RedisError):
            told = server.call("INFO", "replication")
            return told["role"] == "slave" and told["master_link_status"] == "up"
        return False

    def _knows_all(self) -> bool:
        with suppress(RedisError):
            known = self._sentinel.sentinel_master("mymaster")
            return known["num-slaves"] == len(self.servers) - 1 and all(map(self.is_in_sync, self.servers[1:]))
        return False


@contextmanager
def a_family(binary: str, ports: list[int], *options: str) -> Iterator[Family]:
    """A primary and replicas on all of the ports but the last two, which are the Sentinel's and nobody's."""
    folder = Path(tempfile.mkdtemp(prefix="jt-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        first, *others = ports[:-2]
        servers = [stack.enter_context(a_server(binary, "--appendfsync", "everysec", *options, port=first))]
        follow = ("--replicaof", f"127.0.0.1 {first}", "--repl-diskless-sync-delay", "0")
        servers += [
            stack.enter_context(a_server(binary, "--appendfsync", "everysec", *options, *follow, port=port))
            for port in others
        ]
        family = Family(binary, folder, servers, (ports[-2], ports[-1]))
        stack.callback(family.close)
        yield family
