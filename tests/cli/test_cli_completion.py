"""What the Tab key completes in a shell, and that it does so without a word where nothing answers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import environment, run
from tests.cli.test_cli_commands import submit
from tests.system import free_port

PROGRAM = Path(sys.executable).parent / "jobsapi"


def completed(line: str, env: dict[str, str], cwd: Path) -> list[str]:
    """What bash is offered for the last word of the line; words are parted as bash parts them, at `=` too."""
    *before, last = line.split(" ")
    words = " ".join(before).replace("=", " = ").split() + re.findall("=|[^=]+", last) + ([] if last else [""])
    told = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1), "_JOBSAPI_COMPLETE": "complete_bash"}
    done = subprocess.run([PROGRAM], cwd=cwd, env=env | told, capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


@pytest.fixture
def offered(system):
    """What is offered where the system answers."""
    return lambda line: completed(line, system.env, system.folder)


def test_commands_and_flags_are_completed(offered):
    assert offered("jobsapi sub") == ["submit"]
    assert offered("jobsapi queues p") == ["pause"]
    assert "--priority" in offered("jobsapi submit add --pri")


def test_tasks_and_their_parameters_are_completed(offered):
    assert offered("jobsapi submit ") == ["add", "echo", "fail", "hold", "raw", "two"]
    assert offered("jobsapi tasks ec") == ["echo"]
    assert offered("jobsapi submit add ") == ["a=", "a=<integer>", "b=2"]
    assert offered("jobsapi submit echo text=1 mo") == ["mode=fast", "mode=slow"]
    assert offered("jobsapi submit echo mode=") == ["fast", "slow"]
    assert offered("jobsapi submit echo mode=s") == ["slow"]
    assert offered("jobsapi submit echo fl") == ["flag=true", "flag=false"]
    assert offered("jobsapi submit nothing ") == []


def test_ids_are_completed_of_jobs_that_the_command_can_be_given(system, offered):
    ended = submit(system, "add", "a=1")
    system.client().wait_for_job(ended, 30)
    active = submit(system, "add", "a=1", "--queue", "aside")
    assert {ended, active} <= set(offered("jobsapi status "))
    assert active in offered("jobsapi cancel ")
    assert ended not in offered("jobsapi cancel ")
    assert ended in offered("jobsapi retry 00")
    assert active not in offered("jobsapi retry 00")
    system.run("cancel", active)


def test_names_of_queues_workers_batches_schedules_data_sets_and_statuses_are_completed(system, offered):
    [worker] = system.client().workers()
    batch = system.run("submit", "add", "--sweep", "a=1,2").stdout.strip()
    system.client().load_data([{"a": 1}], dataset="offered")
    system.run("schedules", "add", "yearly", "add", "a=1", "--cron", "0 0 1 1 *")
    assert "default" in offered("jobsapi queues pause d")
    assert offered("jobsapi workers drain ") == [worker["id"]]
    assert batch in offered("jobsapi batches status ")
    assert offered("jobsapi schedules show ye") == ["yearly"]
    assert offered("jobsapi schedules remove ye") == ["yearly"]
    assert offered("jobsapi data search --dataset off") == ["offered"]
    assert offered("jobsapi jobs --status in") == ["in_progress"]
    system.run("schedules", "remove", "yearly")


def test_the_api_that_a_flag_names_is_asked(system, folder):
    env = environment(JOBSAPI_PORT=str(free_port()))
    assert completed(f"jobsapi submit --port {system.port} ad", env, folder) == ["add"]
    assert completed(f"jobsapi submit --url {system.url} ad", env, folder) == ["add"]


@pytest.mark.parametrize("where", ["nothing answers", "no address", "a wrong setting"])
def test_nothing_is_offered_and_nothing_said_where_no_api_answers(folder, where):
    wrong = {
        "nothing answers": {"JOBSAPI_PORT": str(free_port())},
        "no address": {"JOBSAPI_URL": "localhost"},
        "a wrong setting": {"JOBSAPI_PORT": "many"},
    }[where]
    for line in ("jobsapi submit a", "jobsapi submit add ", "jobsapi status 00", "jobsapi queues pause "):
        assert completed(line, environment(**wrong), folder) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_once_it_is_installed(system, folder):
    env = environment(HOME=str(folder), PATH=f"{PROGRAM.parent}:{os.environ['PATH']}", JOBSAPI_PORT=str(system.port))
    env["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"  # a test's parent is no shell
    done = run("--install-completion", "bash", cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    [rc] = folder.glob(".bashrc")
    [script] = folder.glob(".bash_completions/*.sh")
    assert str(script) in rc.read_text()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_script_that_is_shown_completes_in_a_real_bash(system):
    env = {**system.env, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    env["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"
    shown = subprocess.run([PROGRAM, "--show-completion", "bash"], env=env, capture_output=True, text=True, check=True)
    asked = (
        'COMP_WORDS=(jobsapi submit tw); COMP_CWORD=2; _jobsapi_completion jobsapi; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", f"{shown.stdout}\n{asked}"], env=env, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("two\n", "")
