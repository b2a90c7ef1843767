"""`POST /jobs` beside open streams, on one API process: why granian's threads may be held, and what that costs.

    python -m benchmarks.held [STREAMS]

The application is the real one, with one route more that streams a line every second, as an event stream does.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import multiprocessing
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jobsapi import registry
from jobsapi.api import create_app
from jobsapi.settings import Settings
from jobsapi.store import connect
from jobsapi.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

ROUNDS, SECONDS, CLIENTS = 3, 4.0, 8
BODY = b'{"task": "nothing", "params": {"n": 1}}'


def nothing(n: int) -> None:
    """A task that nobody runs here."""


def load(settings: Settings) -> Flask:
    """The application with the route that is held."""
    app = create_app(settings)

    @app.get("/held")
    def held() -> Iterator[bytes]:
        yield b": open\n\n"
        for _ in range(120):  # a reader who is gone is noticed at the next write
            threading.Event().wait(1)
            yield b": still here\n\n"

    return app


def serve(settings: Settings, threads: int) -> None:
    """One API process with so many threads."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        "held",
        port=settings.port,
        interface=Interfaces.WSGI,
        blocking_threads=threads,
        backpressure=4096,
        log_level=LogLevels.error,
    ).serve(target_loader=functools.partial(load, settings), wrap_loader=False)


def hold(port: int, count: int) -> list[socket.socket]:
    """So many streams, each of which has given its first line."""
    held = []
    for _ in range(count):
        stream = socket.create_connection(("127.0.0.1", port))
        stream.sendall(b"GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n")
        held.append(stream)
    for stream in held:
        while b": open" not in stream.recv(4096):
            pass
    return held


def measure(port: int) -> tuple[float, float, float]:
    """(requests a second, median ms, 99th percentile ms) of POST /jobs."""
    took: list[float] = []
    end = time.perf_counter() + SECONDS

    def post() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while (start := time.perf_counter()) < end:
            connection.request("POST", "/jobs", BODY)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 202, answer.status
            took.append(time.perf_counter() - start)

    clients = [threading.Thread(target=post) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    took.sort()
    return len(took) / SECONDS, 1000 * statistics.median(took), 1000 * took[len(took) * 99 // 100]


def resident_mb(pid: int) -> float:
    """Of a process and its children."""
    pids = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        pids += [int(each) for each in (task / "children").read_text().split()]
    return sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in pids) * 4096 / 1e6


def main() -> None:
    """Rounds without and with the streams, one after the other."""
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = Settings(folder=Path(folder), port=probe.getsockname()[1])
        probe.close()
        store = connect(settings)
        registry.publish(store, [Task("nothing", nothing).described()])
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(settings, streams + 64))
        server.start()
        try:
            wait_for(settings.port)
            print("open streams   POST /jobs per s   p50 ms   p99 ms   API's memory, MB")
            for _ in range(ROUNDS):
                for count in (0, streams):
                    held = hold(settings.port, count)
                    rate, p50, p99 = measure(settings.port)
                    memory = resident_mb(server.pid or 0)
                    print(f"{count:12} {rate:19,.0f} {p50:8.1f} {p99:8.1f} {memory:18,.0f}", flush=True)
                    for stream in held:
                        stream.close()
        finally:
            server.terminate()
            server.join()
            store.close()


def wait_for(port: int) -> None:
    """Until somebody listens."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)
    raise RuntimeError("the API did not start")


if __name__ == "__main__":
    main()
