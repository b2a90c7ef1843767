"""The rules of the house, held: who imports whom, one verb in four places, sizes, names, documentation."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

import jobsapi
from jobsapi import errors, jobs, settings, states
from jobsapi.store.keys import Keys

SOURCE = Path(jobsapi.__file__).parent
ROOT = SOURCE.parent.parent
MODULES = sorted(SOURCE.rglob("*.py"))
PAGE = sorted(
    path
    for path in (SOURCE / "web" / "ui").rglob("*.*")
    if path.suffix in (".js", ".css") and "vendor" not in path.parts
)
SCRIPTS = sorted((SOURCE / "store" / "lua").glob("*.lua"))

HOUSE = (
    *(
        "errors",
        "names",
        "notebook",
        "settings",
        "outbound",
        "states",
        "timing",
        "store",
        "backoff",
        "caching",
        "fit",
        "limits",
        "tasks",
        "apps",
        "options",
        "record",
        "documents",
        "registry",
        "submission",
        "sweeps",
    ),
    *(
        "results",
        "advice",
        "reads",
        "events",
        "family",
        "batches",
        "tables",
        "claims",
        "submitting",
        "jobs",
        "idempotency",
        "tracebacks",
        "runner",
        "data",
        "schedules",
        "webhooks",
        "audit",
        "stats",
        "upkeep",
        "listener",
        "finish",
        "running",
        "ahead",
        "turns",
        "renewing",
        "timetable",
        "duties",
        "patience",
        "worker",
        "web",
        "api",
        "server",
        "client",
    ),
    *("classic", "example", "doctor", "serve", "testing", "cli"),
)
"""Bottom first: a module imports only from parts that stand before its own."""


def _part(module: Path) -> str:
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> set[str]:
    """The parts of jobsapi that a module imports, wherever in the file."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").startswith("jobsapi"):
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name.split(".")[1] for name in node.names if name.name.startswith("jobsapi.")}
    return found & {_part(module) for module in MODULES}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_imports_upward(module):
    part = _part(module)
    if part in ("__init__", "__main__"):
        return  # the package's front door looks at everything
    upward = {each for each in _imports(ast.parse(module.read_text())) if HOUSE.index(each) > HOUSE.index(part)}
    assert not upward, f"{part} imports {upward}"


def test_every_part_has_its_line_in_the_house_and_in_the_architecture_page():
    parts = {_part(module) for module in MODULES} - {"__init__", "__main__"}
    assert parts == set(HOUSE)
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert not {part for part in HOUSE if f"`{part}`" not in page}


@pytest.mark.parametrize("verb", sorted(states.TRANSITIONS))
def test_one_verb_stands_in_four_places(verb):
    assert (SOURCE / "store" / "lua" / f"{verb}.lua").is_file()
    assert (ROOT / "tests" / "lua" / f"test_{verb}.py").is_file()
    named = [name for name in vars(jobs) if re.fullmatch(rf"{verb}_jobs?", name)]
    assert len(named) == 1


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_opens_with_its_purpose_and_stays_short(script):
    lines = script.read_text().splitlines()
    assert lines[0].startswith("-- ")
    if not script.name.startswith("_"):
        header = "\n".join(line for line in lines if line.startswith("--"))
        assert header.startswith(f"-- {script.stem}: ")
        assert "ARGV: clock" in header
        assert "Replies with" in header
    assert len(lines) <= 70


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_and_functions_stay_small_and_say_what_they_are_for(module):
    text = module.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 400
    first = (ast.get_docstring(tree) or "").split("\n\n")[0]
    assert first.endswith((".", ".”"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{node.name} is too long"


@pytest.mark.parametrize("file", PAGE, ids=lambda path: path.name)
def test_a_file_of_the_page_stays_small_says_what_it_is_for_and_names_no_other_host(file):
    lines = file.read_text().splitlines()
    assert lines[0].startswith(("// ", "/* "))
    assert len(lines) <= 400
    text = file.read_text()
    assert not re.findall(r"https?://(?!www\.w3\.org)\w", text)
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


def test_what_the_page_vendors_keeps_its_licence_beside_it():
    vendored = SOURCE / "web" / "ui" / "vendor"
    told = (vendored / "README.md").read_text()
    for file in vendored.glob("*.js"):
        row = next(line for line in told.splitlines() if line.startswith(f"| `{file.name}`"))
        assert (vendored / re.findall(r"`([\w.]+LICENSE)`", row)[0]).is_file()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_a_module_lists_exists_and_has_a_docstring(module):
    if module.name == "__main__.py" or "child" in module.name:
        return
    name = ".".join(("jobsapi", *module.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
    text = module.read_text()
    if "__all__" not in text:
        return
    loaded = importlib.import_module(name)
    for public in loaded.__all__:
        value = getattr(loaded, public)
        if callable(value) and not public.startswith("_"):
            assert value.__doc__, f"{name}.{public}"


def test_every_setting_has_a_help_text_and_is_documented():
    page = (ROOT / "docs" / "reference-settings.md").read_text()
    for variable, _default, text in settings.documented():
        assert text
        assert f"`{variable}`" in page


def test_a_variable_that_is_not_a_setting_is_read_nowhere():
    known = {variable for variable, _, _ in settings.documented()}
    for module in MODULES:
        used = set(re.findall(r"\bJOBSAPI_[A-Z_]+\b", module.read_text()))
        assert not used - known - {"JOBSAPI_READY_WITH"}, module.name


def test_every_error_has_a_code_of_its_own_and_a_status():
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    codes = [each.code for each in classes]
    assert len(set(codes)) == len(codes)
    assert all(400 <= each.http_status < 600 for each in classes)


def test_every_key_is_spelled_in_one_file():
    spelled = [template.split("{")[0] for _, template, _ in Keys.described() if ":" in template]
    for module in MODULES:
        if module.name != "keys.py":
            text = module.read_text()
            assert not [each for each in spelled if f'"{each}' in text and len(each) > 2], module.name
    for script in SCRIPTS:
        assert "KEYS[1] .." not in script.read_text()


def test_statuses_are_exactly_the_words_of_the_wire():
    words = ["scheduled", "submitted", "in progress", "complete", "failed", "cancelled"]
    assert [status.value for status in states.Status] == words
    assert len({status.code for status in states.Status} | {states.STAGED_CODE}) == len(words) + 1
