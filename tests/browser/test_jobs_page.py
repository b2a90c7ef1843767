"""The list of jobs: live, its filter in the address, many at once; and what goes on when the API goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from jobsapi import Client
from jobsapi.errors import JobsApiError
from tests.browser.conftest import APP
from tests.cli.conftest import environment as plain
from tests.system import free_port, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Serve

    Open = Callable[..., Any]

pytestmark = pytest.mark.slow


@pytest.fixture
def parked(served: Serve) -> Iterator[str]:
    """A queue that is paused, and three jobs in it."""
    client = served.client()
    client.pause_queue("parked")
    for n in range(3):
        client.add_job("broken", {"name": f"parked-{n}"}, queue="parked", tags=["parked"])
    yield "parked"
    for job in client.list_jobs(queue="parked", status="submitted"):
        client.cancel_job(job.id)
    client.resume_queue("parked")


def rows(page: Any) -> Any:
    return page.locator(".jobs tbody tr")


def test_a_new_job_shows_up_by_itself(served: Serve, open_page: Open, parked: str) -> None:
    page = open_page(f"{served.url}/#/jobs?queue=parked&status=submitted")
    expect(rows(page)).to_have_count(3)
    served.client().add_job("broken", {"name": "another"}, queue=parked)
    expect(rows(page)).to_have_count(4)
    expect(rows(page).first).to_contain_text("name=another")


def test_the_filter_is_in_the_address(served: Serve, open_page: Open, parked: str) -> None:
    page = open_page(f"{served.url}/#/jobs")
    page.get_by_label("Status").select_option("submitted")
    page.get_by_label("Queue", exact=True).select_option(parked)
    page.get_by_label("Words in parameters or error").fill("PARKED-1")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("name=parked-1")
    assert page.evaluate("location.hash") == "#/jobs?status=submitted&queue=parked&words=PARKED-1"
    page.reload()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_label("Words in parameters or error")).to_have_value("PARKED-1")
    page.get_by_role("link", name="Clear").click()
    assert page.evaluate("location.hash") == "#/jobs"


def test_words_are_found_in_errors_too(served: Serve, open_page: Open) -> None:
    client = served.client()
    job = client.add_job("broken", {"name": "hailstones"})
    client.wait_for_job(job.id, 30)
    page = open_page(f"{served.url}/#/jobs?words=keyerror+hailstones&since=1h")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_text("1 match among the")).to_be_visible()


def test_many_are_cancelled_and_removed_at_once_and_asked_about_first(
    served: Serve, open_page: Open, parked: str
) -> None:
    page = open_page(f"{served.url}/#/jobs?queue={parked}&tag=parked&since=15m")
    page.get_by_label("Choose all shown").check()
    bar = page.get_by_role("region", name="Chosen jobs")
    bar.get_by_role("button", name="Cancel").click()
    asked = page.get_by_role("dialog")
    expect(asked.get_by_role("heading")).to_contain_text("Cancel 3 jobs?")
    asked.get_by_role("button", name="Back").click()
    assert len(list(served.client().list_jobs(queue=parked, status="submitted"))) == 3
    bar.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    until("all are cancelled", lambda: not list(served.client().list_jobs(queue=parked, status="submitted")))
    page.goto(f"{served.url}/#/jobs?queue={parked}&status=cancelled")
    page.get_by_label("Choose all shown").check()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("No job fits this filter")).to_be_visible()
    assert list(served.client().list_jobs(queue=parked)) == []


def test_what_could_not_be_done_is_said_of_each_job(served: Serve, open_page: Open, parked: str) -> None:
    page = open_page(f"{served.url}/#/jobs?queue={parked}&status=submitted")
    expect(rows(page)).to_have_count(3)
    page.route("**/cancel", lambda route: route.fulfill(status=503, json={"title": "Away", "detail": "It is away."}))
    page.get_by_label("Choose all shown").check()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    bar = page.get_by_role("region", name="Chosen jobs")
    expect(bar).to_contain_text("3 jobs stayed as they were")
    expect(bar.get_by_role("listitem").first).to_contain_text("It is away.")


def test_older_jobs_are_pages_away_and_the_browser_goes_back(served: Serve, open_page: Open) -> None:
    client = served.client()
    client.pause_queue("pages")
    client.add_jobs([{"task": "broken", "params": {"name": f"n{n}"}, "queue": "pages"} for n in range(60)])
    page = open_page(f"{served.url}/#/jobs?queue=pages")
    expect(page.get_by_text("60 jobs")).to_be_visible()
    expect(rows(page)).to_have_count(50)
    page.get_by_role("link", name="Next page").click()
    expect(rows(page)).to_have_count(10)
    page.go_back()
    expect(rows(page)).to_have_count(50)


def test_a_paused_queue_is_pointed_out_and_resumed_from_the_overview(
    served: Serve, open_page: Open, parked: str
) -> None:
    page = open_page(f"{served.url}/")
    attention = page.get_by_role("region", name="Needs attention")
    line = attention.get_by_role("listitem").filter(has_text="The queue parked is paused and holds 3 jobs back.")
    line.get_by_role("button", name="Resume").click()
    expect(line).to_have_count(0)
    page.get_by_role("button", name="Pause the queue long").click()
    page.get_by_role("button", name="Resume the queue long").click()
    expect(page.get_by_role("button", name="Pause the queue long")).to_be_visible()


def test_a_task_that_no_worker_takes_is_pointed_out(served: Serve, open_page: Open) -> None:
    job = served.client().add_job("walk", {}, queue="nobody")
    page = open_page(f"{served.url}/")
    attention = page.get_by_role("region", name="Needs attention")
    expect(attention).to_contain_text("No live worker takes walk from the queue nobody: 1 job waits", timeout=20_000)
    served.client().cancel_job(job.id)
    expect(page.get_by_text("No live worker takes walk from the queue nobody")).to_have_count(0)


class Apart:
    """An API and a worker as processes of their own, so that one can go away without the other."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = plain(**environment, JOBSAPI_PORT=str(self.port))
        self.worker = self.start("worker", str(APP))
        self.api = self.start("api")

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "jobsapi", *words], env=self.env, start_new_session=True)

    def until_ready(self) -> None:
        def knows() -> bool:
            with suppress(JobsApiError):
                return len(Client(self.url).tasks()) > 0
            return False

        until("the API knows the tasks", knows, 60)

    def close(self) -> None:
        for each in (self.api, self.worker):
            each.terminate()
            each.wait(60)


