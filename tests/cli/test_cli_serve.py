"""`jobsapi serve`: what it tells, what it refuses, and what it does with a change, a signal and a kill."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import urllib.error
import urllib.request

import pytest

from tests.cli.conftest import APP, free_port, run
from tests.system import is_alive, tree, until


def status_of(url: str) -> int | None:
    """The status of a GET; None where nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None


# --- What it tells ----------------------------------------------------------------------------------------------------


def test_serve_tells_the_tasks_the_server_the_docs_and_lines_that_work(serve):
    started = serve(str(APP)).until_ready()
    said = started.until_said("--wait")
    assert re.search(r"task +add +a \[b\]", said)
    assert str(started.folder / ".jobsapi") in said
    assert status_of(re.search(r"http\S+/docs", said)[0]) == 200
    [first, *_] = re.findall(r"curl .*", said)
    reply = subprocess.run(["sh", "-c", first], capture_output=True, check=True)
    assert b'"status":"submitted"' in reply.stdout
    command = shlex.split(re.search(r"jobsapi (submit .*)", said)[1])
    done = started.run(*command)
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


def test_the_only_task_needs_no_name_in_the_line_to_try(serve, folder):
    (folder / "one.py").write_text("from jobsapi import task\n@task\ndef plot(start: int, end: int): return end\n")
    started = serve("one.py").until_ready()
    said = started.until_said("--wait")
    assert """/jobs -d '{"start": 1, "end": 1}'""" in said


def test_it_is_ready_only_when_the_tasks_can_be_used(serve, folder):
    (folder / "late.py").write_text(
        "import time\nfrom pathlib import Path\nfrom jobsapi import task\n"
        "while not Path('go').exists(): time.sleep(0.01)\n@task\ndef late(): return 1\n"
    )
    started = serve("late.py")
    assert until("the API answers", lambda: status_of(f"{started.url}/healthz")) == 200
    assert status_of(f"{started.url}/readyz") == 503
    (folder / "go").touch()
    started.until_ready()
    assert status_of(f"{started.url}/readyz") == 200


# --- What it refuses --------------------------------------------------------------------------------------------------


def test_a_taken_port_is_told_in_one_sentence_with_the_way_out(system, folder):
    done = run("serve", str(APP), "--port", str(system.port), cwd=folder)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert f"Port {system.port} is taken" in line
    assert f"--port {system.port + 1}" in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import nowhere_to_be_found\n", "No module named 'nowhere_to_be_found'"),
        ("x = 1\n", "put @task"),
    ],
)
def test_an_app_that_cannot_be_used_is_told_and_ends_it(folder, text, told):
    (folder / "app.py").write_text(text)
    done = run("serve", "app.py", "--port", str(free_port()), cwd=folder)
    assert done.returncode == 1
    assert told in done.stderr
    assert "jobsapi/" not in done.stderr, "a traceback shows the user's lines only"


def test_an_app_that_is_not_there_is_one_sentence(folder):
    done = run("serve", "nowhere.py", "--port", str(free_port()), cwd=folder)
    assert (done.returncode, done.stderr) == (1, "jobsapi: There is no file nowhere.py.\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--queue", "long=0"], "a number above 0"),
        (["--queue", "no space"], "NAME or NAME=WEIGHT"),
        (["--host", "no.such.host.invalid"], "There is no address"),
        (["--lease", "0.1"], "between 0.5 and 3600"),
        (["--reload"], "serve FILE.py --reload"),
    ],
)
def test_flags_that_do_not_fit_are_one_sentence(folder, words, told):
    app = [] if "--reload" in words else [str(APP)]
    done = run("serve", *app, *words, "--port", str(free_port()), cwd=folder)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert told in line


def test_an_address_that_others_reach_needs_a_token_first(serve, folder):
    words = (str(APP), "--host", "0.0.0.0")
    done = run("serve", *words, "--port", str(free_port()), cwd=folder)
    assert done.returncode == 2
    assert "jobsapi token create" in done.stderr
    token = run("token", "create", "me", cwd=folder).stdout.strip()
    started = serve(*words).until_ready()
    assert 'curl -H "Authorization: Bearer $JOBSAPI_TOKEN"' in started.until_said("--wait")
    assert started.run("jobs").returncode == 2
    assert started.run("jobs", JOBSAPI_TOKEN=token).returncode == 0


# --- Changes, signals, kills ------------------------------------------------------------------------------------------


