"""However a program ends, its job does too, or goes to another one."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs, registry
from tests.classic.conftest import Programs, line_of, stopped

if TYPE_CHECKING:
    import subprocess

WAITING = """
    from jobs import q

    @q.worker
    def execute_job(jid):
        print('at', jid)
        input()

    execute_job()
"""
WAITING_LOOP = """
    from jobs import q

    for jid in q.consume():
        print('at', jid)
        input()
"""
STUBBORN = """
    import subprocess
    from jobs import q

    @q.worker
    def execute_job(jid):
        subprocess.Popen(['sleep', '60'])
        print('at', jid)
        while True:
            try:
                input()
            except BaseException:
                pass

    execute_job()
"""
STYLES = pytest.mark.parametrize("source", [WAITING, WAITING_LOOP], ids=["decorator", "loop"])


@STYLES
def test_a_job_whose_worker_is_killed_is_done_by_another_at_once(programs: Programs, course: Any, source: str) -> None:
    job = course.add_job(1, 2)
    first, second = programs.start(source), programs.start(source, name="second.py")
    holder, other = first, second
    running = jobs.get_record(programs.store, job["id"])
    while not running.worker:
        running = jobs.get_record(programs.store, job["id"])
    if f":{second.pid}:" in running.worker:
        holder, other = second, first
    assert line_of(holder) == f"at {job['id']}"
    holder.kill()
    assert line_of(other) == f"at {job['id']}"
    again = jobs.get_job_by_id(job["id"], store=programs.store)
    assert (again.status, again.deliveries_lost, again.attempts[0]["outcome"]) == ("in progress", 1, "lost")


@pytest.mark.parametrize(
    ("source", "number"),
    [
        (WAITING, signal.SIGTERM),
        (WAITING, signal.SIGINT),
        (WAITING, signal.SIGHUP),
        (WAITING_LOOP, signal.SIGTERM),
        (WAITING_LOOP, signal.SIGINT),
    ],
)
def test_a_worker_that_is_stopped_hands_its_job_back(
    programs: Programs, course: Any, source: str, number: signal.Signals
) -> None:
    job = course.add_job(1, 2)
    worker = programs.start(source)
    line_of(worker)
    stopped(worker, number)
    shown = jobs.get_job_by_id(job["id"], store=programs.store)
    assert (shown.status, shown.attempt, shown.deliveries_lost) == ("submitted", 0, 0)
    assert registry.workers(programs.store) == []


@STYLES
def test_an_idle_worker_just_ends(programs: Programs, course: Any, source: str) -> None:
    job = course.add_job(1, 2)
    worker = programs.start(source)
    line_of(worker)
    assert worker.stdin is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    assert programs.ended(job["id"]).status == "complete"
    assert "Traceback" not in stopped(worker)
    assert worker.returncode == 143


def test_a_job_that_runs_longer_than_a_lease_is_not_given_to_another(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    first = programs.start(
        """
        import time
        from jobs import q

        @q.worker
        def execute_job(jid):
            print('at', jid)
            deadline = time.monotonic() + 1.4
            while time.monotonic() < deadline:  # holds the interpreter: only another process can renew
                pass

        execute_job()
        """,
        JOBSAPI_LEASE="0.5",
    )
    line_of(first)
    programs.start(WAITING, name="second.py", JOBSAPI_LEASE="0.5")
    ended = programs.ended(job["id"])
    assert (ended.status, ended.attempt, ended.deliveries_lost) == ("complete", 1, 0)


def test_a_cancel_ends_the_function_and_the_worker_goes_on(programs: Programs, course: Any) -> None:
    job, later = course.add_job(1, 2), course.add_job(3, 4)
    worker = programs.start(WAITING)
    assert line_of(worker) == f"at {job['id']}"
    jobs.cancel_job(job["id"], store=programs.store)
    ended = programs.ended(job["id"])
    assert (ended.status, ended.reason) == ("cancelled", "cancelled")
    assert "was stopped" in line_of(worker)
    assert line_of(worker) == f"at {later['id']}"


def test_a_cancel_in_a_loop_ends_the_program(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    worker = programs.start(WAITING_LOOP)
    line_of(worker)
    course.jdb.delete(job["id"])
    assert programs.ended(job["id"]).status == "cancelled"
    assert worker.wait(5) == 1


def test_a_function_that_does_not_heed_a_cancel_is_killed_with_its_program(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    worker = programs.start(STUBBORN)
    line_of(worker)
    course.update_job_status(job["id"], "cancelled")
    ended = programs.ended(job["id"])
    assert (ended.status, ended.reason) == ("cancelled", "cancelled")
    assert worker.wait(5) == -signal.SIGKILL
    assert worker.communicate()[0] == "", "the process that the function started has closed its output, so it is gone"


def test_a_job_that_takes_longer_than_its_timeout_is_stopped(programs: Programs, course: Any) -> None:
    worker = programs.start(WAITING)
    course.add_job(1, 2)
    line_of(worker)
    assert worker.stdin is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    late = jobs.add_job("classic", {"start": 1}, timeout=0.1, store=programs.store)
    ended = programs.ended(late.id)
    assert (ended.status, ended.reason, ended.error["message"]) == ("failed", "timeout", "It took longer than 0.1 s.")


def test_an_exit_with_a_code_fails_the_job_and_one_without_completes_it(programs: Programs, course: Any) -> None:
    first, second = course.add_job(3, 0), course.add_job(0, 0)
    source = """
        import sys
        from jobs import q, get_job_by_id

        @q.worker
        def execute_job(jid):
            sys.exit(get_job_by_id(jid)['start'])

        execute_job()
    """
    assert programs.start(source).wait(10) == 3
    assert programs.start(source).wait(10) == 0
    assert [programs.ended(job["id"]).status for job in (first, second)] == ["failed", "complete"]


def test_a_job_that_kills_its_workers_ends_as_lost(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    source = """
        import os
        from jobs import q

        @q.worker
        def execute_job(jid):
            os._exit(9)

        execute_job()
    """
    for _ in range(3):
        assert programs.start(source).wait(10) == 9
    ended = programs.ended(job["id"])
    assert (ended.status, ended.reason, ended.deliveries_lost) == ("failed", "lost", 3)


def test_a_worker_and_what_it_does_are_shown_and_forgotten_with_it(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    worker = programs.start(WAITING)
    line_of(worker)
    shown: list[dict[str, Any]] = []
    while not shown:
        shown = [registry.shown(each) for each in registry.workers(programs.store)]
    assert (shown[0]["pid"], shown[0]["tasks"], shown[0]["queues"]) == (worker.pid, ["classic"], ["classic"])
    assert shown[0]["running"] == [job["id"]]
    stopped(worker)
    assert registry.workers(programs.store) == []


def renewer_of(program: subprocess.Popen[str]) -> int:
    return int(Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text())


@pytest.mark.skipif(sys.platform != "linux", reason="finds the renewer in /proc")
def test_a_job_whose_machine_died_is_done_by_another_when_its_lease_is_over(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    first = programs.start(WAITING, JOBSAPI_LEASE="0.5")
    line_of(first)
    other = programs.start(WAITING, name="second.py", JOBSAPI_LEASE="0.5")
    while len(registry.workers(programs.store)) < 2:
        time.sleep(0.02)
    renewer = renewer_of(first)
    first.send_signal(signal.SIGSTOP)  # so that it cannot start another
    os.kill(renewer, signal.SIGKILL)
    first.kill()
    assert line_of(other) == f"at {job['id']}"


@pytest.mark.skipif(sys.platform != "linux", reason="finds the renewer in /proc")
def test_a_renewer_that_is_killed_is_replaced(programs: Programs, course: Any) -> None:
    first, second = course.add_job(1, 2), course.add_job(3, 4)
    worker = programs.start(WAITING)
    assert line_of(worker) == f"at {first['id']}"
    os.kill(renewer_of(worker), signal.SIGKILL)
    assert worker.stdin is not None
    worker.stdin.write("\n")
    worker.stdin.flush()
    assert line_of(worker) == f"at {second['id']}"
    worker.kill()
    other = programs.start(WAITING, name="second.py")
    assert line_of(other) == f"at {second['id']}"
    assert course.get_job_by_id(first["id"])["status"] == "complete"
