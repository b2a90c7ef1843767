"""The web page as it is served: to browsers alone, with a strict policy, wherever the API is mounted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from jobsapi import api

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from jobsapi.store import Store

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}


def addresses(page: TestResponse) -> list[str]:
    """What the page's frame loads."""
    return re.findall(r'(?:src|href)="(ui/[^"]+)"', page.text)


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/json, text/html;q=0.5"])
def test_programs_and_people_with_curl_get_json_at_the_root(http: FlaskClient, accept: str | None) -> None:
    answer = http.get("/", headers={"Accept": accept} if accept else {})
    assert answer.get_json()["name"] == "jobsapi"
    assert answer.headers["Vary"] == "Accept"


def test_a_browser_gets_the_page_and_every_file_that_it_names(http: FlaskClient) -> None:
    page = http.get("/", headers=BROWSER)
    assert page.content_type == "text/html; charset=utf-8"
    assert len(addresses(page)) > 5
    for address in addresses(page):
        answer = http.get(f"/{address}")
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]


def test_every_module_that_a_file_imports_is_there(http: FlaskClient) -> None:
    base = addresses(http.get("/", headers=BROWSER))[-1].removesuffix("app.js")
    left, seen = ["app.js"], set()
    while left:
        name = left.pop()
        seen.add(name)
        answer = http.get(f"/{base}{name}")
        assert (answer.status_code, answer.content_type) == (200, "text/javascript; charset=utf-8"), name
        for found in re.findall(r'(?:from\s*|import\(|import\s+)"(\.[^"]+)"', answer.text):
            folder, path = name.split("/")[:-1], found.split("/")
            for step in path:
                folder = folder[:-1] if step == ".." else folder if step == "." else [*folder, step]
            left += ["/".join(folder)] if "/".join(folder) not in seen else []
    assert "vendor/preact.js" in seen
    assert "views/jobs.js" in seen


def test_the_pages_policy_lets_nothing_inline_nothing_evaluated_and_no_other_host_in(http: FlaskClient) -> None:
    page = http.get("/", headers=BROWSER)
    policy = dict(each.strip().split(" ", 1) for each in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in str(policy)
    assert page.headers["X-Frame-Options"] == "DENY"
    assert not re.findall(r"<script(?![^>]* src=)|<style|style=| on\w+=|https?://", page.text)


def test_a_page_that_has_not_changed_is_not_sent_again(http: FlaskClient) -> None:
    page = http.get("/", headers=BROWSER)
    assert page.headers["Cache-Control"] == "no-cache"
    assert http.get("/", headers={**BROWSER, "If-None-Match": page.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "name", ["nothing.js", "index.html", "../ui.py", "vendor/../../ui.py", "vendor/README.md", "/etc/passwd"]
)
def test_what_is_no_file_of_the_page_is_not_found(http: FlaskClient, name: str) -> None:
    version = addresses(http.get("/", headers=BROWSER))[0].split("/")[1]
    assert http.get(f"/ui/{version}/{name}").status_code in (308, 404)
    assert http.get("/ui/000000000000/app.js").status_code == 404


def test_the_page_itself_needs_no_token_and_all_that_it_shows_does(make_app: Callable[..., Flask]) -> None:
    http = make_app(host="0.0.0.0").test_client()
    page = http.get("/", headers=BROWSER)
    assert page.status_code == 200
    assert {http.get(f"/{address}").status_code for address in addresses(page)} == {200}
    for path in ("/", "/jobs", "/queues", "/tasks", "/docs"):
        assert http.get(path).status_code == 401
    assert http.get("/docs", headers=BROWSER).status_code == 401


def test_a_link_elsewhere_may_lead_to_the_page_and_to_nothing_else(http: FlaskClient) -> None:
    link = {**BROWSER, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert http.get("/", headers=link).status_code == 200
    assert http.get("/jobs", headers=link).status_code == 403
    assert http.get("/", headers={**link, "Sec-Fetch-Mode": "no-cors"}).status_code == 403
    assert http.get("/", headers={**link, "Host": "evil.example"}).status_code == 403
    assert http.get("/", headers={**link, "Origin": "https://evil.example"}).status_code == 403


def test_mounted_in_another_application_the_pages_files_are_found_beside_it(store: Store) -> None:
    host = Flask("host", static_folder=None)
    host.register_blueprint(api.blueprint(store=store), url_prefix="/api/v1")
    http = host.test_client()
    page = http.get("/api/v1/", headers=BROWSER)
    assert {http.get(f"/api/v1/{address}").status_code for address in addresses(page)} == {200}
    assert http.get("/api/v1", headers=BROWSER).headers["Location"].endswith("/api/v1/")


def test_below_a_prefix_of_the_server_the_page_is_asked_for_with_its_slash(http: FlaskClient) -> None:
    outer = Client(DispatcherMiddleware(Flask("host"), {"/jobsapi": http.application}))
    answer = outer.get("/jobsapi", headers=BROWSER)
    assert answer.headers["Location"].endswith("/jobsapi/")
    assert outer.get("/jobsapi/", headers=BROWSER).status_code == 200
