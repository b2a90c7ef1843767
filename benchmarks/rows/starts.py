"""How soon things are there, and what an idle worker costs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from benchmarks.catalogue import OURS
from benchmarks.drivers import PEERS, Failed, driving, stop
from benchmarks.processes import cpu_seconds, family
from benchmarks.server import free_port, fresh_server

if TYPE_CHECKING:
    from benchmarks.rows import Size

ROUNDS = 3
IMPORT = "import time; at = time.perf_counter(); import jobsapi; print(time.perf_counter() - at)"


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Seconds; % of one core."""
    assert round_number >= 0
    times = size.of(5, 1)
    return {
        "start": {
            "worker start to first job's end": statistics.median(_worker() for _ in range(times)),
            "import jobsapi": statistics.median(_import() for _ in range(times)),
            "jobsapi serve to ready": statistics.median(_serve() for _ in range(times)),
        },
        "idle": {"worker": _idle(size.of(20.0, 4.0))},
    }


def _worker() -> float:
    with fresh_server() as server, driving(OURS, server) as driver:
        driver.ask("bulk", count=1)
        began = time.perf_counter()
        with driver.worker("processes"):
            while driver.finished(0) < 1:
                if time.perf_counter() - began > 30:
                    raise Failed(f"no job was run: {driver.said()}")
                time.sleep(0.002)
            return time.perf_counter() - began


def _import() -> float:
    return float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout)


def _serve() -> float:
    """With the embedded server, in an empty folder."""
    with tempfile.TemporaryDirectory(prefix="jb-") as folder:
        port = free_port()
        command = [sys.executable, "-m", "jobsapi", "serve", str(PEERS / "app.py"), "--port", str(port)]
        env = {name: value for name, value in os.environ.items() if not name.startswith(("REDIS_", "JOBSAPI_"))}
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            while not _is_ready(port):
                if time.perf_counter() - began > 30:
                    raise Failed("jobsapi serve does not get ready")
                time.sleep(0.005)
            return time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(60)
            stop(process)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.HTTPError, OSError):
        return False


def _idle(seconds: float) -> float:
    """CPU of a worker with two children that has nothing to do, all its processes, % of one core."""
    with fresh_server() as server, driving(OURS, server) as driver, driver.worker("processes") as process:
        driver.ask("latency", count=1, pause=0.0, seconds=1.0)
        time.sleep(1.0)
        pids = family(process.pid)
        used, began = cpu_seconds(pids), time.perf_counter()
        time.sleep(seconds)  # this is what is measured: time passing
        return 100 * (cpu_seconds(family(process.pid)) - used) / (time.perf_counter() - began)
