"""Batches and schedules in the page, and the token that it asks for once."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.cli.conftest import Serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.forms import Forms


def test_a_batch_tells_how_far_it_is_and_shows_its_results_as_a_table(forms: Forms):
    batch = forms.client.add_sweep("free", {"a": [1, 2, 3]}, {"b": "<b>"})
    forms.client.wait_for_batch(batch.id, 30)
    page = forms.open("batches")
    expect(page.get_by_role("row", name=batch.id)).to_contain_text("3 complete")
    page.get_by_role("link", name=batch.id).click()
    expect(page.get_by_role("heading", name="All have ended")).to_be_visible()
    table = page.get_by_role("region", name="Results, a row a job").get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(4)
    expect(table.get_by_role("row").nth(2)).to_contain_text("<b>")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    assert download.value.suggested_filename == f"{batch.id}.csv"
    lines = Path(download.value.path()).read_text().splitlines()
    assert (len(lines), lines[0].split(",")[:3]) == (4, ["id", "status", "reason"])


def test_a_batch_is_cancelled_after_a_question(forms: Forms):
    batch = forms.client.add_sweep("free", {"a": [1, 2]}, delay=3600)
    page = forms.open(f"batches/{batch.id}")
    expect(page.get_by_text("2 scheduled")).to_be_visible()
    page.get_by_role("button", name="Cancel all").click()
    expect(page.get_by_role("dialog")).to_contain_text("Cancel 2 jobs?")
    page.get_by_role("button", name="Cancel them").click()
    expect(page.get_by_text("2 cancelled")).to_be_visible()
    assert forms.client.get_batch(batch.id).counts["cancelled"] == 2


def test_a_schedule_is_made_shown_and_removed(forms: Forms):
    page = forms.open("schedules/new?task=draw")
    page.get_by_label("Name", exact=True).fill("each morning")
    page.get_by_label("by the clock (cron)").check()
    page.get_by_label("Cron expression").fill("0 6 * *")
    make = page.get_by_role("button", name="Make the schedule")
    make.click()
    expect(page.get_by_text("has five parts")).to_be_visible()
    expect(page.get_by_text("has 1 to 100 letters")).to_be_visible()
    expect(page.get_by_text("is required")).to_have_count(2)
    page.get_by_label("Name", exact=True).fill("each-morning")
    page.get_by_label("Cron expression").fill("61 6 * * *")
    forms.field("start").fill("1")
    forms.field("end").fill("5")
    make.click()
    expect(page.get_by_label("Cron expression")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Cron expression").fill("0 6 * * 1-5")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    make.click()
    row = page.get_by_role("row", name="each-morning")
    expect(row).to_contain_text("0 6 * * 1-5")
    expect(row).to_contain_text("start=1")
    page.get_by_role("button", name="Remove each-morning").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(row).to_have_count(0)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[Serve, str]]:
    """A system that listens for others too, and its token."""
    app = Path(__file__).with_name("form_app.py")
    from tests.cli.conftest import run

    token = run("token", "create", "mine", cwd=tmp_path).stdout.strip()
    made = Serve(tmp_path, str(app), "--host", "0.0.0.0")
    try:
        yield made.until_ready(), token
    finally:
        made.close()


def test_the_token_is_asked_for_once_and_kept_for_the_tab(page: Any, guarded: tuple[Serve, str]):
    system, token = guarded
    page.goto(f"{system.url}/#/submit?task=draw")
    asked = page.get_by_label("Token")
    asked.fill("ja_wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This token is not known.")).to_be_visible()
    asked.fill(token)
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("start", exact=True).fill("0")
    page.get_by_label("end", exact=True).fill("3")
    expect(page.locator(".calls pre")).to_contain_text('Authorization: Bearer $JOBSAPI_TOKEN"')
    assert token not in page.content()
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile("#/jobs/"))
    page.reload()
    expect(page.get_by_role("heading", name=re.compile("draw"))).to_be_visible()
    assert os.environ.get("JOBSAPI_TOKEN") is None
