"""A job's page: what a person sees while it runs and when it has ended, and what they can do with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.app import NASTY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Serve

    Open = Callable[..., Any]

pytestmark = pytest.mark.slow


def address(served: Serve, jid: str) -> str:
    return f"{served.url}/#/jobs/{jid}"


def ended(served: Serve, task: str, **params: Any) -> str:
    """The id of a job of that task that has ended."""
    client = served.client()
    job = client.add_job(task, params)
    client.wait_for_job(job.id, 60)
    return str(job.id)


def test_progress_log_and_plot_appear_without_loading_the_page_again(served: Serve, open_page: Open) -> None:
    job = served.client().add_job("walk", {"steps": 40, "seconds": 4.0})
    page = open_page(address(served, job.id))
    page.evaluate("window.stays = true")
    expect(page.get_by_role("heading", name="walk", level=1)).to_contain_text("in progress")
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile("^[1-9]"))
    expect(page.get_by_text("to go")).to_be_visible()
    expect(page.get_by_role("region", name="Log").last).to_contain_text("step 30:")
    expect(page.get_by_role("heading", name="walk", level=1)).to_contain_text("complete")
    plot = page.get_by_role("img", name="The picture way")
    expect(plot).to_be_visible()
    assert plot.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    assert page.evaluate("window.stays") is True


def test_a_running_job_is_cancelled_by_its_button(served: Serve, open_page: Open) -> None:
    client = served.client()
    job = client.add_job("slow", {})
    page = open_page(address(served, job.id))
    expect(page.get_by_text("in progress").first).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="slow", level=1)).to_contain_text("cancelled")
    assert client.wait_for_job(job.id, 20).status == "cancelled"
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_an_error_shows_the_users_own_frames_the_innermost_first(served: Serve, open_page: Open) -> None:
    page = open_page(address(served, ended(served, "broken")))
    error = page.get_by_role("region", name="Error")
    expect(error).to_contain_text("KeyError: 'temperature'")
    frames = error.get_by_role("list", name="Where, innermost first").get_by_role("listitem")
    expect(frames.first).to_contain_text("_looked_up")
    expect(frames.first).to_contain_text("return rows[name]")
    expect(frames.nth(1)).to_contain_text("in broken")
    assert "solo.py" not in " ".join(frames.all_inner_texts())


def test_an_ended_job_is_run_again_retried_and_removed(served: Serve, open_page: Open) -> None:
    client, jid = served.client(), ended(served, "broken", name="snow")
    page = open_page(address(served, jid))
    expect(page.get_by_role("link", name="Run again with changes")).to_have_attribute(
        "href", f"#/submit?task=broken&from={jid}"
    )
    page.get_by_role("button", name="Run again", exact=True).click()
    page.wait_for_url(lambda url: "#/jobs/" in url and jid not in url)
    other = client.get_job_by_id(page.url.rpartition("/")[2])
    assert (other.task, other.params) == ("broken", {"name": "snow"})
    page.go_back()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("region", name="Attempts").first).to_be_visible()
    assert len(client.wait_for_job(jid, 20)["attempts"]) == 2
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    page.wait_for_url("**/#/jobs")
    assert jid not in [job.id for job in client.list_jobs(task="broken")]


EVERY_OPTION = {
    "queue": "long",
    "priority": 7,
    "tags": ["a", "b"],
    "max_attempts": 3,
    "backoff": {"base": 2, "factor": 3},
    "timeout": 70.5,
    "memory_mb": 900,
    "max_deliveries": 2,
    "expires_in": 600,
    "keep": 3600,
    "key": "one of them",
    "on_conflict": "return",
    "webhook": "https://hooks.example.org/ended",
}


def test_run_again_sends_all_that_the_first_submit_said_but_its_time(served: Serve, open_page: Open) -> None:
    client = served.client()
    parent = ended(served, "kind_of", kind="number")
    params = {"steps": 1, "seconds": 0.0, "title": "Again"}
    first = client.add_job("walk", params, after=[parent], delay=0.01, **EVERY_OPTION)
    page = open_page(address(served, first.id))
    details = page.get_by_role("region", name="Details")
    for told in ("timeout=70.5", 'key="one of them"', "memory_mb=900", 'backoff={"base": 2, "factor": 3}'):
        expect(details).to_contain_text(told)
    expect(page.get_by_role("heading", level=1)).to_contain_text("complete")
    page.get_by_role("button", name="Run again", exact=True).click()
    page.wait_for_url(lambda url: "#/jobs/" in url and first.id not in url)
    expect(page.get_by_text("the same parameters and options, to run at once")).to_be_visible()
    said = client.wait_for_job(page.url.rpartition("/")[2], 60)
    shown = {name: said[name] for name in EVERY_OPTION} | {"webhook": said.webhook["url"]}
    assert shown == EVERY_OPTION
    assert (said.params, said.after, said.run_at) == (params, [parent], None)


def test_run_again_while_another_has_the_key_leads_to_that_one(served: Serve, open_page: Open) -> None:
    client = served.client()
    first = client.add_job("slow", {}, key="alone", on_conflict="return")
    page = open_page(address(served, first.id))
    page.get_by_role("button", name="Run again", exact=True).click()
    expect(page.get_by_text("No new job: this one is active and has the same key.")).to_be_visible()
    client.cancel_job(first.id)


def test_the_log_follows_until_one_scrolls_up(served: Serve, open_page: Open) -> None:
    job = served.client().add_job("chatty", {"lines": 3000, "seconds": 30.0})
    page = open_page(address(served, job.id))
    log = page.get_by_role("region", name="Log").last
    expect(log).to_contain_text("line 100\n")
    expect(page.get_by_text("Following")).to_be_visible()
    log.evaluate("box => { box.scrollTop = 0; }")
    follow = page.get_by_role("button", name="Follow again")
    expect(follow).to_be_visible()
    expect(log).to_contain_text("line 300\n")
    assert log.evaluate("box => box.scrollTop") == 0
    follow.click()
    expect(page.get_by_text("Following")).to_be_visible()
    assert log.evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight") < 40
    served.client().cancel_job(job.id)


def test_a_table_is_sorted_by_its_heads_and_one_of_its_columns_is_drawn(served: Serve, open_page: Open) -> None:
    page = open_page(address(served, ended(served, "kind_of", kind="csv")))
    table = page.get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(4)
    towns = table.locator("td.c-town")
    assert towns.all_inner_texts() == ["Bell, the", "Avon", "Cork"]
    table.get_by_role("button", name="town").click()
    assert towns.all_inner_texts() == ["Avon", "Bell, the", "Cork"]
    table.get_by_role("button", name="rain").click()
    assert towns.all_inner_texts() == ["Cork", "Bell, the", "Avon"]
    expect(page.get_by_role("group", name="rain of 3 rows")).to_be_visible()
    page.get_by_role("group", name="rain of 3 rows").press("End")
    expect(page.locator(".tip")).to_contain_text("112")


def test_a_page_that_a_job_made_is_shown_and_its_scripts_are_not_run(
    served: Serve, open_page: Open, complaints: list[str]
) -> None:
    page = open_page(address(served, ended(served, "kind_of", kind="html")))
    inside = page.frame_locator("iframe.page")
    expect(inside.get_by_role("heading", name="A page")).to_be_visible()
    assert page.evaluate("window.hurt") is None
    assert not [frame for frame in page.frames if frame.evaluate("window.hurt")]
    complaints[:] = [each for each in complaints if "sandboxed" not in each and "Security Policy" not in each]


@pytest.mark.parametrize(
    ("kind", "shown"), [("text", "one\ntwo"), ("json", NASTY), ("number", "42"), ("nothing", "Nothing: the task")]
)
def test_a_result_is_shown_as_what_it_is(served: Serve, open_page: Open, kind: str, shown: str) -> None:
    page = open_page(address(served, ended(served, "kind_of", kind=kind)))
    expect(page.get_by_role("region", name="Result").first).to_contain_text(shown)


def test_markup_in_names_parameters_progress_log_and_error_stays_text(served: Serve, open_page: Open) -> None:
    client = served.client()
    job = client.add_job("walk", {"title": NASTY, "steps": 1, "seconds": 0.0})
    client.wait_for_job(job.id, 60)
    for jid in (job.id, ended(served, "nasty")):
        page = open_page(address(served, jid))
        expect(page.get_by_text("<script>window.hurt = 1</script>").first).to_be_visible()
        assert page.evaluate("window.hurt") is None
    for view in ("jobs", f"jobs?words={quote(NASTY)}&task={quote(NASTY)}", ""):
        page = open_page(f"{served.url}/#/{view}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_text("Connecting")).to_have_count(0)
        assert page.evaluate("window.hurt") is None


def test_a_job_that_is_not_there_is_said_in_a_sentence(served: Serve, open_page: Open) -> None:
    page = open_page(address(served, "00AbCdEfGhIjKlMnOpQr"))
    expect(page.get_by_role("alert")).to_contain_text("No job has the id")


def test_the_jobs_before_and_after_it_are_told_as_they_change(served: Serve, open_page: Open) -> None:
    client = served.client()
    parent = client.add_job("slow", {}).id
    anyway, fails = client.add_job("slow", {}, after_any=[parent]).id, client.add_job("walk", {}, after=[parent]).id
    page = open_page(address(served, parent))
    family = page.get_by_role("region", name="Before and after")
    rows = family.get_by_role("listitem")
    expect(rows).to_have_text([re.compile("^walk *scheduled$"), re.compile("^slow *scheduled$")])
    page.get_by_role("button", name="Cancel").click()
    expect(rows).to_have_text([re.compile("^walk *failed *dependency$"), re.compile("^slow *in progress$")])
    client.cancel_job(anyway)
    expect(rows.nth(1)).to_have_text(re.compile("^slow *cancelled$"))
    family.get_by_role("link", name="walk").click()
    page.wait_for_url(lambda url: fails in url)
    expect(family.get_by_role("term")).to_have_text(["After"])
    expect(rows).to_have_text([re.compile("^slow *cancelled$")])
    client.remove_job(parent)
    page.reload()
    expect(rows).to_have_text([f"{parent} not there any more"])