@pytest.fixture
def apart(environment: dict[str, str]) -> Iterator[Apart]:
    made = Apart(environment)
    try:
        made.until_ready()
        yield made
    finally:
        made.close()


def test_the_page_goes_on_by_itself_when_the_api_has_been_away(apart: Apart, open_page: Open) -> None:
    job = Client(apart.url).add_job("walk", {"steps": 100, "seconds": 10.0})
    page = open_page(f"{apart.url}/#/jobs/{job.id}")
    page.evaluate("window.stays = true")
    expect(page.get_by_role("region", name="Log").last).to_contain_text("step 5:")
    os.killpg(apart.api.pid, signal.SIGKILL)  # its server process too, which would let open streams end in peace
    apart.api.wait(10)
    expect(page.get_by_text("Reconnecting")).to_be_visible()
    apart.api = apart.start("api")
    expect(page.get_by_text("Reconnecting")).to_have_count(0, timeout=40_000)
    expect(page.get_by_role("heading", name="walk", level=1)).to_contain_text("complete", timeout=40_000)
    expect(page.get_by_role("img", name="The picture way")).to_be_visible()
    log = page.get_by_role("region", name="Log").last.inner_text().splitlines()
    assert [line.split(":")[0] for line in log if line] == [f"step {n}" for n in range(1, 101)]
    assert page.evaluate("window.stays") is True
