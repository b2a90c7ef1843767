"""`POST /jobs` beside open event streams, on one API process: why granian's threads may be held, and what that costs.

    python -m benchmarks.held [STREAMS]

Each stream is of one of 50 jobs that say once a second how far they are.
"""

from __future__ import annotations

import contextlib
import http.client
import multiprocessing
import selectors
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from jobsapi import jobs, registry
from jobsapi.server import run_api
from jobsapi.settings import Settings
from jobsapi.store import connect
from jobsapi.tasks import Task

ROUNDS, SECONDS, CLIENTS, WATCHED = 3, 4.0, 8, 50
BODY = b'{"task": "nothing", "params": {"n": 1}}'


def nothing(n: int) -> None:
    """A task that nobody runs here."""


def tell(settings: Settings, ids: list[str], stop: Any) -> None:
    """A worker's part: each of these jobs says once a second how far it is."""
    store = connect(settings)
    claims = jobs.claim_jobs(store, "w", {"watched": ["nothing"]}, len(ids), 600.0)
    fraction = 0.0
    while not stop.wait(1):
        fraction += 0.001
        for each in claims:
            jobs.report_progress(store, each.id, each.token, fraction, "going on")


def hold(port: int, count: int, ids: list[str]) -> list[socket.socket]:
    """So many streams of these jobs' events, each of which has given its first one."""
    held = []
    for i in range(count):
        stream = socket.create_connection(("127.0.0.1", port))
        stream.sendall(f"GET /jobs/{ids[i % len(ids)]}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        held.append(stream)
    for stream in held:
        came = b""
        while b"event: status" not in came:
            came += (piece := stream.recv(4096))
            assert piece, came
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
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings = Settings(folder=Path(folder), port=probe.getsockname()[1], max_streams=streams)
        probe.close()
        store = connect(settings)
        registry.publish(store, [Task("nothing", nothing).described()])
        ids = [jobs.add_job("nothing", {"n": 1}, queue="watched", store=store).id for _ in range(WATCHED)]
        stop = spawn.Event()
        processes = [
            spawn.Process(target=run_api, args=(settings,)),
            spawn.Process(target=tell, args=(settings, ids, stop)),
        ]
        for each in processes:
            each.start()
        try:
            wait_for(settings.port)
            print("open streams   POST /jobs per s   p50 ms   p99 ms   API's memory, MB")
            for _ in range(ROUNDS):
                for count in (0, streams):
                    held = hold(settings.port, count, ids)
                    drain = threading.Thread(target=read_all, args=(held,))
                    drain.start()
                    rate, p50, p99 = measure(settings.port)
                    memory = resident_mb(processes[0].pid or 0)
                    print(f"{count:12} {rate:19,.0f} {p50:8.1f} {p99:8.1f} {memory:18,.0f}", flush=True)
                    for stream in held:
                        stream.shutdown(socket.SHUT_RDWR)
                    drain.join()
                    time.sleep(2)  # those who are gone are noticed
        finally:
            stop.set()
            processes[0].terminate()
            for each in processes:
                each.join()
            store.close()


def read_all(streams: list[socket.socket]) -> None:
    """Read what comes until they are closed."""
    with selectors.DefaultSelector() as selector:
        for each in streams:
            selector.register(each, selectors.EVENT_READ)
        left = len(streams)
        while left:
            for key, _ in selector.select():
                stream = key.fileobj
                assert isinstance(stream, socket.socket)
                if not stream.recv(65536):
                    selector.unregister(stream)
                    stream.close()
                    left -= 1


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
