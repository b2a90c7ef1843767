"""The site is built strictly from the pages in docs/, has all of them, and asks no other host for anything."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT

CONFIG = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    command = [str(Path(sys.executable).parent / "zensical"), "build", "--strict", "--clean"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


class _Fetched(HTMLParser):
    """The addresses of what a browser fetches by itself to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.classes |= set((given.get("class") or "").split())
        if tag in {"script", "img", "iframe", "source", "video", "audio", "embed"}:
            self.addresses.append(given.get("src") or "")
        elif tag == "link" and given.get("rel") not in {"canonical", "next", "prev"}:
            self.addresses.append(given.get("href") or "")


def _pages_of(nav: list) -> list[str]:
    found = []
    for each in nav:
        value = next(iter(each.values())) if isinstance(each, dict) else each
        found += _pages_of(value) if isinstance(value, list) else [value]
    return found


def test_every_page_stands_in_the_navigation_once():
    shown = _pages_of(CONFIG["nav"])
    assert sorted(shown) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def test_the_site_is_built_without_a_warning_and_has_every_page(site):
    for page in DOCS.rglob("*.md"):
        assert (site / page.relative_to(DOCS)).with_suffix(".html").is_file(), page


def test_no_page_of_the_site_asks_another_host_for_anything(site):
    for page in site.rglob("*.html"):
        seen = _Fetched()
        seen.feed(page.read_text())
        assert not [each for each in seen.addresses if re.match(r"(\w+:)?//", each)], page
        # these make the theme's script fetch a library from elsewhere
        assert not seen.classes & {"mermaid", "glightbox", "pyodide"}, page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", style.read_text()), style


def test_every_link_between_the_pages_leads_somewhere_when_they_are_read_as_files():
    for page in PAGES:
        text = re.sub(r"^ *```.*?^ *```$|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if not re.match(r"https?://|mailto:", link):
                assert (page.parent / link).exists(), f"{page.name}: {link}"
