"""The commands, run as a user runs them, against a real system."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import APP, JOBSAPI, environment, free_port, run
from tests.system import until
from tests.system.proxy import a_proxy

ID = r"[0-9A-Za-z]{20}"


def submit(system, *words):
    """The id of a new job."""
    done = system.run("submit", *words)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(f"{ID}\n", done.stdout)
    return done.stdout.strip()


def one_line(done, code=2):
    """The one sentence that a command that was refused wrote."""
    assert (done.returncode, done.stdout) == (code, ""), done
    [line] = done.stderr.splitlines()
    assert line.startswith("jobsapi: ")
    return line.removeprefix("jobsapi: ")


# --- Submit -----------------------------------------------------------------------------------------------------------


def test_submit_prints_the_id_alone(system):
    submit(system, "add", "a=1")


def test_submit_and_wait_prints_the_result(system):
    done = system.run("submit", "add", "a=1", "b=40", "--wait")
    assert (done.returncode, done.stdout, done.stderr) == (0, "41\n", "")


def test_parameters_follow_the_schema_of_the_task(system):
    words = ["text=5", "mode=slow", "numbers=[1, 2]", 'where={"x": 1}', "flag=True"]
    done = system.run("submit", "echo", *words, "--wait")
    expected = {"text": "5", "mode": "slow", "numbers": [1, 2], "where": {"x": 1.0}, "flag": True}
    assert json.loads(done.stdout) == expected


def test_options_are_heard(system):
    flags = ["--queue", "aside", "--priority", "7", "--timeout", "50", "--tag", "one", "--tag", "two"]
    more = ["--max-deliveries", "1", "--keep", "60"]
    done = system.run("submit", "add", "a=1", *flags, *more, "--json")
    job = json.loads(done.stdout)
    assert (job["queue"], job["priority"], job["tags"], job["status"]) == ("aside", 7, ["one", "two"], "submitted")
    system.run("cancel", job["id"])


def test_a_job_that_fails_is_exit_code_1_and_says_why(system):
    line = one_line(system.run("submit", "fail", "--wait"), 1)
    assert "failed (error): ValueError: it does not go" in line
    assert "jobsapi logs" in line
    done = system.run("submit", "fail", "--wait", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["reason"] == "error"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["add", "a=x"], 'a: "x" is not of type "integer". `jobsapi tasks add` shows what it takes.'),
        (["add"], "a is required. `jobsapi tasks add`"),
        (["add", "a=1", "c=2"], "c is not a parameter."),
        (["echo", "text=1", "nmbers=[]"], "nmbers is not a parameter (did you mean numbers?)."),
        (["echo", "text=1", 'numbers=[1, "x"]'], 'numbers/1: "x" is not of type "integer"'),
        (["add", "1"], "NAME=VALUE"),
        (["add", "a=1", "a=2"], "given twice"),
        (["nothing"], "Known tasks: add"),
        (["add", "a=1", "--priority", "101"], "/priority is an integer from -100 to 100"),
        (["add", "a=1", "--tag", "not a tag"], "tag"),
        (["add", "a=1", "--priority", "high"], "/priority is an integer"),
        ([], "`jobsapi submit --help`"),
        (["add", "--colour"], "`jobsapi submit --help`"),
    ],
)
def test_what_does_not_fit_is_one_sentence_and_exit_code_2(system, words, told):
    line = one_line(system.run("submit", *words)).replace("python -m ", "")
    assert told in line


# --- Jobs -------------------------------------------------------------------------------------------------------------


def test_jobs_lists_the_newest_first_and_filters(system):
    first, second = submit(system, "add", "a=1", "--tag", "lists"), submit(system, "two", "--tag", "lists")
    shown = system.run("jobs", "--tag", "lists").stdout
    assert re.findall(ID, shown) == [second, first]
    found = json.loads(system.run("jobs", "--tag", "lists", "--task", "add", "--json").stdout)["jobs"]
    assert [each["id"] for each in found] == [first]
    assert len(json.loads(system.run("jobs", "--limit", "1", "--json").stdout)["jobs"]) == 1
    assert json.loads(system.run("jobs", "--status", "in_progress", "--tag", "lists", "--json").stdout) == {"jobs": []}


def test_jobs_refuses_a_status_that_is_none(system):
    assert "is no status" in one_line(system.run("jobs", "--status", "done"))


def test_status_shows_the_job(system):
    jid = submit(system, "fail")
    system.client().wait_for_job(jid, 30)
    shown = system.run("status", jid).stdout
    assert re.search(r"status +failed \(error\)", shown)
    assert re.search(r"error +ValueError: it does not go", shown)
    assert json.loads(system.run("status", jid, "--json").stdout)["id"] == jid


def test_status_shows_the_first_parents_and_children(system):
    parent = submit(system, "fail")
    children = [submit(system, "add", "a=1", f"--after-any={parent}") for _ in range(7)]
    for jid in children:
        system.client().wait_for_job(jid, 30)
    lines = system.run("status", parent).stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("children"))
    found = [line.removeprefix("children").split() for line in lines[at : at + 6]]
    assert found == [*(["complete", jid, "add"] for jid in children[:1:-1]), ["and", "2", "more"]]
    shown = system.run("status", children[0]).stdout
    assert re.search(rf"^after any +failed \(error\)  {parent}  fail$", shown, re.MULTILINE)


def test_an_unknown_id_is_one_sentence(system):
    for command in ("status", "results", "logs", "cancel", "retry"):
        told = "No job has the id '00nothing'. `jobsapi jobs` lists those that are there."
        assert one_line(system.run(command, "00nothing")) == told


def test_results_of_several_outputs_print_the_values_and_save_the_files(system):
    jid = submit(system, "two")
    system.client().wait_for_job(jid, 30)
    shown = json.loads(system.run("results", jid).stdout)
    assert shown["summary"] == {"n": 1}
    assert shown["plot"]["type"] == "image/png"
    done = system.run("results", jid, "-o", f"saved-{jid}", "--json")
    files = json.loads(done.stdout)["files"]
    assert sorted(files) == [f"saved-{jid}/plot.png", f"saved-{jid}/summary.json"]
    assert (system.folder / f"saved-{jid}" / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_result_of_bytes_goes_out_as_it_is_but_not_to_a_terminal(system):
    jid = submit(system, "raw")
    system.client().wait_for_job(jid, 30)
    where = {"cwd": system.folder, "env": system.env}
    plain = subprocess.run([*JOBSAPI, "results", jid], **where, capture_output=True, check=True)
    assert plain.stdout == b"\x00\x01\xff"
    assert "-o FILE" in one_line(system.run("results", jid, "--json"))
    terminal, its_end = pty.openpty()
    shown = subprocess.run([*JOBSAPI, "results", jid], **where, stdout=its_end, stderr=subprocess.PIPE, check=False)
    os.close(its_end)
    os.close(terminal)
    assert shown.returncode == 2
    assert b"-o FILE" in shown.stderr
    done = system.run("results", jid, "-o", "raw.bin")
    assert (done.returncode, done.stdout) == (0, "raw.bin\n")
    assert "nowhere/raw.bin" in one_line(system.run("results", jid, "-o", "nowhere/raw.bin"))


def test_results_are_exit_code_1_while_there_are_none(system):
    jid = submit(system, "hold", f"until={system.folder}/results-go")
    assert "its results come when it is complete" in one_line(system.run("results", jid), 1)
    system.run("cancel", jid)
    system.client().wait_for_job(jid, 30)
    assert "cancelled" in one_line(system.run("results", jid), 1)


def test_logs_print_what_the_job_wrote(system):
    jid = submit(system, "add", "a=1")
    system.client().wait_for_job(jid, 30)
    assert system.run("logs", jid).stdout == "adding 1 and 2\n"
    assert json.loads(system.run("logs", jid, "--json").stdout) == {"id": jid, "log": "adding 1 and 2\n"}


def test_logs_follow_until_the_end(system):
    go = system.folder / "logs-go"
    jid = submit(system, "hold", f"until={go}")
    command = [*JOBSAPI, "logs", "-f", jid]
    with subprocess.Popen(command, cwd=system.folder, env=system.env, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout
        assert following.stdout.readline() == "begun\n"
        go.touch()
        assert following.stdout.read() == "ended\n"
    assert following.returncode == 0


def test_a_followed_log_that_is_cut_goes_on_without_a_line_twice(system):
    go = system.folder / "logs-cut-go"
    jid = submit(system, "hold", f"until={go}")
    with a_proxy(system.port) as proxy:
        command = [*JOBSAPI, "logs", "-f", jid, "--url", f"http://127.0.0.1:{proxy.port}"]
        with subprocess.Popen(command, cwd=system.folder, env=system.env, stdout=subprocess.PIPE, text=True) as shown:
            assert shown.stdout
            assert shown.stdout.readline() == "begun\n"
            proxy.cut()
            go.touch()
            assert shown.stdout.read() == "ended\n"
        assert shown.returncode == 0


def test_a_log_is_followed_where_the_api_has_no_stream_to_give(serve):
    system = serve(str(APP), JOBSAPI_MAX_STREAMS="0").until_ready()
    done = system.run("submit", "add", "a=1", "-v")
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "adding 1 and 2\n")
    go = system.folder / "go"
    command = [*JOBSAPI, "logs", "-f", submit(system, "hold", f"until={go}")]
    with subprocess.Popen(command, cwd=system.folder, env=system.env, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout
        assert following.stdout.readline() == "begun\n"
        go.touch()
        assert following.stdout.read() == "ended\n"
    assert following.returncode == 0


def test_cancel_and_retry_say_what_the_job_is_then(system):
    jid = submit(system, "hold", f"until={system.folder}/retry-go")
    until("the job runs", lambda: system.client().get_job_by_id(jid).status == "in progress")
    assert system.run("cancel", jid).stdout == f"{jid}: it is being stopped\n"
    assert system.client().wait_for_job(jid, 30).status == "cancelled"
    assert "cancelled" in one_line(system.run("cancel", jid))
    assert json.loads(system.run("retry", jid, "--json").stdout)["status"] in ("submitted", "in progress")
    (system.folder / "retry-go").touch()
    assert system.client().wait_for_job(jid, 30).status == "complete"


# --- Data -------------------------------------------------------------------------------------------------------------


def test_data_is_loaded_searched_and_looked_at(system):
    rows = [{"id": f"r{i}", "place": f"Old Town {i}", "mag": i} for i in range(5)]
    (system.folder / "rows.json").write_text(json.dumps(rows))
    done = system.run("data", "load", "rows.json", "--dataset", "places")
    assert (done.returncode, done.stdout) == (0, "5 records loaded; places holds 5.\n"), done.stderr
    found = system.run("data", "search", "old", "tow*", "mag.gte=3", "--dataset", "places").stdout
    assert [json.loads(line)["id"] for line in found.splitlines()] == ["r3", "r4"]
    found = json.loads(system.run("data", "search", "place=Old Town 2", "--dataset", "places", "--json").stdout)
    assert [each["id"] for each in found["records"]] == ["r2"]
    found = system.run("data", "search", "--limit", "2", "--dataset", "places").stdout
    assert len(found.splitlines()) == 2
    assert json.loads(system.run("data", "get", "r1", "--dataset", "places").stdout) == rows[1]
    assert re.search(r"places +5 +", system.run("data", "list").stdout)


def test_data_that_is_not_there_is_one_sentence(system):
    assert "no.json: No such file" in one_line(system.run("data", "load", "no.json"))
    assert one_line(system.run("data", "get", "nobody"))
    (system.folder / "bad.csv").write_text("a,b\n1,2\n1,2,3\n")
    assert "Row 2" in one_line(system.run("data", "load", "bad.csv"))


# --- The system -------------------------------------------------------------------------------------------------------


def test_tasks_queues_and_workers_are_listed(system):
    system.run("submit", "add", "a=1", "--wait")
    assert re.search(r"add +a \[b\] +default +1 +Add two numbers\.", system.run("tasks").stdout)
    assert {each["name"] for each in json.loads(system.run("queues", "--json").stdout)["queues"]} >= {"default", "long"}
    assert re.search(r"default +0 +", system.run("queues").stdout)
    [worker] = json.loads(system.run("workers", "--json").stdout)["workers"]
    assert worker["concurrency"] == 2
    assert worker["id"] in system.run("workers").stdout


def test_a_token_is_made_before_anything_runs_and_printed_alone(folder):
    made = run("token", "create", "me", cwd=folder)
    assert made.returncode == 0
    assert re.fullmatch(r"ja_\S{43}\n", made.stdout)
    [listed] = json.loads(run("token", "list", "--json", cwd=folder).stdout)["tokens"]
    assert listed["name"] == "me"
    assert listed["id"] in run("token", "list", cwd=folder).stdout
    assert json.loads(run("token", "revoke", "me", "--json", cwd=folder).stdout) == {"revoked": 1}
    assert "token list" in one_line(run("token", "revoke", "me", cwd=folder))


def test_flags_say_where_the_api_is(system, folder):
    elsewhere = str(free_port())
    for flags in (["--url", system.url], ["--port", str(system.port)]):
        done = run("jobs", *flags, "--limit", "1", cwd=folder, env=environment(JOBSAPI_PORT=elsewhere))
        assert done.returncode == 0, done.stderr
    wrong = environment(JOBSAPI_URL=f"http://127.0.0.1:{elsewhere}")
    assert run("jobs", "--port", str(system.port), cwd=folder, env=wrong).returncode == 0
    line = one_line(run("jobs", cwd=folder, env=wrong))
    assert "jobsapi serve" in line
    assert "no address of an API" in one_line(run("jobs", "--url", "localhost", cwd=folder))


# --- Manners ----------------------------------------------------------------------------------------------------------


def test_ctrl_c_leaves_the_job_running_and_says_how_to_come_back_to_it(system):
    go = system.folder / "comes-back"
    command = [*JOBSAPI, "submit", "hold", f"until={go}", "--tag", "left", "--wait", "-v"]
    with subprocess.Popen(command, cwd=system.folder, env=system.env, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr
        assert waiting.stderr.readline() == "begun\n"
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(30) == 130
        [line] = waiting.stderr.read().splitlines()
    [job] = system.client().list_jobs(tag="left")
    assert line.startswith(f"jobsapi: job {job.id} goes on. `jobsapi wait {job.id}`")
    assert f"`jobsapi cancel {job.id}` stops it" in line
    go.touch()
    done = system.run("wait", job.id)
    assert (done.returncode, done.stdout, done.stderr) == (0, '"held"\n', "")


def test_a_reader_that_has_had_enough_is_no_error(system):
    for _ in range(3):
        submit(system, "add", "a=1")
    read, write = os.pipe()
    os.close(read)
    where = {"cwd": system.folder, "env": system.env}
    done = subprocess.run([*JOBSAPI, "jobs"], **where, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_unknown_command_is_one_sentence(folder):
    assert "No such command 'serv'" in one_line(run("serv", cwd=folder))
    assert "data --help" in one_line(run("data", cwd=folder))


def test_help_and_version_are_there_and_load_nothing_heavy(folder):
    assert run("--version", cwd=folder).stdout.strip()
    listed = run("--help", cwd=folder).stdout
    for name in ("serve", "api", "worker", "submit", "jobs", "status", "results", "logs", "cancel", "retry", "data"):
        assert name in listed
    heavy = "flask granian redis pydantic urllib3 jsonschema_rs rich.table"
    code = f"import sys, jobsapi.cli; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_worker_of_an_app_that_is_not_there_is_one_sentence(folder):
    done = run("worker", "nowhere.py", cwd=folder)
    assert (done.returncode, done.stderr) == (1, "jobsapi: There is no file nowhere.py.\n")


@pytest.mark.parametrize("command", [["worker", str(APP)], ["api"], ["token", "list"]])
def test_an_address_of_a_server_that_is_none_is_one_sentence(folder, command):
    words = [*command, *(["--port", str(free_port())] if command == ["api"] else [])]
    done = run(*words, cwd=folder, env=environment(REDIS_URL="localhost:6379", JOBSAPI_HOST="0.0.0.0"))
    assert "REDIS_URL" in one_line(done)
