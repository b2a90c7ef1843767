"""Many jobs at a time in one child: told apart in what they see and print, stopped by themselves or with the child."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import orjson
import pytest

from jobsapi.runner import Died, Done, Output, Progress, Raised, Stopped
from tests.runner.test_pool import ENDS, Driver
from tests.system import is_alive, until

APP = str(Path(__file__).parent / "threads_app.py")


class ThreadsDriver(Driver):
    """A pool whose children run many jobs at a time."""

    def __init__(self, threads: int = 4, **options) -> None:
        super().__init__(app=APP, threads=threads, **options)

    def run_all(self, *asked: tuple[str, dict]) -> list[tuple[list, bytes]]:
        """(the events but for output, the output) of jobs that are given at once."""
        ids = [self.begin(task, **params) for task, params in asked]
        events = self.until_ended(*ids)
        return [self._told_of(jid, events) for jid in ids]

    def until_ended(self, *ids: str) -> list:
        return self.poll_until(
            lambda found: set(ids) <= {each.job_id for each in found if isinstance(each, ENDS)},
        )

    def _told_of(self, jid: str, events: list) -> tuple[list, bytes]:
        mine = [each for each in events if getattr(each, "job_id", None) == jid]
        assert isinstance(mine[-1], ENDS), "the end is told last"
        output = b"".join(each.data for each in mine if isinstance(each, Output))
        return [each for each in mine if not isinstance(each, Output)], output

    def values(self, *asked: tuple[str, dict]) -> list:
        ends = [events[-1] for events, _ in self.run_all(*asked)]
        assert all(isinstance(each, Done) for each in ends), ends
        return [orjson.loads(each.outputs[0].data) for each in ends]

    def until_exists(self, *marks: Path) -> None:
        self.poll_until(lambda _: all(each.exists() for each in marks))


@pytest.fixture
def driver():
    made = ThreadsDriver()
    yield made
    made.close()


def test_as_many_jobs_as_there_are_threads_run_at_the_same_time_in_one_child(driver):
    driver.poll_until(lambda _: driver.pool.free == 4)
    pids = driver.values(*[("meet", {"of": 4})] * 4)
    assert len(set(pids)) == 1
    assert pids[0] != os.getpid()


def test_a_hundred_coroutines_wait_at_the_same_time():
    driver = ThreadsDriver(threads=100)
    assert len(set(driver.values(*[("meet_async", {"of": 100})] * 100))) == 1
    driver.close()


def test_functions_and_coroutines_run_beside_each_other(driver):
    asked = [("meet", {"of": 2}), ("meet_async", {"of": 2})] * 2
    assert len(set(driver.values(*asked))) == 1


def test_jobs_are_spread_over_several_children():
    driver = ThreadsDriver(threads=2, size=2)
    driver.poll_until(lambda _: driver.pool.free == 4)
    pids = driver.values(*[("meet", {"of": 2})] * 4)
    assert sorted(map(pids.count, set(pids))) == [2, 2]
    driver.close()


def test_what_jobs_print_in_turns_is_told_apart_line_by_line(driver):
    told = driver.run_all(*[("talk", {"word": word, "of": 3}) for word in ("one", "two", "three")])
    for word, (_, output) in zip(("one", "two", "three"), told, strict=True):
        ways = ("printed", "on stderr", "told", "as bytes", "in pieces")
        lines = output.decode().splitlines()
        assert [each for each in lines if not each.endswith("logged")] == [f"{word} {way}" for way in ways]
        assert [each for each in lines if each.endswith(f"INFO {word}: logged")]


def test_what_coroutines_print_is_told_apart_also_from_threads_that_have_their_context(driver):
    for word, (_, output) in zip(
        "ab", driver.run_all(*[("talk_async", {"word": each, "of": 2}) for each in "ab"]), strict=True
    ):
        assert output.decode() == f"{word} begins\n{word} in a thread of its own\n{word} no newline"


def test_much_output_passes_through_without_a_loss(driver):
    (_, first), (_, second) = driver.run_all(("spill", {"kilobytes": 3000}), ("spill", {"kilobytes": 3000}))
    assert first == second == (b"x" * 1023 + b"\n") * 3000


def test_what_is_written_below_python_goes_to_the_workers_own_stderr(driver, capfdbinary):
    [(_, output)] = driver.run_all(("below", {"of": 1}))
    assert output == b"from Python\n"
    driver.poll_until(lambda _: True)
    written = capfdbinary.readouterr().err
    for _ in range(100):
        if b"from a subprocess\n" in written:
            break
        driver.pool.poll(0.1, driver.wake)
        written += capfdbinary.readouterr().err
    assert b"from the descriptor\n" in written
    assert b"from Python" not in written


@pytest.mark.parametrize("task", ["whoami", "whoami_async"])
def test_each_job_sees_itself_all_the_time(driver, task):
    ids = [driver.begin(task, n=n, of=3) for n in range(3)]
    events = driver.until_ended(*ids)
    for n, jid in enumerate(ids):
        done = next(each for each in events if isinstance(each, Done) and each.job_id == jid)
        outputs = {each.name: orjson.loads(each.data) for each in done.outputs}
        seen = outputs.pop("result", outputs.pop("", None))
        assert {(each["id"], each["token"], each["n"]) for each in seen} == {(jid, f"token-{jid}", n)}
        assert seen[0]["setting"] == "of the app"
        if task == "whoami":
            assert seen[2]["setting"] == f"of {n}"
            assert outputs == {f"saved{i}": n for i in range(3)}
            told = [each for each in events if isinstance(each, Progress) and each.job_id == jid]
            assert (told[-1].fraction, {each.message for each in told}) == (1.0, {str(n)})


@pytest.mark.parametrize("task", ["fail", "fail_async"])
@pytest.mark.parametrize("kind", ["ValueError", "SystemExit", "KeyboardInterrupt"])
def test_an_exception_ends_its_job_and_no_other(driver, task, kind):
    pid = driver.values(("meet", {"of": 1}))[0]
    [([raised], log), ([done], _)] = driver.run_all((task, {"kind": kind}), ("meet_async", {"of": 1}))
    assert (raised.type, raised.message, raised.retryable) == (kind, "no luck", kind == "ValueError")
    assert "threads_app.py" in raised.traceback
    assert "jobsapi" not in raised.traceback.replace(APP, "")
    assert b"no luck" in log
    assert orjson.loads(done.outputs[0].data) == pid


def test_a_task_that_nobody_knows_fails_its_job(driver):
    [([raised], _)] = driver.run_all(("nothing", {}))
    assert (raised.type, raised.retryable) == ("UnknownTask", False)


def test_a_plain_function_that_gives_a_coroutine_is_awaited(driver):
    jid = driver.begin("decorated", n=5)
    done = driver.until_ended(jid)[-1]
    assert orjson.loads(done.outputs[0].data) == {"n": 5, "id": jid}


def test_a_large_output_comes_as_a_file_that_is_discarded(driver):
    [([done], _)] = driver.run_all(("large", {"size": 1_000_000}))
    assert done.outputs[0].path.stat().st_size == 1_000_000
    done.discard()
    assert not done.outputs[0].path.exists()


def test_a_limit_of_memory_is_refused_with_a_sentence(driver):
    [raised], _ = driver.run("meet", memory_mb=100, of=1)
    assert isinstance(raised, Raised)
    assert "memory_mb" in raised.message
    assert "--threads" in raised.message


@pytest.mark.parametrize("task", ["wait", "wait_async"])
@pytest.mark.parametrize("why", ["cancelled", "released", "timeout"])
def test_a_job_that_agrees_to_stop_disturbs_nobody(driver, tmp_path, task, why):
    marks = tmp_path / "marks"
    pid = driver.values(("meet", {"of": 1}))[0]
    other = driver.begin("meet", of=2)
    jid = driver.begin(task, timeout=0.2 if why == "timeout" else None, marks=str(marks))
    driver.until_exists(marks)
    if why != "timeout":
        driver.pool.stop(jid, why)
    events = driver.until_ended(jid)
    assert driver._told_of(jid, events) == ([Stopped(jid, why)], b"cleaned up\n")
    [met] = driver.values(("meet", {"of": 2}))
    assert met == pid
    assert other


@pytest.mark.parametrize("task", ["stubborn", "stubborn_async"])
@pytest.mark.parametrize("why", ["cancelled", "timeout"])
def test_a_job_that_does_not_stop_is_ended_with_its_child_and_the_others_are_handed_back(driver, tmp_path, task, why):
    marks = tmp_path / "marks"
    pid = driver.values(("meet", {"of": 1}))[0]
    others = [driver.begin("meet", of=9), driver.begin("meet_async", of=9)]
    jid = driver.begin(task, timeout=0.2 if why == "timeout" else None, marks=str(marks))
    driver.until_exists(marks)
    if why == "cancelled":
        driver.pool.stop(jid, why)
        assert driver.pool.free == 0, "what began now might have to begin again"
    ends = [each for each in driver.until_ended(jid, *others) if isinstance(each, ENDS)]
    assert sorted(ends, key=lambda each: each.job_id) == [
        *[Stopped(other, "released") for other in others],
        Stopped(jid, why),
    ]
    assert driver.values(("meet", {"of": 1}))[0] != pid


def test_a_job_that_never_looks_and_ends_in_time_has_completed(driver, tmp_path):
    marks, go = tmp_path / "marks", tmp_path / "go"
    jid = driver.begin("unheeding", marks=str(marks), go=str(go))
    driver.until_exists(marks)
    driver.pool.stop(jid, "cancelled")
    go.touch()
    assert isinstance(driver.until_ended(jid)[-1], Done)
    driver.poll_until(lambda _: driver.pool.free == 4)


def test_a_child_that_dies_is_a_lost_delivery_of_all_its_jobs(driver, tmp_path):
    marks = tmp_path / "marks"
    ids = [
        driver.begin("meet", of=9),
        driver.begin("wait_async", marks=str(marks)),
        driver.begin("die", marks=str(marks)),
    ]
    ends = [each for each in driver.until_ended(*ids) if isinstance(each, ENDS)]
    assert {each.job_id for each in ends} == set(ids)
    assert all(isinstance(each, Died) and each.exit_code == 7 for each in ends)
    assert driver.values(("meet", {"of": 1}))


def test_a_child_that_was_killed_is_a_lost_delivery_too(driver):
    pid = driver.values(("meet", {"of": 1}))[0]
    jid = driver.begin("meet", of=9)
    os.kill(pid, signal.SIGKILL)
    assert driver.until_ended(jid)[-1] == Died(jid, signal.SIGKILL, None)


def test_a_child_that_has_run_its_number_of_jobs_ends_when_its_last_job_does(tmp_path):
    driver = ThreadsDriver(threads=2, recycle_jobs=2, recycle_after=0)
    marks, go = tmp_path / "marks", tmp_path / "go"
    slow = driver.begin("unheeding", marks=str(marks), go=str(go))
    driver.until_exists(marks)
    pids = driver.values(("meet", {"of": 1}))
    until("another child runs a job", lambda: pids.extend(driver.values(("meet", {"of": 1}))) or len(set(pids)) > 1)
    for _ in range(6):
        driver.values(("meet", {"of": 1}))
    assert len(driver.pool._slots) == 2, "while a child ends with a long job, the next one is kept however worn it is"
    go.touch()
    done = driver.until_ended(slow)[-1]
    assert orjson.loads(done.outputs[0].data) == "all of it"
    until("the first child is gone", lambda: driver.poll_until(lambda _: True) or not is_alive(pids[0]))
    driver.close()


def test_a_child_that_has_grown_too_large_is_replaced():
    driver = ThreadsDriver(recycle_mb=150)
    before = driver.values(("grow", {"megabytes": 200}))[0]
    assert driver.values(("meet", {"of": 1}))[0] != before
    driver.close()


def test_the_copy_of_a_child_that_forked_tells_nothing(driver):
    [pid] = driver.values(("fork", {}))
    assert driver.values(("meet", {"of": 1})) == [pid]


def test_a_term_from_elsewhere_ends_nothing_and_is_not_inherited_as_ignored(driver):
    assert "SIG_DFL" in driver.values(("term", {}))[0]
