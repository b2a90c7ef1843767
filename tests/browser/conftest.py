"""A real Chromium, a real system beside it, and pages that must not complain."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.forms import forms, forms_system  # noqa: F401 - fixtures
from tests.cli.conftest import Serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APP = Path(__file__).with_name("app.py")
SHOTS = Path(__file__).parents[2] / "out" / "screenshots"
"""Where every page is kept as a picture: the output of a run, ignored by git."""

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SIZES = {360: 780, 1600: 1000}


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; without one these tests are left out, but not where everything is to be tested."""
    if not CHROMIUM:
        if os.environ.get("CI") == "true":
            pytest.fail("There is no chromium on this machine; install it, or name one in CHROMIUM.")
        pytest.skip("There is no chromium on this machine; install it, or name one in CHROMIUM.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield made
        made.close()


@pytest.fixture(scope="session")
def served() -> Iterator[Serve]:
    """A system that `jobsapi serve` started, for all tests that only look at it and post to it."""
    with tempfile.TemporaryDirectory(prefix="page ", ignore_cleanup_errors=True) as path:
        made = Serve(Path(path).resolve(), str(APP), "--concurrency", "3")
        try:
            yield made.until_ready()
            for job in made.client().list_jobs(status="in progress"):
                made.client().cancel_job(job.id)  # a worker whose `serve` is killed gives what runs its grace time
        finally:
            made.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the pages of a test complained of."""
    return []


@pytest.fixture
def open_page(browser: Any, complaints: list[str]) -> Iterator[Callable[..., Any]]:
    """Open pages: `open_page(address, width, scheme)`. Nothing may be refused by the policy, and no script may fail."""
    contexts: list[Any] = []

    def opened(address: str, width: int = 1280, scheme: str = "light", **more: Any) -> Any:
        size = {"width": width, "height": SIZES.get(width, 900)}
        contexts.append(browser.new_context(viewport=size, color_scheme=scheme, **more))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if _is_complaint(line) else None)
        page.goto(address)
        return page

    yield opened
    for each in contexts:
        each.close()
    assert complaints == []


def _is_complaint(line: Any) -> bool:
    """Whether it is about the page: of every refusal of the API and of its absence the browser tells by itself."""
    return line.type == "error" and not line.text.startswith("Failed to load resource")


@pytest.fixture
def page(open_page: Callable[..., Any]) -> Any:
    """One page, with nothing in it yet."""
    return open_page("about:blank")
