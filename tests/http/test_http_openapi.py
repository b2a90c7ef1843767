"""/openapi.json, /docs, /help and /: every route and every task's own parameters are described."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from flask import Flask

from jobsapi import api, registry
from jobsapi.options import OPTIONS
from jobsapi.store import Store
from jobsapi.tasks import Task
from jobsapi.web.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient


@pytest.fixture
def document(http: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = http.get("/openapi.json").get_json()
    return found


def job_request(document: dict[str, Any]) -> Any:
    """A validator of the body of POST /jobs."""
    schema = document["paths"]["/jobs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]})


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def routes_of(app: Flask) -> set[tuple[str, str]]:
    found = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).replace("{jid}", "{id}")
        found |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return found


def test_every_route_is_described(app: Flask, document: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert document["openapi"].startswith("3.1")
    assert described == routes_of(app) == set(OPERATIONS)


def test_every_operation_has_a_summary_an_id_of_its_own_and_its_refusals(document: dict[str, Any]) -> None:
    operations = [each for methods in document["paths"].values() for each in methods.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for each in operations:
        assert each["summary"].endswith(".")
        assert "403" in each["responses"]
    submit = document["paths"]["/jobs"]["post"]["responses"]
    assert set(submit) == {"200", "202", "400", "403", "409", "413", "415", "422", "503"}
    refusal = document["components"]["responses"]["Problem422"]
    assert list(refusal["content"]) == ["application/problem+json"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))
    assert any("$defs" in each for each in found)
    for each in found:
        target: Any = document
        for step in each.removeprefix("#/").split("/"):
            target = target[step]
        assert isinstance(target, dict)


def test_every_task_has_its_own_parameters(document: dict[str, Any]) -> None:
    fits = job_request(document).is_valid
    assert fits({"task": "plot", "params": {"start": 1, "end": 2}})
    assert fits({"task": "measure"})
    assert fits({"task": "walk", "params": {"points": [{"x": 1, "next": {"x": 2, "next": None}}]}})
    assert fits({"task": "free", "params": {"anything": [1]}})
    assert not fits({"task": "plot"})
    assert not fits({"task": "plot", "params": {"start": 1}})
    assert not fits({"task": "plot", "params": {"start": 1, "end": 2, "x": 3}})
    assert not fits({"task": "plot", "params": {"start": 1, "end": 2**64}})
    assert not fits({"task": "walk", "params": {"points": [{"x": 1, "next": {"y": 2}}]}})
    assert not fits({"task": "none"})
    assert not fits({"start": 1, "end": 2})


def test_options_are_described_and_others_are_not_taken(document: dict[str, Any]) -> None:
    fits = job_request(document).is_valid
    job = {"task": "measure"}
    assert fits({**job, "priority": 5, "queue": "q", "tags": ["a"], "timeout": 1, "keep": 5, "max_deliveries": 1})
    assert fits({**job, **dict.fromkeys(OPTIONS)})
    assert not fits({**job, "priority": 101})
    assert not [option for option in ("sweep", "other") if fits({**job, option: 1})]


def test_sweeps_are_described(document: dict[str, Any]) -> None:
    schema = {**document, "$ref": "#/components/schemas/SweepRequest"}
    fits = jsonschema_rs.Draft202012Validator(schema).is_valid
    assert fits({"task": "plot", "sweep": {"start": [1, 2]}, "params": {"end": 3}, "priority": 5, "key": None}) is False
    assert fits({"task": "plot", "sweep": {"start": [1, 2]}, "params": {"end": 3}, "priority": 5})
    assert fits({"task": "free", "sweep": {"any": [1, "x"]}})
    assert not fits({"task": "plot", "sweep": {"start": ["x"], "end": [1]}})
    assert not fits({"task": "plot", "sweep": {"start": [], "end": [1]}})
    assert not fits({"task": "plot", "sweep": {"stop": [1]}})
    assert not fits({"task": "plot", "sweep": {}})
    assert not fits({"task": "plot", "sweep": {"start": [1]}, "key": "k"})


def test_many_jobs_are_described(document: dict[str, Any]) -> None:
    fits = job_request(document).is_valid
    assert fits([{"task": "measure"}, {"task": "plot", "params": {"start": 1, "end": 2}}])
    assert not fits([])
    assert not fits([{"task": "measure"}, {"task": "plot"}])
    assert not fits([{"task": "measure"}] * 10_001)


def test_the_default_tasks_parameters_may_stand_alone(store: Store, http: FlaskClient) -> None:
    def sweep(start: int, end: int) -> None: ...

    registry.publish(store, [Task("sweep", sweep, default=True).described()])
    fits = job_request(http.get("/openapi.json").get_json()).is_valid
    assert fits({"start": 1, "end": 2})
    assert not fits({"start": 1})


def test_what_the_description_says_is_what_the_api_does(document: dict[str, Any], http: FlaskClient) -> None:
    fits = job_request(document).is_valid
    values: list[Any] = [None, True, 0, 1, -1, 0.5, 1.0, 1e30, 2**63, 2**64, "", "a", "a b", [], ["a"], ["a", "a"], {}]
    bodies: list[Any] = [{"task": "measure", option: value} for option in (*OPTIONS, "params", "x") for value in values]
    bodies += [{"task": "plot", "params": {"start": value, "end": 1}} for value in values]
    bodies += [{"task": "measure", "params": {name: value}} for name in ("share", "note") for value in values]
    bodies += [[body] for body in bodies[::7]] + [{"task": value} for value in values] + values
    for body in bodies:
        assert fits(body) == (http.post("/jobs", json=body).status_code == 202), body


def test_an_api_without_tasks_is_described_too(store: Store) -> None:
    http = api.create_app(store=store).test_client()
    document = http.get("/openapi.json").get_json()
    assert not job_request(document).is_valid({"start": 1})
    assert "No worker" in http.get("/docs").text


def test_tokens_are_described_where_they_are_asked_for(store: Store, make_app: Callable[..., Flask]) -> None:
    from jobsapi.web.access import create_token

    headers = {"Authorization": f"Bearer {create_token(store)}"}
    document = make_app(host="0.0.0.0").test_client().get("/openapi.json", headers=headers).get_json()
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/healthz"]["get"]["security"] == []
    assert "401" in document["paths"]["/jobs"]["post"]["responses"]
    assert "401" not in document["paths"]["/healthz"]["get"]["responses"]


def test_a_task_that_a_worker_tells_of_is_described_within_seconds(store: Store, http: FlaskClient) -> None:
    first = http.get("/openapi.json")
    assert http.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304

    def late(n: int) -> None: ...

    described = Task("late", late).described()
    Store(store.redis, store.settings, store.url)
    registry.publish(store, [described])
    deadline = time.monotonic() + 10
    while "late.job" not in (found := http.get("/openapi.json")).get_json()["components"]["schemas"]:
        assert time.monotonic() < deadline
    assert found.headers["ETag"] != first.headers["ETag"]


class Page(HTMLParser):
    """What a browser would find in a page: its elements, what it would fetch, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page_names_every_task_route_and_option(http: FlaskClient, document: dict[str, Any]) -> None:
    answer = http.get("/docs")
    assert answer.content_type == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert page.open == []
    for method, path in OPERATIONS:
        assert f"{method} {path}" in page.words
    for word in ("plot", "walk", "measure", "free", *OPTIONS, "Visit the points <one> & all.", '"fast" | "slow"'):
        assert word in page.words


