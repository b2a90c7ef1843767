"""Jobs in child processes: what comes back, what is captured, what is stopped, and that nothing is left."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import orjson
import pytest

from jobsapi.runner import Broken, Died, Done, OutOfMemory, Output, Pool, Progress, Raised, Ready, Stopped, Work
from tests.system import is_alive, until

APP = str(Path(__file__).parent / "app.py")
ENDS = (Done, Raised, Died, OutOfMemory, Stopped)


class Driver:
    """A pool, polled until what a test waits for has happened."""

    def __init__(self, size: int = 1, app: str = APP, **options) -> None:
        self.wake, self._write = os.pipe()
        self.pool = Pool(app, size, **options)
        self.pool.start()
        self.numbers = iter(range(10_000))

    def poll_until(self, condition, seconds: float = 20.0) -> list:
        events = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            events += self.pool.poll(0.2, self.wake)
            if condition(events):
                return events
        raise AssertionError(events)

    def begin(self, task: str, timeout: float | None = None, memory_mb: int | None = None, **params) -> str:
        if not self.pool.free:
            self.poll_until(lambda _: self.pool.free)
        jid = f"job{next(self.numbers)}"
        self.pool.run([Work(jid, f"token-{jid}", task, orjson.dumps(params), 1, timeout, 1_000, memory_mb)])
        return jid

    def run(
        self, task: str, timeout: float | None = None, memory_mb: int | None = None, **params
    ) -> tuple[list, bytes]:
        """(the events but for output, the output) of one job."""
        jid = self.begin(task, timeout, memory_mb, **params)
        events = self.poll_until(lambda found: any(isinstance(each, ENDS) for each in found))
        mine = [each for each in events if getattr(each, "job_id", None) == jid]
        output = b"".join(each.data for each in mine if isinstance(each, Output))
        assert isinstance(mine[-1], ENDS)
        return [each for each in mine if not isinstance(each, Output)], output

    def value(self, task: str, **params):
        events, _ = self.run(task, **params)
        assert isinstance(events[-1], Done), events
        return orjson.loads(events[-1].outputs[0].data)

    def close(self) -> None:
        self.pool.close()
        os.close(self.wake)
        os.close(self._write)


@pytest.fixture
def driver():
    made = Driver()
    yield made
    made.close()


def test_the_module_is_imported_and_set_up_once_for_many_jobs(driver):
    first, second = driver.value("facts"), driver.value("facts")
    assert first == second
    assert first["setups"] == 1
    assert first["pid"] != os.getpid()
    assert first["cwd"] == str(Path.cwd())


def test_a_child_tells_the_tasks_of_the_app(driver):
    [ready] = driver.poll_until(lambda events: any(isinstance(each, Ready) for each in events))
    named = {each["name"]: each for each in ready.tasks}
    assert named["fail"]["schema"]["properties"]["kind"]["default"] == "ValueError"


def test_everything_written_is_captured_before_the_end_is_told(driver):
    _, output = driver.run("talk", lines=3)
    for text in (
        b"line 0\nline 1\nline 2\n",
        b"no newline",
        b"raw\n",
        b"from a subprocess\n",
        b"mine: logged",
        b"from C",
    ):
        assert text in output


def test_what_one_job_wrote_is_not_in_the_next_ones_log(driver):
    driver.run("talk")
    assert driver.run("facts")[1] == b""


def test_a_hundred_megabytes_of_output_pass_through(driver):
    jid = driver.begin("spill", megabytes=100)
    seen = 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for event in driver.pool.poll(1.0, driver.wake):
            if isinstance(event, Output):
                assert len(event.data) <= 70_000
                seen += len(event.data)
            elif isinstance(event, Done):
                assert (event.job_id, seen) == (jid, 100_000_000)
                return
    raise AssertionError("it did not end")


def test_an_exception_comes_back_with_the_users_own_frames(driver):
    [raised], log = driver.run("fail")
    assert (raised.type, raised.message, raised.retryable) == ("ValueError", "no such luck", True)
    assert "in fail" in raised.traceback
    assert "jobsapi" not in raised.traceback.replace(APP, "")
    assert b"solo.py" in log  # the whole of it is in the log


def test_an_exception_whose_message_is_no_unicode_is_told_all_the_same(driver):
    [raised], _ = driver.run("fail", kind="surrogate")
    assert (raised.type, raised.message) == ("FileNotFoundError", "caf?.csv")
    assert "caf?.csv" in raised.traceback


@pytest.mark.parametrize(("kind", "name"), [("exit", "SystemExit"), ("interrupt", "KeyboardInterrupt")])
def test_exit_and_interrupt_end_the_job_and_not_the_child(driver, kind, name):
    pid = driver.value("facts")["pid"]
    [raised], _ = driver.run("fail", kind=kind)
    assert raised.type == name
    assert driver.value("facts")["pid"] == pid


def test_a_validator_that_only_python_knows_fails_the_job_for_good(driver):
    [raised], _ = driver.run("even", pair={"n": 3})
    assert (raised.type, raised.retryable) == ("UnfitParameters", False)
    assert "/params/" in raised.message
    assert driver.value("even", pair={"n": 4}) == 4


@pytest.mark.parametrize(("how", "number", "code"), [("exit", None, 7), ("kill", 9, None)])
def test_a_child_that_ends_under_a_job_is_told_and_replaced(driver, how, number, code):
    [died], _ = driver.run("die", how=how)
    assert (died.signal, died.exit_code) == (number, code)
    assert driver.value("facts")["setups"] == 1


def test_progress_is_thinned_out_but_the_last_word_gets_through(driver):
    events, output = driver.run("report")
    told = [each for each in events if isinstance(each, Progress)]
    assert (told[0].fraction, told[0].message) == (0.25, "a quarter")
    assert (told[-1].fraction, told[-1].message) == (1.0, "all")
    assert len(told) < 100
    assert b"a line\n" in output
    assert {each.name for each in events[-1].outputs} == {"table", "id", "token", "attempt"}


def test_a_coroutine_function_is_run_to_its_end(driver):
    assert driver.value("later", n=1) == 2


@pytest.mark.parametrize("how", ["plain", "stubborn", "gil"])
def test_a_stopped_job_is_gone_within_two_seconds_with_all_it_started(driver, tmp_path, how):
    marks = tmp_path / "marks"
    jid = driver.begin("wait", marks=str(marks), how=how)
    driver.poll_until(lambda _: marks.exists() and len(marks.read_text().split()) == 2)
    pids = [int(each) for each in marks.read_text().split()]
    asked_at = time.monotonic()
    driver.pool.stop(jid, "cancelled")
    events = driver.poll_until(lambda found: any(isinstance(each, ENDS) for each in found))
    until("all is gone", lambda: not any(map(is_alive, pids)), 5)
    assert time.monotonic() - asked_at < 2 + 3  # two seconds, and the noise of a shared machine
    assert [each for each in events if isinstance(each, ENDS)] == [Stopped(jid, "cancelled")]
    assert (tmp_path / "marks.cleaned").exists() == (how == "plain")
    assert driver.value("facts")["setups"] == 1


def test_a_timeout_stops_the_job(driver):
    [stopped], _ = driver.run("wait", timeout=0.3, marks="/dev/null")
    assert stopped.why == "timeout"


def test_a_term_that_came_from_elsewhere_is_told_as_a_death(driver, tmp_path):
    marks = tmp_path / "marks"
    jid = driver.begin("wait", marks=str(marks))
    driver.poll_until(lambda _: marks.exists() and len(marks.read_text().split()) == 2)
    pid = int(marks.read_text().split()[0])
    os.kill(pid, signal.SIGTERM)
    events = driver.poll_until(lambda found: any(isinstance(each, ENDS) for each in found))
    assert [each for each in events if isinstance(each, ENDS)] == [Died(jid, signal.SIGTERM, None)]
    assert driver.value("facts")["pid"] != pid, "it may have struck in the middle of an import"


def test_a_child_that_takes_nothing_in_holds_nobody_up(driver):
    child = driver.value("facts")["pid"]
    os.kill(child, signal.SIGSTOP)
    try:
        jid = driver.begin("length", text="x" * 5_000_000)
        assert not [each for each in driver.pool.poll(0.1, driver.wake) if isinstance(each, ENDS)]
    finally:
        os.kill(child, signal.SIGCONT)
    events = driver.poll_until(lambda found: any(isinstance(each, ENDS) for each in found))
    assert (events[-1].job_id, events[-1].outputs[0].data) == (jid, b"5000000")


@pytest.mark.parametrize("what", ["thread", "process"])
def test_a_child_that_is_left_with_something_running_is_replaced(driver, tmp_path, what):
    pids = tmp_path / "pid"
    before = driver.value("facts")["pid"]
    driver.run("leave", what=what, pids=str(pids))
    assert driver.value("facts")["pid"] != before
    if what == "process":
        until("what it left is gone", lambda: not is_alive(int(pids.read_text())), 5)


def test_what_a_killed_child_had_started_is_ended_and_reaped(driver, tmp_path):
    marks = tmp_path / "marks"
    driver.begin("wait", marks=str(marks))
    driver.poll_until(lambda _: marks.exists() and len(marks.read_text().split()) == 2)
    child, grandchild = (int(each) for each in marks.read_text().split())
    os.kill(child, signal.SIGKILL)
    driver.poll_until(lambda events: any(isinstance(each, Died) for each in events))
    until("the orphan is gone", lambda: not is_alive(grandchild), 5)


def test_a_child_is_replaced_after_its_number_of_jobs():
    driver = Driver(recycle_jobs=2, recycle_after=0)
    pids = [driver.value("facts")["pid"] for _ in range(2)]
    until("another child runs a job", lambda: pids.append(driver.value("facts")["pid"]) or pids[-1] != pids[0])
    assert set(pids[:-1]) == {pids[0]}
    assert not is_alive(pids[0])
    driver.close()


def test_a_child_whose_replacement_is_not_ready_works_on(tmp_path):
    app, go = tmp_path / "slow.py", tmp_path / "go"
    app.write_text(
        "import os, time\nfrom pathlib import Path\nfrom jobsapi import task\n"
        f"marks, go = Path({str(tmp_path / 'marks')!r}), Path({str(go)!r})\n"
        "if marks.exists():\n    while not go.exists():\n        time.sleep(0.01)\n"
        "marks.touch()\n@task\ndef pid() -> int:\n    return os.getpid()\n"
    )
    driver = Driver(app=str(app), recycle_jobs=1, recycle_after=0)
    assert len({driver.value("pid") for _ in range(5)}) == 1
    go.touch()
    pids = [driver.value("pid")]
    until("another child runs a job", lambda: pids.append(driver.value("pid")) or pids[-1] != pids[0])
    driver.close()


def test_short_jobs_do_not_wear_a_child_out_at_once():
    driver = Driver(recycle_jobs=2)
    assert len({driver.value("facts")["pid"] for _ in range(10)}) == 1
    driver.close()


def test_a_child_that_has_grown_too_large_is_replaced():
    driver = Driver(recycle_mb=150)
    before = driver.value("facts")["pid"]
    driver.value("grow", megabytes=200)
    assert driver.value("facts")["pid"] != before
    driver.close()


def test_a_large_output_comes_as_a_file_that_is_discarded(driver):
    events, _ = driver.run("large", size=1_000_000)
    [output] = events[-1].outputs
    assert output.path.stat().st_size == 1_000_000
    events[-1].discard()
    assert not output.path.exists()


def test_a_value_that_cannot_be_an_output_fails_with_a_sentence(driver):
    [raised], _ = driver.run("nothing_fits")
    assert "object" in raised.message


@pytest.mark.parametrize("task", ["nothing_fits", "save_and_die"])
def test_the_files_of_a_job_that_does_not_complete_are_removed(driver, task):
    [event], _ = driver.run(task)
    assert isinstance(event, Raised | Died)
    assert not list(driver.pool._scratch.iterdir())


def test_an_app_that_cannot_be_imported_is_told_once(tmp_path):
    app = tmp_path / "broken.py"
    app.write_text("print('so far')\nimport nothing_of_this_name\n")
    driver = Driver(app=str(app))
    events = driver.poll_until(lambda found: any(isinstance(each, Broken) for each in found))
    assert "nothing_of_this_name" in events[0].traceback
    assert "so far" in events[0].traceback
    assert driver.pool.poll(0.3, driver.wake) == []
    driver.close()


def test_a_child_that_is_killed_while_it_imports_the_app_is_replaced(tmp_path):
    app, marks = tmp_path / "slow.py", tmp_path / "marks"
    app.write_text(
        "import os, threading\nfrom pathlib import Path\nfrom jobsapi import task\n"
        f"marks = Path({str(marks)!r})\nis_first = not marks.exists()\n"
        "with marks.open('a') as file:\n    file.write(f'{os.getpid()} ')\n"
        "if is_first:\n    threading.Event().wait(60)\n"
        "@task\ndef work() -> str:\n    return 'done'\n"
    )
    driver = Driver(app=str(app))
    driver.poll_until(lambda _: marks.exists() and marks.read_text())
    os.kill(int(marks.read_text()), signal.SIGKILL)
    assert driver.value("work") == "done"
    driver.close()


def test_children_that_are_killed_while_they_import_an_app_that_works_are_replaced_again_and_again(tmp_path):
    app, marks = tmp_path / "slow.py", tmp_path / "marks"
    app.write_text(
        "import os, threading\nfrom pathlib import Path\nfrom jobsapi import task\n"
        f"marks = Path({str(marks)!r})\n"
        "with marks.open('a') as file:\n    file.write(f'{os.getpid()} ')\n"
        "if 0 < marks.read_text().split().index(str(os.getpid())) <= 5:\n    threading.Event().wait(60)\n"
        "@task\ndef work() -> str:\n    return 'done'\n"
    )
    driver = Driver(size=2, app=str(app))
    driver.poll_until(lambda _: driver.pool.free)
    for i in range(1, 6):
        driver.poll_until(lambda _, i=i: len(marks.read_text().split()) > i)
        os.kill(int(marks.read_text().split()[i]), signal.SIGKILL)
    driver.poll_until(lambda _: driver.pool.free == 2)
    driver.close()


def test_an_app_that_ends_its_process_is_told_once(tmp_path):
    app = tmp_path / "ends.py"
    app.write_text("print('so far', flush=True)\nimport os\nos._exit(3)\n")
    driver = Driver(app=str(app))
    events = driver.poll_until(lambda found: any(isinstance(each, Broken) for each in found))
    assert [type(each) for each in events] == [Broken]
    assert "so far" in events[0].traceback
    assert driver.pool.poll(0.3, driver.wake) == []
    driver.close()
