"""What a person at a terminal sees: bars, the log as it comes, `top`; and that a pipe gets none of it."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.terminal import Terminal
from tests.cli.test_cli_commands import ID, one_line, submit
from tests.system import until


@pytest.fixture
def terminal(system):
    """Start commands on terminals; those that still run are ended."""
    started = []

    def start(*words, **options):
        started.append(Terminal(*words, cwd=system.folder, env=system.env, **options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.ended()


# --- Waiting ----------------------------------------------------------------------------------------------------------


def test_a_terminal_shows_how_far_a_job_is_while_the_pipe_gets_the_result_alone(system, terminal):
    go = system.folder / "bar-go"
    shown = terminal("submit", "hold", f"until={go}", "--wait", is_piped=True)
    shown.until_shown(r"hold ━+\S* +50% half way")
    go.touch()
    assert shown.piped() == '"held"\n'
    assert shown.ended() == 0
    assert re.search(rf"jobsapi: job {ID} complete after \d", shown.text)


def test_the_log_comes_line_by_line_with_v(system, terminal):
    go = system.folder / "log-go"
    shown = terminal("submit", "hold", f"until={go}", "-v", is_piped=True)
    shown.until_shown(r"(?m)^begun *\n")
    assert "ended\n" not in shown.text
    go.touch()
    assert shown.ended() == 0
    assert re.search(r"(?m)^ended *\n", shown.text)
    assert shown.piped() == '"held"\n'


def test_without_a_terminal_v_writes_the_log_as_it_is_to_stderr(system):
    done = system.run("submit", "add", "a=1", "-v")
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "adding 1 and 2\n")


def test_ctrl_c_at_a_terminal_says_that_the_job_goes_on(system, terminal):
    shown = terminal("submit", "hold", f"until={system.folder}/never", "--tag", "ctrl-c", "--wait")
    shown.until_shown("half way")
    shown.press("\x03")
    assert shown.ended() == 130
    [job] = system.client().list_jobs(tag="ctrl-c")
    assert f"jobsapi: job {job.id} goes on." in shown.text
    assert "Traceback" not in shown.text
    assert job.status == "in progress"
    system.run("cancel", job.id)


def test_a_job_that_waits_in_its_queue_says_how_many_are_ahead_of_it(system, terminal):
    submit(system, "add", "a=1", "--queue", "nobodys")
    shown = terminal("submit", "add", "a=2", "--queue", "nobodys", "--wait")
    shown.until_shown(r"add waits in the queue, 1 ahead of it")
    shown.press("\x03")
    assert shown.ended() == 130
    for job in system.client().list_jobs(queue="nobodys"):
        system.client().cancel_job(job.id)


def test_a_sweep_shows_how_many_jobs_have_ended(system, terminal):
    go = system.folder / "sweep-go"
    shown = terminal("submit", "hold", f"until={go}", "--sweep", "seconds=20,0.01", "--wait", is_piped=True)
    shown.until_shown(r"2 jobs ━+\S* +50% 1 ended")
    go.touch()
    assert [line.split(",")[1] for line in shown.piped().splitlines()] == ["status", "complete", "complete"]
    assert shown.ended() == 0


def test_the_result_is_saved_where_o_says(system):
    done = system.run("submit", "two", "-o", "waited-two")
    assert (done.returncode, done.stdout.split()) == (0, ["waited-two/summary.json", "waited-two/plot.png"])
    done = system.run("submit", "add", "a=1", "-o", "three.json", "--json")
    told = json.loads(done.stdout)
    assert (told["status"], told["files"]) == ("complete", ["three.json"])
    assert (system.folder / "three.json").read_text() == "3"


def test_wait_takes_up_a_job_or_a_batch_that_was_left(system):
    assert system.run("wait", submit(system, "add", "a=1")).stdout == "3\n"
    assert one_line(system.run("wait", submit(system, "fail")), 1).endswith("tries it again.")
    batch = system.run("submit", "add", "--sweep", "a=1,2").stdout.strip()
    assert len(system.run("wait", batch).stdout.splitlines()) == 3
    assert "No job has the id 'nothing'" in one_line(system.run("wait", "nothing"))


# --- Top --------------------------------------------------------------------------------------------------------------


def test_top_is_live_and_fits_80_columns_until_q(system, terminal):
    shown = terminal("top", "--every", "0.1")
    shown.until_shown(r"default +\d+ +\d+ +\d+ +\d+ +\d+")
    jid = submit(system, "hold", f"until={system.folder}/top-go", "--tag", "top")
    shown.until_shown(rf"{jid}  hold +in progress .* 50% half way")
    assert max(len(line) for line in shown.text.splitlines()) <= 80
    shown.press("q")
    assert shown.ended() == 0
    assert shown.raw.rindex("\x1b[?1049l") > shown.raw.rindex("\x1b[?1049h"), "the screen is what it was before"
    (system.folder / "top-go").touch()


def test_top_is_left_by_ctrl_c_without_a_word(terminal):
    shown = terminal("top")
    shown.until_shown("WORKER")
    shown.press("\x03")
    assert shown.ended() == 0
    assert "Traceback" not in shown.text


def test_top_is_one_snapshot_where_there_is_no_terminal(system):
    jid = submit(system, "add", "a=1")
    system.client().wait_for_job(jid, 30)
    done = system.run("top")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"QUEUE +WAITING", done.stdout)
    assert re.search(rf"{jid} +add +complete", done.stdout)
    told = json.loads(system.run("top", "--json").stdout)
    assert set(told) == {"url", "at", "queues", "workers", "jobs"}
    assert jid in [each["id"] for each in told["jobs"]]


def test_top_says_that_nothing_answers(folder, terminal, system):
    assert "Nothing answers" in one_line(system.run("top", "--port", "1"))


# --- Looking after it -------------------------------------------------------------------------------------------------


def test_a_queue_is_paused_and_resumed(system):
    assert "paused" in system.run("queues", "pause", "aside").stdout
    jid = submit(system, "add", "a=1", "--queue", "aside")
    assert re.search(r"(?m)^aside .*paused$", system.run("queues").stdout)
    system.run("cancel", jid)
    assert json.loads(system.run("queues", "resume", "aside", "--json").stdout) == {"name": "aside", "paused": False}


def test_schedules_are_added_shown_listed_and_removed(system):
    made = system.run("schedules", "add", "hourly", "add", "a=1", "--every", "3600", "--tag", "planned")
    assert made.stdout.startswith("hourly: every 1 h, next at "), made.stderr
    [listed] = json.loads(system.run("schedules", "--json").stdout)["schedules"]
    assert (listed["params"], listed["options"]["tags"]) == ({"a": 1}, ["planned"])
    assert re.search(r"hourly +add +every 1 h ", system.run("schedules").stdout)
    assert re.search(r"made by +hand", system.run("schedules", "show", "hourly").stdout)
    assert json.loads(system.run("schedules", "remove", "hourly", "--json").stdout)["name"] == "hourly"
    assert "`jobsapi schedules` lists" in one_line(system.run("schedules", "show", "hourly"))
    assert "--every SECONDS or --cron" in one_line(system.run("schedules", "add", "x", "add", "a=1"))
    assert "a is required" in one_line(system.run("schedules", "add", "x", "add", "--every", "5"))
    assert "cron" in one_line(system.run("schedules", "add", "x", "add", "a=1", "--cron", "at noon"))


def test_one_task_is_told_with_what_each_parameter_may_be(system):
    shown = system.run("tasks", "echo").stdout
    assert re.search(r"text +string +required", shown)
    assert re.search(r'mode +"fast" \| "slow" +"fast"', shown)
    assert re.search(r"numbers +list of integer +\[\]", shown)
    assert re.search(r"where +object \| null +null", shown)
    assert json.loads(system.run("tasks", "echo", "--json").stdout)["name"] == "echo"
    assert "Known tasks: add" in one_line(system.run("tasks", "nothing"))


def test_several_jobs_are_cancelled_by_one_command_whatever_becomes_of_the_others(system):
    held = [submit(system, "add", "a=1", "--queue", "aside") for _ in range(2)]
    done = system.run("cancel", held[0], "00nothing", held[1])
    assert done.returncode == 2
    assert done.stdout == f"{held[0]}: cancelled\n{held[1]}: cancelled\n"
    assert done.stderr.startswith("jobsapi: No job has the id '00nothing'.")
    told = json.loads(system.run("retry", *held, "--json").stdout)
    assert [each["status"] for each in told["jobs"]] == ["submitted", "submitted"]
    system.run("cancel", *held)


def test_a_drained_worker_finishes_and_goes(serve):
    from tests.cli.conftest import APP

    made = serve(str(APP), "--concurrency", "1").until_ready()
    [worker] = made.client().workers()
    assert made.run("workers", "drain", worker["id"]).stdout.startswith(f"{worker['id']}: draining")
    until("another one is there", lambda: [each["id"] for each in made.client().workers()] not in ([], [worker["id"]]))
    assert "`jobsapi workers` lists" in one_line(made.run("workers", "drain", worker["id"]))


# --- Data -------------------------------------------------------------------------------------------------------------


def test_a_load_tells_its_pace_at_a_terminal(system, terminal):
    (system.folder / "many.csv").write_text("place,rain\n" + "".join(f"p{i},{i}\n" for i in range(20_000)))
    shown = terminal("data", "load", "many.csv", "--dataset", "many")
    assert shown.ended() == 0
    assert re.search(r"20,000 records loaded in [\d.]+ m?s, [\d,]+ rows/s; many holds 20,000\.", shown.text)
    assert system.run("data", "load", "many.csv", "--dataset", "many").stdout.startswith("20,000 records loaded; ")


# --- Manners ----------------------------------------------------------------------------------------------------------

LISTS = ["jobs", "queues", "workers", "schedules", "batches", "tasks", "top", "doctor", "data list", "batch list"]


@pytest.mark.parametrize("command", LISTS)
def test_json_is_one_document_and_nothing_else(system, command):
    done = system.run(*command.split(), "--json")
    assert isinstance(json.loads(done.stdout), dict)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["queues", "--json", "pause", "x"], "--json comes after 'pause'"),
        (["queues", "puase", "x"], "Did you mean 'pause'"),
        (["wait"], "`jobsapi wait --help`"),
        (["submit", "add", "a=1", "--sweep", "b=1,2", "-v"], "jobsapi logs ID"),
        (["submit", "ad", "a=1"], "No task is named 'ad'. Known tasks: add"),
        (["data", "load", "."], "Is a directory"),
        (["top", "--every", "0"], "0.1"),
        (["jobs", "--limit", "many"], "valid integer"),
        (["results", ""], "is a variable of your shell not set?"),
        (["cancel", "a/b"], "'a/b' is no id"),
        (["jobs", "--url", "http://["], "no address of an API"),
        (["jobs", "--url", "http://127.0.0.1:99999"], "no address of an API"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_what_to_do(system, words, told):
    assert told in one_line(system.run(*words)).replace("python -m ", "")


def test_a_terminal_that_knows_no_unicode_is_no_reason_to_fail(system):
    submit(system, "echo", "text=caf\u00e9", "--tag", "ascii")
    for command in ("top", "jobs", "tasks"):
        done = system.run(command, PYTHONIOENCODING="ascii")
        assert (done.returncode, done.stderr) == (0, ""), command
    told = json.loads(system.run("jobs", "--tag", "ascii", "--json", PYTHONIOENCODING="ascii").stdout)
    assert told["jobs"][0]["params"]["text"] == "caf\u00e9"