def test_the_page_runs_and_fetches_nothing(http: FlaskClient) -> None:
    answer = http.get("/docs")
    page = Page(answer.text)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form", "base", "one"}
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("style", "src", "srcset")]
    assert not [value for name, value in page.attributes if name == "href" and "//" in (value or "")]
    assert "@import" not in answer.text
    assert "url(" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_page_shows_a_tasks_words_and_never_runs_them(store: Store, http: FlaskClient) -> None:
    def evil(start: int) -> None: ...

    described = Task("evil", evil).described()
    bad = "</style><script>alert(1)</script>{{ 7 * 7 }}'\"><img src=x onerror=y>"
    described["summary"] = bad
    schema = {"type": "object", "properties": {bad: {"description": bad, "default": bad, "enum": [bad], "type": bad}}}
    described |= {"schema": {**schema, "required": [bad]}, "digest": "evil"}
    registry.publish(store, [described])
    answer = http.get("/docs")
    assert answer.status_code == 200
    page = Page(answer.text)
    assert bad in page.words
    assert not page.tags & {"script", "img"}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object", "properties": {"a": True, "b": False, "c": {}}},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {"type": "object", "properties": {"a": {"type": ["integer", "null"], "anyOf": []}}, "required": ["a"]},
        {
            "type": "object",
            "properties": {"a": {"type": "array", "items": False}, "b": {"type": []}},
            "required": ["b"],
        },
        {"$ref": "https://elsewhere.example/schema.json"},
        {"properties": {"$ref": {"type": "string"}, "const": {"$ref": "#/properties/$ref"}}, "default": {"$ref": "#"}},
    ],
    ids=str,
)
def test_any_schema_a_worker_tells_of_can_be_shown(store: Store, http: FlaskClient, schema: dict[str, Any]) -> None:
    described = {"name": "odd", "summary": "", "queue": "default", "timeout": None, "default": False}
    registry.publish(store, [{**described, "schema": schema, "digest": f"odd-{hash(str(schema))}"}])
    assert http.get("/openapi.json").status_code == 200
    assert http.get("/docs").status_code == 200


