"""HTTP servers to be measured, and wrk, the load generator (a C program: it is never what ends the rate)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.drivers import PEERS, Failed, python_of, stop
from benchmarks.server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.server import Server

OURS = "jobsapi"
THREADS = "64"
"""granian's blocking threads for the peers' Flask: as many as jobsapi's own API has. Fewer were not faster."""


@dataclass(frozen=True)
class Site:
    """An application in front of a queue, on one server process."""

    name: str
    environment: str
    module: str
    is_async: bool = False

    def command(self, port: int) -> list[str]:
        """What starts it, without the interpreter."""
        if self.name == OURS:
            return ["-m", "jobsapi", "api", "--port", str(port)]
        if self.is_async:
            return [
                "-m",
                "uvicorn",
                f"{self.module}:app",
                "--port",
                str(port),
                "--log-level",
                "error",
                "--no-access-log",
            ]
        granian = ["-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", THREADS]
        return [*granian, "--port", str(port), "--log-level", "error", f"{self.module}:app"]


SITES = (
    Site(OURS, "", ""),
    Site("Flask, bare push", "web", "web_flask_push"),
    Site("Flask + Celery", "celery", "web_flask_celery"),
    Site("Flask + RQ", "rq", "web_flask_rq"),
    Site("FastAPI + arq", "arq", "web_fastapi_arq", is_async=True),
    Site("FastAPI, bare push", "web", "web_fastapi_push", is_async=True),
)


@contextmanager
def running(site: Site, server: Server) -> Iterator[tuple[str, int]]:
    """The site, listening: its address and its process."""
    port = free_port()
    env = {**os.environ, "BENCH_URL": server.url, "REDIS_URL": server.url}
    with (server.folder / "web.log").open("ab") as log:
        process = subprocess.Popen(
            [python_of(site.environment), *site.command(port)],
            cwd=PEERS,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        if not answers(f"{url}/jobs", 20.0):
            raise Failed(f"{site.name} does not answer: {(server.folder / 'web.log').read_text()[-2000:]}")
        yield url, process.pid
    finally:
        stop(process)


def answers(url: str, seconds: float) -> bool:
    """Whether somebody answers there within that time, whatever it is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # an address of this machine
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.01)
        else:
            return True
    return False


@dataclass(frozen=True)
class Load:
    """What wrk measured."""

    rate: float
    p50: float
    """ms"""
    p99: float


def load(url: str, connections: int, seconds: float, *, body: bytes = b"", paths: list[str] | None = None) -> Load:
    """Requests a second from so many connections; POST with a body, else GET of the paths in turn. Raises Failed."""
    if not shutil.which("wrk"):
        raise Failed("wrk is not installed: apt-get install wrk")
    with TemporaryDirectory(prefix="jb-") as folder:
        script = _script(Path(folder), body, paths or [])
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency", "--timeout", "20s", "-s", script]
        told = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise Failed(f"{url}: {told[-400:]}")
    percentiles = {int(float(p)): _ms(v, unit) for p, v, unit in re.findall(r"([\d.]+)%\s+([\d.]+)(us|ms|s)\b", told)}
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert rate
    return Load(float(rate[1]), percentiles[50], percentiles[99])


def _ms(value: str, unit: str) -> float:
    return float(value) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def _script(folder: Path, body: bytes, paths: list[str]) -> str:
    script = folder / "wrk.lua"
    if body:
        (folder / "body").write_bytes(body)
        script.write_text(
            f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
            f'wrk.body = io.open("{folder}/body", "rb"):read("*a")\n'
        )
    else:
        (folder / "paths").write_text("\n".join(paths))
        script.write_text(
            f'local paths, at = {{}}, 0\nfor line in io.lines("{folder}/paths") do paths[#paths + 1] = line end\n'
            "request = function() at = at % #paths + 1 return wrk.format('GET', paths[at]) end\n"
        )
    return str(script)
