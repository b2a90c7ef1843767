"""A proxy between a client and a server: it slows the link down, stalls it, cuts it, and loses replies."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Proxy", "a_proxy"]

_LONGEST_STALL = 120.0


class _Link:
    """One connection with its way on: bytes are pumped in both directions by a thread each."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._loses_reply = False
        self.is_cut = False
        for pump in (self._forth, self._back):
            threading.Thread(target=pump, daemon=True).start()

    def cut(self) -> None:
        """Close both ends at once."""
        self.is_cut = True
        for each in (self._client, self._server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _forth(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(65536):
                self._loses_reply = self._loses_reply or self._proxy.loses(data)
                self._proxy.carry()
                self._server.sendall(data)
        self.cut()

    def _back(self) -> None:
        with suppress(OSError):
            while (data := self._server.recv(65536)) and not self._loses_reply:
                self._proxy.carry()
                self._client.sendall(data)
        self.cut()


class Proxy:
    """Listens on a port of 127.0.0.1 and passes on to `target`, a Unix socket or such a port.

    `delay`: seconds that what is sent takes, each way. A reply is lost where the request was heard and carried out,
    what it answers is swallowed, and the connection is cut.
    """

    def __init__(self, target: Path | int) -> None:
        self._target = target
        self.delay = 0.0
        self.lost = 0
        self._rules: list[tuple[bytes, bool]] = []
        self._chance, self._among, self._random = 0.0, b"", random.Random()
        self._open = threading.Event()
        self._open.set()
        self._links: list[_Link] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_reply(self, words: bytes, times: int = 1) -> None:
        """The reply to the next request with these bytes in it is lost, so many times, and then that to one is not."""
        self._rules += [(words, True)] * times + [(words, False)]

    def lose_replies(self, part: float, among: bytes, seed: int) -> None:
        """So many (0 to 1) of the replies to requests with these bytes in them are lost."""
        self._chance, self._among, self._random = part, among, random.Random(seed)

    def stall(self) -> None:
        """Nothing gets through any more; nobody is told."""
        self._open.clear()

    def resume(self) -> None:
        """It gets through now, late."""
        self._open.set()

    def cut(self) -> None:
        """Close every connection."""
        links, self._links = self._links, []
        for each in links:
            each.cut()

    def close(self) -> None:
        """No more connections."""
        self._listening.close()
        self._open.set()
        self.cut()

    # --- What links ask ---------------------------------------------------------------------------------------------

    def loses(self, data: bytes) -> bool:
        """Whether the reply to this request shall be lost."""
        for rule in self._rules:
            if rule[0] in data:
                self._rules.remove(rule)
                self.lost += rule[1]
                return rule[1]
        if self._chance and self._among in data and self._random.random() < self._chance:
            self.lost += 1
            return True
        return False

    def carry(self) -> None:
        """Return when what was sent has come."""
        if self.delay:
            time.sleep(self.delay)
        self._open.wait(_LONGEST_STALL)

    def _accept(self) -> None:
        while self._listening.fileno() >= 0:
            with suppress(OSError):
                client = self._listening.accept()[0]
                if isinstance(self._target, int):
                    server = socket.create_connection(("127.0.0.1", self._target))
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                else:
                    server = socket.socket(socket.AF_UNIX)
                    with suppress(OSError):
                        server.connect(str(self._target))
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._links = [each for each in self._links if not each.is_cut]
                self._links.append(_Link(self, client, server))


@contextmanager
def a_proxy(target: Path | int) -> Iterator[Proxy]:
    """A proxy to that place; its connections are cut at the end."""
    made = Proxy(target)
    try:
        yield made
    finally:
        made.close()
