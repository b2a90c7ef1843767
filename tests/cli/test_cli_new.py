"""`jobsapi new`: a project whose own tests pass, under a name that fits, over nothing that is there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml

from tests.cli.conftest import environment, run
from tests.cli.test_cli_commands import one_line


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_projects_own_tests_pass(folder):
    done = run("new", "weather", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cd weather\n  jobsapi serve app.py\n" in done.stdout
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=folder / "weather",
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout + tests.stderr
    assert "8 passed" in tests.stdout


def test_the_projects_code_is_clean(folder):
    run("new", "weather", cwd=folder)
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--line-length", "120", "weather"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_every_file_is_there_and_names_the_project(folder):
    told = json.loads(run("new", "My_Weather-2", "--json", cwd=folder).stdout)
    project = folder / "My_Weather-2"
    assert (told["name"], told["folder"]) == ("My_Weather-2", str(project))
    assert {"app.py", "tests/test_app.py", "Dockerfile", "docker-compose.yml", "README.md"} < set(told["files"])
    found = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    assert found == set(told["files"])
    assert (project / "README.md").read_text().startswith("# My_Weather-2\n")
    for name in found:
        text = (project / name).read_text()
        assert not [word for word in ("PROJECT_", "VERSION_OF", "tmpl") if word in text], name
    assert names(folder) == ["My_Weather-2"], "nothing of the draft is left"


def test_the_compose_file_starts_a_store_an_api_and_a_worker_of_one_image(folder):
    run("new", "Weather", cwd=folder)
    services = yaml.safe_load((folder / "Weather" / "docker-compose.yml").read_text())["services"]
    assert set(services) == {"redis-db", "api", "worker"}
    assert services["api"]["image"] == services["worker"]["image"] == "weather"
    assert services["worker"]["command"] == "jobsapi worker /app/app.py"
    assert services["api"]["ports"] == ["127.0.0.1:${PORT:-5000}:5000"]


@pytest.mark.parametrize("name", ["", "9lives", "two words", "../.hidden", ".", "a" * 61, "ünder", "-x"])
def test_a_name_that_does_not_fit_is_one_sentence(folder, name):
    assert one_line(run("new", "--", name, cwd=folder)).endswith("`jobsapi new weather`, for one.")
    assert names(folder) == []


def test_nothing_is_written_over(folder):
    (folder / "there").mkdir()
    (folder / "there" / "mine.txt").write_text("mine")
    (folder / "file").write_text("mine")
    (folder / "link").symlink_to("nowhere")
    for name in ("there", "file", "link"):
        assert "is there already, and nothing is written over" in one_line(run("new", name, cwd=folder))
    assert names(folder) == ["file", "link", "there"]
    assert names(folder / "there") == ["mine.txt"]
    assert "There is no folder nowhere" in one_line(run("new", "nowhere/weather", cwd=folder))
    (folder / "empty").mkdir()
    assert run("new", "empty", cwd=folder).returncode == 0
