"""What the tests of the page's forms share: a system whose tasks have parameters of every kind, and its page."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import Serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["WHOLE", "Forms", "forms", "forms_system"]

APP = Path(__file__).with_name("form_app.py")

WHOLE = {
    "count": 5,
    "name": 'it\'s <b> & "more"',
    "ratio": -1.5e-7,
    "big": 9007199254740993,
    "fast": True,
    "sure": False,
    "note": "$HOME `ls` \\n",
    "text": "two\nlines, 'quoted'",
    "mode": "best",
    "colour": "blue",
    "level": 3,
    "day": "2026-01-31",
    "at": "2026-01-31T12:00:00Z",
    "price": "1.10",
    "ident": "12345678-1234-1234-1234-123456789abc",
    "either": "null",
    "place": {"x": 1, "y": 2.5, "label": "!here"},
    "shape": {"kind": "box", "width": 1, "height": 2},
    "weights": [1, 2.5],
    "points": [{"x": 1, "y": 2}, {"x": 3, "y": 4}],
    "pair": [1, "z"],
    "labels": {"a": 1, "b/~": 2},
    "tree": {"name": "r", "branches": [{"name": "s", "branches": [{"name": "t"}]}]},
    "anything": {"q": [1, None, "x"]},
    "code": "xyz",
}
"""A value for every parameter of the task `kinds`, none of them its default."""


class Forms:
    """The page of a system, and the system's API."""

    def __init__(self, page: Any, system: Serve) -> None:
        self.page, self.system, self.client = page, system, system.client()
        self.sent: list[Any] = []
        page.on("request", self._note)

    def _note(self, request: Any) -> None:
        if request.method == "POST" and request.url.endswith("/jobs"):
            self.sent.append(json.loads(request.post_data))

    def open(self, view: str) -> Any:
        self.page.goto(f"{self.system.url}/#/{view}")
        return self.page

    def field(self, name: str, within: Any = None) -> Any:
        return (within or self.page).get_by_label(name, exact=True)

    def group(self, name: str) -> Any:
        return self.page.get_by_role("group", name=name, exact=True)

    def submit(self) -> Any:
        """Press the button; the job that the page leads to."""
        self.page.locator("button[type=submit]").click()
        self.page.wait_for_url(re.compile("#/jobs/"))
        return self.client.get_job_by_id(self.page.url.rpartition("/")[2])

    def shown(self, kind: str) -> str:
        """The text of the call of that kind."""
        calls = self.page.get_by_role("region", name="The same from elsewhere")
        calls.get_by_role("button", name=kind, exact=True).click()
        return str(calls.locator("pre").inner_text())

    def module(self, name: str, body: str, argument: Any = None) -> Any:
        """What a function's body gives with a module of the page, `m`, and an argument, `a`."""
        script = self.page.locator("script[type=module]").get_attribute("src").removesuffix("app.js")
        text = f"async (a) => {{ const m = await import(new URL('{script}lib/{name}', document.baseURI)); {body} }}"
        return self.page.evaluate(text, argument)


@pytest.fixture(scope="session")
def forms_system() -> Iterator[Serve]:
    """One system for all of them."""
    with tempfile.TemporaryDirectory(prefix="forms ", ignore_cleanup_errors=True) as path:
        made = Serve(Path(path).resolve(), str(APP), "--concurrency", "2")
        try:
            yield made.until_ready()
        finally:
            made.close()


@pytest.fixture
def forms(page: Any, forms_system: Serve) -> Forms:
    """Its page, with nothing in it yet."""
    return Forms(page, forms_system)
