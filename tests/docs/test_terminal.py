"""The page about the terminal: its commands do what it shows, in order, in an empty folder."""

from __future__ import annotations

from tests.docs.pages import DOCS


def test_the_session_shows_what_the_page_shows(console):
    console.read((DOCS / "terminal.md").read_text())
