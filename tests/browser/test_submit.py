"""A person submits by a form that knows the task's parameters, or by what it shows for a terminal and for Python."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from jobsapi.fit import mismatches
from tests.browser.forms import WHOLE

if TYPE_CHECKING:
    from tests.browser.forms import Forms


def test_a_job_is_submitted_by_the_form_and_its_plot_is_seen(forms: Forms):
    forms.client.load_data([{"id": i, "value": i * i} for i in range(20)], dataset="squares")
    page = forms.open("submit")
    expect(page.get_by_text("Draw the field value of the records")).to_be_visible()
    forms.field("start").fill("2")
    forms.field("end").fill("12")
    forms.field("dataset").fill("squares")
    job = forms.submit()
    assert (job.task, job.params) == ("draw", {"start": 2, "end": 12, "dataset": "squares"})
    expect(page.get_by_role("main").get_by_role("img").first).to_be_visible()
    expect(page.get_by_text("10 records read")).to_be_visible()


def test_a_value_that_does_not_fit_is_told_as_it_is_typed_and_is_not_sent(forms: Forms):
    page = forms.open("submit?task=kinds")
    count = forms.field("count")
    count.fill("200")
    expect(page.get_by_text("is 100 or less")).to_be_visible()
    expect(count).to_have_attribute("aria-invalid", "true")
    assert "is 100 or less" in page.evaluate(
        "document.getElementById(document.activeElement.getAttribute('aria-describedby').split(' ').pop()).innerText"
    )
    page.locator("button[type=submit]").click()
    expect(page.get_by_text("2 fields need another look.")).to_be_visible()
    expect(count).to_be_focused()
    forms.field("count").fill("20")
    expect(page.get_by_text("is 100 or less")).to_be_hidden()
    expect(page.get_by_text("One field needs another look.")).to_be_visible()
    assert forms.sent == []


def test_what_only_the_server_refuses_is_told_at_the_field(forms: Forms):
    page = forms.open("submit?task=kinds")
    forms.field("count").fill("1")
    forms.field("name").fill("ab")
    forms.field("code").fill("12")
    page.get_by_text("Options of the job").click()
    forms.field("webhook").fill("http://127.0.0.1/hook")
    page.locator("button[type=submit]").click()
    code, webhook = forms.field("code"), forms.field("webhook")
    expect(code).to_have_attribute("aria-invalid", "true")
    expect(webhook).to_have_attribute("aria-invalid", "true")
    expect(code).to_be_focused()
    expect(page.locator(".field", has=code).locator(".fault")).to_contain_text("does not match")
    code.fill("ABC")
    expect(code).to_have_attribute("aria-invalid", "false")
    webhook.fill("")
    assert forms.submit().params == {"count": 1, "name": "ab", "code": "ABC"}


def test_every_kind_of_field_gives_the_json_that_was_meant(forms: Forms):
    page = forms.open("submit?task=kinds")
    for name in ("count", "name", "ratio", "big", "note", "day", "at", "ident", "code", "text"):
        forms.field(name).fill(str(WHOLE[name]))
    forms.field("fast").check()
    forms.field("sure").select_option("no")
    for name in ("mode", "colour", "level"):
        forms.field(name).select_option(str(WHOLE[name]))
    page.get_by_role("button", name="Give price").click()
    forms.field("price is").select_option("text")
    forms.field("price", forms.group("price")).fill("1.10")
    forms.field("either is").select_option("text")
    forms.field("either", forms.group("either")).fill("null")
    page.get_by_role("button", name="Give place").click()
    place = forms.group("place")
    forms.field("x", place).fill("1")
    forms.field("y", place).fill("2.5")
    forms.field("label", place).fill("!here")
    forms.field("shape is").select_option("Box")
    forms.field("width").fill("1")
    forms.field("height").fill("2")
    _fill_lists(forms)
    forms.field("anything").fill('{"q": [1, null, "x"]}')
    job = forms.submit()
    assert forms.sent == [{"task": "kinds", "params": WHOLE}]
    assert job.params == WHOLE


def _fill_lists(forms: Forms) -> None:
    page = forms.page
    forms.group("weights").get_by_role("button", name="Add one").click()
    expect(forms.field("weights 1")).to_be_focused()
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(forms.field("weights 2")).to_be_focused()
    page.keyboard.type("2.5")
    for i, (x, y) in enumerate([("1", "2"), ("3", "4")], 1):
        forms.group("points").get_by_role("button", name=re.compile("Add one|One more")).click()
        forms.field("x", forms.group(f"points {i}")).fill(x)
        forms.field("y", forms.group(f"points {i}")).fill(y)
    page.get_by_role("button", name="Give pair").click()
    forms.field("1.").fill("1")
    forms.field("2.").fill("z")
    for i, (name, value) in enumerate(WHOLE["labels"].items()):
        forms.group("labels").get_by_role("button", name="Add an entry").click()
        forms.field("name", forms.group("labels")).nth(i).fill(name)
        forms.field("value", forms.group("labels")).nth(i).fill(str(value))
    page.get_by_role("button", name="Give tree").click()
    outer = forms.group("tree")
    for name, inner in (("r", "branches 1"), ("s", "branches 1"), ("t", "")):
        forms.field("name", outer).first.fill(name)
        if inner:
            outer.get_by_role("button", name="Add one").click()
            outer = outer.get_by_role("group", name=inner, exact=True)


def test_a_job_is_run_again_with_changes(forms: Forms):
    said = {"timeout": 70.5, "memory_mb": 900, "key": "again", "keep": 60, "max_attempts": 2, "backoff": [1, 2.5]}
    first = forms.client.add_job("kinds", WHOLE, priority=7, tags=["a", "b"], queue="other", delay=600, **said)
    forms.client.cancel_job(first.id)
    page = forms.open(f"submit?task=kinds&from={first.id}")
    expect(forms.field("place is").or_(forms.field("label", forms.group("place")))).to_have_value("!here")
    expect(forms.field("big")).to_have_value("9007199254740993")
    expect(forms.field("priority")).to_have_value("7")
    expect(page.get_by_text("without a time that it was to wait for. Its key stays")).to_be_visible()
    assert '"timeout": 70.5' in forms.shown("curl")
    assert "memory_mb=900" in forms.shown("Python")
    assert "--key=again" in forms.shown("Command line")
    forms.field("count").fill("6")
    again = forms.submit()
    assert again.params == {**WHOLE, "count": 6}
    assert {name: again[name] for name in said} == said
    assert again.run_at is None
    assert (again.priority, again.tags, again.queue) == (7, ["a", "b"], "other")
    page.go_back()
    expect(forms.field("count")).to_be_visible()


def test_what_was_typed_is_there_again_until_it_is_sent_or_begun_anew(forms: Forms):
    page = forms.open("submit?task=kinds")
    forms.field("count").fill("7")
    page.get_by_role("button", name="Give place").click()
    forms.field("x", forms.group("place")).fill("12")
    page.get_by_role("link", name="Data", exact=True).click()
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    page.go_back()
    expect(forms.field("x", forms.group("place"))).to_have_value("12")
    expect(forms.field("count")).to_have_value("7")
    page.get_by_role("button", name="Start over").click()
    expect(forms.field("count")).to_have_value("")
    expect(page.get_by_role("button", name="Give place")).to_be_visible()


def test_the_parameters_can_be_written_as_json(forms: Forms):
    page = forms.open("submit?task=kinds")
    forms.field("count").fill("3")
    page.get_by_role("button", name="JSON", exact=True).click()
    text = page.get_by_label("The parameters as JSON")
    assert json.loads(text.input_value()) == {"count": 3}
    text.fill('{"count": 3')
    expect(page.get_by_text("is not JSON")).to_be_visible()
    text.fill('{"count": 300, "name": "ab", "sead": 1}')
    expect(page.get_by_text("count is 100 or less")).to_be_visible()
    expect(page.get_by_text("sead is not a parameter")).to_be_visible()
    text.fill('{"count": 30, "name": "ab", "points": [{"x": 1, "y": 2}]}')
    page.get_by_role("button", name="Form", exact=True).click()
    expect(forms.field("y", forms.group("points 1"))).to_have_value("2")
    assert forms.submit().params == {"count": 30, "name": "ab", "points": [{"x": 1, "y": 2}]}


def test_several_values_of_parameters_are_a_sweep(forms: Forms):
    page = forms.open("submit?task=kinds")
    forms.field("name").fill("ab")
    page.get_by_role("button", name="Several values of count").click()
    forms.field("count").fill("1..3, 900")
    expect(page.get_by_text("value 4: is 100 or less")).to_be_visible()
    forms.field("count").fill("1..3, 9")
    page.get_by_role("button", name="Several values of mode").click()
    forms.field("mode").fill("slow, best")
    page.get_by_role("button", name="Submit 8 jobs").click()
    page.wait_for_url(re.compile("#/batches/"))
    batch = forms.client.get_batch(page.url.rpartition("/")[2])
    assert (batch.total, batch.sweep) == (8, ["count", "mode"])
    assert forms.sent[0]["sweep"] == {"count": [1, 2, 3, 9], "mode": ["slow", "best"]}


def test_the_calls_that_are_shown_make_the_same_job(forms: Forms, tmp_path: Path):
    page = forms.open(f"submit?task=kinds&params={_asked(json.dumps(WHOLE))}")
    page.get_by_text("Options of the job").click()
    forms.field("priority").fill("-5")
    forms.field("key").fill("it's $mine")
    forms.field("on_conflict").select_option("return")
    forms.field("delay").fill("0.5")
    forms.group("tags").get_by_role("button", name="Add one").click()
    forms.field("tags 1").fill("calls")
    expect(forms.field("tags 1")).to_have_value("calls")
    made = forms.submit()
    forms.client.wait_for_job(made.id, 30)  # while it is active, it would stand for all that have its key
    page.go_back()
    page = forms.open(f"submit?task=kinds&from={made.id}")
    forms.field("count").fill("6")
    texts = {kind: forms.shown(kind) for kind in ("curl", "Python", "Command line")}
    ids = [_ran(forms, ["bash", "-c", texts["curl"]], r'"id":\s*"(\w+)"', tmp_path)]
    (tmp_path / "call.py").write_text(texts["Python"] + "print(job.id)\n")
    ids.append(_ran(forms, [sys.executable, "call.py"], r"(\w+)\s*$", tmp_path))
    ids.append(_ran(forms, ["bash", "-c", texts["Command line"]], r"(\w+)\s*$", tmp_path))
    for jid in ids:
        job = forms.client.get_job_by_id(jid)
        assert job.params == {**WHOLE, "count": 6}
        assert (job.priority, job.tags) == (-5, ["calls"])


def _asked(text: str) -> str:
    from urllib.parse import quote

    return quote(text)


def _ran(forms: Forms, command: list[str], pattern: str, folder: Path) -> str:
    env = {**forms.system.env, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done
    found = re.search(pattern, done.stdout)
    assert found, done.stdout
    return found[1]


VERDICTS: list[Any] = [
    WHOLE,
    {},
    {"count": 0, "name": "a"},
    {"count": 1.5, "name": 3},
    {"count": True, "name": "ab", "fast": 1},
    {"count": "1", "name": "ab", "mode": "other", "level": 4, "colour": None},
    {"count": 1, "name": "ab", "place": {"x": 200}, "points": [{"x": 1, "y": 2}, {"y": -91}]},
    {"count": 1, "name": "ab", "weights": [1, -1, 0, 0, 0, 0], "pair": [1], "labels": {"a/b": "x"}},
    {"count": 1, "name": "ab", "pair": ["z", 1], "tree": {"branches": [{"name": 1}]}, "more": 1, "a/b": 2},
    {"count": 1, "name": "ab", "shape": {"kind": "circle", "radius": 0}},
    {"count": 1, "name": "ab", "either": 1.5, "sure": "yes", "note": [], "anything": [1, {"x": None}]},
    {"count": 1, "name": "ab", "big": 2**64, "ratio": "0.5", "text": "x" * 5001},
]


@pytest.mark.parametrize("params", VERDICTS, ids=range(len(VERDICTS)))
def test_the_page_and_the_server_find_the_same_fields_at_fault(forms: Forms, params: Any):
    task = forms.client.task("kinds")
    schema = task["schema"]
    servers = {fault.pointer for fault in mismatches(task["digest"], lambda: schema, params, "")}
    forms.open("jobs")
    body = "const { parse } = await import(new URL('json.js', a[2])); return m.validate(a[0], parse(a[1]))"
    own = forms.page.locator("script[type=module]").evaluate("(each) => each.src.replace('app.js', 'lib/')")
    told = forms.module(
        "validate.js", f"{body}.map((each) => each.pointer);", [task["schema"], json.dumps(params), own]
    )
    # where one of several things is meant, the page says what is wrong inside it
    assert all(any(_is_within(inner, outer) for inner in told) for outer in servers)
    assert all(any(_is_within(inner, outer) for outer in servers) for inner in told)


def _is_within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(f"{outer}/")


def test_names_and_values_stay_text(forms: Forms):
    sly = "<img src=x onerror=alert(1)>"
    job = forms.client.add_job("free", {sly: sly, "__proto__": {"a": 1}})
    page = forms.open(f"submit?from={job.id}")
    expect(page.get_by_label("name", exact=True).first).to_have_value(sly)
    assert page.locator("img").count() == 0
    assert forms.submit().params == {sly: sly, "__proto__": {"a": 1}}


def test_the_keyboard_alone_submits(forms: Forms):
    page = forms.open("submit?task=draw")
    forms.field("Task").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id").endswith("/params/start"):
            break
    page.keyboard.type("1")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    for _ in range(5):
        if page.evaluate("document.activeElement.id").endswith("/params/end"):
            break
        page.keyboard.press("Tab")
    page.keyboard.type("9")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("#/jobs/"))
    assert forms.sent == [{"task": "draw", "params": {"start": 2, "end": 9}}]