def test_reload_starts_the_worker_again_when_a_file_changes(serve, folder):
    app = folder / "app.py"
    app.write_text("from jobsapi import task\n@task\ndef first(): return 1\n")
    started = serve("app.py", "--reload").until_ready()
    app.write_text("from jobsapi import task\n@task\ndef second(): return 2\n")
    started.until_said("the worker is ready; tasks: second")
    assert started.run("submit", "second", "--wait").stdout == "2\n"
    app.write_text("def broken(:\n")
    started.until_said("waiting for a change of the files")
    app.write_text("from jobsapi import task\n@task\ndef third(): return 3\n")
    started.until_said("the worker is ready; tasks: third")


def test_two_serves_in_one_folder_share_their_jobs(serve):
    first, second = serve(str(APP)), serve(str(APP))
    first.until_ready(), second.until_ready()
    job = first.client().add_job("add", {"a": 1})
    assert second.client().wait_for_job(job.id, 30).status == "complete"
    assert len(first.client().workers()) == 2
    first.end()
    assert second.client().get_results(job.id) == 3


def test_a_killed_worker_is_started_again_and_its_job_completes(serve, folder):
    started = serve(str(APP), "--lease", "1").until_ready()
    job = started.client().add_job("hold", {"until": str(folder / "go")})
    until("the job runs", lambda: started.client().get_job_by_id(job.id).status == "in progress")
    worker = started.worker()
    subprocess.run(["kill", "-9", str(worker)], check=True)
    started.until_said(r"the worker ended \(signal 9\); it starts again")
    (folder / "go").touch()
    done = started.client().wait_for_job(job.id, 40)
    assert (done.status, done.deliveries_lost) == ("complete", 1)
    assert started.worker() != worker


def test_a_killed_api_answers_again(serve):
    started = serve(str(APP)).until_ready()
    old = [started.api(), *tree(started.api())]  # its child may answer once more before it follows
    subprocess.run(["kill", "-9", str(old[0])], check=True)
    started.until_said(r"the api ended \(signal 9\); it starts again")
    until("the old one is gone", lambda: not any(map(is_alive, old)))
    until("the API answers again", lambda: status_of(f"{started.url}/readyz") == 200)
    assert started.run("submit", "add", "a=1", "--wait").stdout == "3\n"


def test_a_killed_serve_leaves_nothing_behind_once_its_jobs_had_their_grace(serve, folder):
    started = serve(str(APP), "--grace", "0.5").until_ready()
    job = started.client().add_job("hold", {"until": str(folder / "never")})
    until("the job runs", lambda: started.client().get_job_by_id(job.id).status == "in progress")
    everything = tree(started.process.pid)
    started.process.kill()
    until("its parts are gone", lambda: not any(map(is_alive, everything)))
    assert status_of(f"{started.url}/healthz") is None


def test_a_part_that_does_not_stay_up_ends_everything(serve):
    started = serve(str(APP)).until_ready()
    for count in range(1, 6):
        subprocess.run(["kill", "-9", str(started.worker())], check=True)
        started.until_said(r"it starts again", count)
    subprocess.run(["kill", "-9", str(started.worker())], check=True)
    assert started.process.wait(60) == 1
    assert "does not stay up" in started.until_said("everything is stopped")


def test_a_drained_worker_is_followed_by_a_fresh_one_and_that_is_no_death(serve):
    started = serve(str(APP)).until_ready()
    for count in range(1, 8):
        [worker] = started.client().workers()
        address = f"{started.url}/workers/{worker['id']}/drain"
        urllib.request.urlopen(address, b"").close()
        started.until_said("the worker ended as it was asked to; a fresh one starts", count)
        started.until_said("the worker is ready", count)
    assert started.run("submit", "add", "a=1", "--wait").stdout == "3\n"


def test_sigterm_lets_jobs_end_and_the_api_tells_it_until_the_last(serve, folder):
    started = serve(str(APP)).until_ready()
    client = started.client()
    job = client.add_job("hold", {"until": str(folder / "go")})
    until("the job runs", lambda: client.get_job_by_id(job.id).status == "in progress")
    started.process.terminate()
    until("the worker drains", lambda: [each["state"] for each in client.workers()] == ["draining"])
    (folder / "go").touch()
    assert started.process.wait(60) == 0
    again = serve(str(APP)).until_ready()
    assert again.client().get_results(job.id) == "held"


def test_ctrl_c_hands_jobs_back_without_charge(serve, folder):
    started = serve(str(APP)).until_ready()
    job = started.client().add_job("hold", {"until": str(folder / "go")})
    until("the job runs", lambda: started.client().get_job_by_id(job.id).status == "in progress")
    assert started.end(signal.SIGINT) == 0
    assert "Traceback" not in started.text
    (folder / "go").touch()
    again = serve(str(APP)).until_ready()
    done = again.client().wait_for_job(job.id, 40)
    assert (done.status, done.attempt, done.deliveries_lost) == ("complete", 1, 0)
