"""The exercises' workers, unchanged, over `jobs.py` = `from jobsapi.classic import *`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs
from tests.classic.conftest import line_of

if TYPE_CHECKING:
    from tests.classic.conftest import Programs

DECORATED = """
    from jobs import q, get_job_by_id, update_job_status
    import time

    @q.worker
    def execute_job(jid):
        update_job_status(jid, 'in progress')
        time.sleep(0.05)
        update_job_status(jid, 'complete')

    execute_job()
"""
CALLED = DECORATED.replace("@q.worker\n", "@q.worker()\n")
LOOP = """
    from jobs import q, get_job_by_id, update_job_status
    import time

    for jid in q.consume():
        update_job_status(jid, 'in progress')
        time.sleep(0.05)
        update_job_status(jid, 'complete')
"""


@pytest.mark.parametrize("source", [DECORATED, CALLED, LOOP], ids=["decorator", "called decorator", "loop"])
def test_a_worker_of_the_exercises_completes_every_job(programs: Programs, course: Any, source: str) -> None:
    made = [course.add_job(i, i + 1) for i in range(3)]
    programs.start(source)
    assert [programs.ended(job["id"]).status for job in made] == ["complete"] * 3
    later = course.add_job(8, 9)
    assert programs.ended(later["id"]).status == "complete"
    assert course.get_job_by_id(later["id"]) == {"id": later["id"], "status": "complete", "start": 8, "end": 9}
    assert jobs.get_results(later["id"], store=programs.store) is None


def test_an_exception_fails_its_job_and_the_next_one_is_done(programs: Programs, course: Any) -> None:
    bad, good = course.add_job(1, 0), course.add_job(4, 2)
    worker = programs.start("""
        from jobs import q, get_job_by_id, update_job_status

        @q.worker
        def execute_job(jid):
            job = get_job_by_id(jid)
            return job['start'] / job['end']

        execute_job()
    """)
    assert programs.ended(good["id"]).status == "complete"
    assert jobs.get_results(good["id"], store=programs.store) == 2.0
    failed = programs.ended(bad["id"])
    assert (failed.status, failed.reason, failed.error["type"]) == ("failed", "error", "ZeroDivisionError")
    assert "worker.py" in failed.error["traceback"]
    assert "jobsapi" not in failed.error["traceback"]
    assert course.get_job_by_id(bad["id"])["error"] == "division by zero"
    worker.terminate()
    assert "ZeroDivisionError" in worker.communicate(timeout=10)[0]


def test_an_exception_that_ends_a_loop_fails_the_job_it_was_at(programs: Programs, course: Any) -> None:
    first, second = course.add_job(1, 2), course.add_job(3, 4)
    worker = programs.start("""
        from jobs import q

        for jid in q.consume():
            raise RuntimeError('no such column')
    """)
    assert worker.wait(10) == 1
    failed = programs.ended(first["id"])
    assert (failed.status, failed.error["message"]) == ("failed", "no such column")
    assert course.get_job_by_id(second["id"])["status"] == "submitted"


def test_a_job_whose_function_says_nothing_is_complete_when_it_returns(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    programs.start("""
        from jobs import q

        @q.worker
        def execute_job(jid):
            return {'total': 3}

        execute_job()
    """)
    assert programs.ended(job["id"]).status == "complete"
    assert jobs.get_results(job["id"], store=programs.store) == {"total": 3}


def test_what_the_program_saves_with_its_job_is_its_result(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    programs.start("""
        from jobs import *
        from jobs import _save_job

        @q.worker
        def execute_job(jid):
            job = get_job_by_id(jid)
            job['total'] = job['start'] + job['end']
            job['status'] = 'complete'
            _save_job(jid, job)

        execute_job()
    """)
    assert programs.ended(job["id"]).status == "complete"
    assert course.get_job_by_id(job["id"])["total"] == 3
    assert jobs.get_results(job["id"], store=programs.store) == {"total": 3}


def test_words_that_are_no_status_are_progress(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    worker = programs.start("""
        from jobs import q, update_job_status

        @q.worker
        def execute_job(jid):
            update_job_status(jid, 'Running...')
            update_job_status(jid, 'reading row 7')
            print('there')
            input()

        execute_job()
    """)
    assert line_of(worker) == "there"
    shown = course.get_job_by_id(job["id"])
    assert (shown["status"], shown["progress"]) == ("in progress", "reading row 7")


def test_a_program_that_the_function_starts_can_end_its_job(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    programs.write("analysis.py", "import sys, jobs\njobs.update_job_status(sys.argv[1], 'complete')\n")
    programs.start("""
        import subprocess, sys
        from jobs import q, rd

        @q.worker
        def execute_job(jid):
            subprocess.run([sys.executable, 'analysis.py', jid], check=True)
            raise RuntimeError('after its end this is only shown')

        execute_job()
    """)
    assert programs.ended(job["id"]).status == "complete"
    later = course.add_job(3, 4)
    assert programs.ended(later["id"]).status == "complete"
    assert course.get_job_by_id(job["id"])["status"] == "complete"
