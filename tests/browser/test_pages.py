"""Every page: readable by everybody in light and dark, at every width, by keyboard alone; and kept as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import AXE, SHOTS, SIZES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Serve

    Open = Callable[..., Any]

pytestmark = pytest.mark.slow

PAGES = ("overview", "jobs", "job", "failed", "running", "family", "submit", "data", "batches", "schedules")
IN_README = 1280


@pytest.fixture(scope="module")
def lived_in(served: Serve) -> dict[str, str]:
    """The addresses of the pages of a system that has something of everything to show."""
    client = served.client()
    walk = client.add_job("walk", {"steps": 120, "seconds": 1.0}, tags=["weather", "daily"])
    failed = [client.add_job("broken", {"name": name}) for name in ("temperature", "snow", "wind")]
    for kind in ("csv", "json", "number"):
        client.add_job("kind_of", {"kind": kind}, tags=["daily"])
    client.add_jobs([{"task": "kind_of", "params": {"kind": "number"}, "tags": ["sweep"]} for _ in range(12)])
    running = client.add_job("slow", {"seconds": 400.0})
    client.add_job("slow", {"seconds": 90.0}, delay=3600)
    middle = client.add_job("walk", {}, after=[walk.id], after_any=[running.id])
    for name in ("temperature", "snow"):
        client.add_job("broken", {"name": name}, after=[middle.id], tags=["daily"])
    client.pause_queue("night")
    client.add_jobs([{"task": "walk", "params": {"steps": n}, "queue": "night"} for n in (10, 20)])
    rows = [{"id": n, "town": f"Town {n % 7}", "rain": n * 37 % 101} for n in range(200)]
    client.load_data(rows)
    for each in (walk, *failed):
        client.wait_for_job(each.id, 60)
    paths = {name: name for name in PAGES} | {"overview": "", "submit": "submit?task=walk"}
    paths |= {"job": f"jobs/{walk.id}", "failed": f"jobs/{failed[0].id}", "running": f"jobs/{running.id}"}
    paths["family"] = f"jobs/{middle.id}"
    return {name: f"{served.url}/#/{path}" for name, path in paths.items()}


def at_rest(page: Any) -> None:
    """The page has a title and is told what it shows, by the stream or otherwise."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Connecting")).to_have_count(0)
    page.wait_for_load_state("load")
    expect(page.get_by_text("Loading …")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(lived_in: dict[str, str], open_page: Open, name: str, scheme: str) -> None:
    page = open_page(lived_in[name], 1280, scheme, reduced_motion="reduce")
    at_rest(page)
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in serious] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_page(
    lived_in: dict[str, str], open_page: Open, name: str, width: int, scheme: str
) -> None:
    page = open_page(lived_in[name], width, scheme, reduced_motion="reduce")
    at_rest(page)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["overview", "job"])
def test_the_pictures_of_the_readme_are_taken(lived_in: dict[str, str], open_page: Open, name: str) -> None:
    page = open_page(lived_in[name], IN_README, reduced_motion="reduce")
    at_rest(page)
    picture = SHOTS / f"{name}-{IN_README}-light.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=picture)
    assert picture.stat().st_size > 10_000


def test_everything_can_be_reached_and_done_by_keyboard_alone(
    lived_in: dict[str, str], served: Serve, open_page: Open
) -> None:
    job = served.client().add_job("slow", {"seconds": 300.0}, queue="night")
    page = open_page(lived_in["overview"])
    at_rest(page)
    keys = page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    _tab_to(page, page.get_by_role("link", name="Jobs", exact=True), "Shift+Tab")  # it stands before the content
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Jobs", level=1)).to_be_visible()
    keys.press("/")
    expect(page.get_by_label("Words in parameters or error")).to_be_focused()
    keys.type(job.id)
    row = page.locator(".jobs tbody tr")
    expect(row).to_have_count(1)
    _tab_to(page, row.get_by_role("link").first)
    keys.press("Enter")
    expect(page.get_by_role("heading", name="slow", level=1)).to_be_visible()
    _tab_to(page, page.get_by_role("button", name="Cancel"))
    keys.press("Enter")
    expect(page.get_by_role("heading", name="slow", level=1)).to_contain_text("cancelled")
    _tab_to(page, page.get_by_role("button", name="Remove"))
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def _tab_to(page: Any, target: Any, key: str = "Tab") -> None:
    """Press that key until it has the focus: no more than some places lie before it."""
    expect(target).to_be_visible()
    passed = []
    for _ in range(25):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
        passed.append(page.evaluate("document.activeElement.outerHTML.slice(0, 80)"))
    raise AssertionError(f"{target} is not reached by Tab, but these are: {passed}")
