"""`docs/reference-settings.md` is what the settings say of themselves.

`python -m tests.contract.test_settings_page` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from jobsapi import settings

PAGE = Path(__file__).parents[2] / "docs" / "reference-settings.md"

HEAD = """# Settings

Every variable, read once when a process starts. Sizes are bytes, times seconds.

| variable | default | what it does |
| --- | --- | --- |
"""


def page() -> str:
    """The page, as the settings are now."""
    rows = [
        f"| `{variable}` | {f'`{default}`' if default else '(not set)'} | {told.replace('|', chr(92) + '|')} |\n"
        for variable, default, told in settings.documented()
    ]
    return HEAD + "".join(rows)


def test_the_page_of_settings_is_what_the_settings_say():
    assert PAGE.read_text() == page(), "`make docs` writes it anew"


if __name__ == "__main__":
    PAGE.write_text(page())