def test_data_in_a_schema_is_not_mistaken_for_a_reference(store: Store, http: FlaskClient) -> None:
    schema = {"type": "object", "properties": {"a": {"const": {"$ref": "#/x"}}, "$ref": {"type": "string"}}}
    described = {"name": "odd", "summary": "", "queue": "default", "timeout": None, "default": False}
    registry.publish(store, [{**described, "schema": schema, "digest": "odd"}])
    shown = http.get("/openapi.json").get_json()["components"]["schemas"]["odd.params"]
    assert shown == schema


def test_help_names_every_route_and_how_to_begin(http: FlaskClient) -> None:
    answer = http.get("/help", headers={"Host": "localhost:5000"})
    assert answer.content_type == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    for method, path in OPERATIONS:
        assert [line for line in lines if re.match(rf"\s+{method}\s+{re.escape(path)}\s+\w.*\.$", line)], path
    assert "curl http://localhost:5000/jobs --json" in answer.text
    assert max(map(len, lines)) <= 120


def test_the_root_links_to_what_comes_next(http: FlaskClient) -> None:
    home = http.get("/").get_json()
    assert home["name"] == "jobsapi"
    for link in ("jobs", "tasks", "queues", "workers", "docs", "openapi", "help"):
        assert http.get(home["links"][link]).status_code == 200


def test_mounted_in_another_application_the_api_describes_itself_where_it_is(store: Store) -> None:
    registry.publish(store, [Task("sweep", lambda: None).described()])
    host = Flask("host", static_folder=None)
    host.get("/own")(lambda: "own")
    host.register_blueprint(api.blueprint(store=store), url_prefix="/api/v1")
    http = host.test_client()
    document = http.get("/api/v1/openapi.json").get_json()
    assert document["servers"] == [{"url": "/api/v1"}]
    assert {(m.upper(), path) for path, methods in document["paths"].items() for m in methods} == set(OPERATIONS)
    assert "http://localhost/api/v1/jobs" in http.get("/api/v1/help").text
    assert "/own" not in http.get("/api/v1/help").text
    assert http.get("/api/v1/docs").status_code == 200
    assert http.get("/api/v1/").get_json()["links"]["jobs"] == "/api/v1/jobs"
    assert http.post("/api/v1/jobs", data=b"x").content_type == "application/problem+json"


def test_mounted_in_another_application_every_link_leads_back_to_it(store: Store) -> None:
    registry.publish(store, [Task("sweep", lambda: None).described()])
    host = Flask("host", static_folder=None)
    host.register_blueprint(api.blueprint(store=store), url_prefix="/api/v1")
    http = host.test_client()
    made = [http.post("/api/v1/jobs", json={"task": "sweep"}) for _ in range(2)]
    assert made[0].headers["Location"] == made[0].get_json()["links"]["self"]
    assert http.get(made[0].headers["Location"]).get_json()["id"] == made[0].get_json()["id"]
    page = http.get("/api/v1/jobs?limit=1").get_json()
    assert http.get(page["jobs"][0]["links"]["self"]).status_code == 200
    assert len(http.get(page["next"]).get_json()["jobs"]) == 1
    http.post("/api/v1/data", json=[{"id": 1}, {"id": 2}])
    found = http.get("/api/v1/data?limit=1").get_json()
    assert http.get(found["next"]).get_json()["records"] == [{"id": 2}]
