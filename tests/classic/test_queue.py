"""`q` in the manner of HotQueue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs
from jobsapi.errors import Invalid, WrongStatus
from tests.classic.conftest import line_of

if TYPE_CHECKING:
    from tests.classic.conftest import Programs


def test_items_come_in_the_order_in_which_they_were_put(programs: Programs, course: Any) -> None:
    course.q.put({"row": 1}, [2, "zwei"])
    job = course.add_job(1, 2)
    course.q.put("plain text", 4.5)
    assert len(course.q) == 5
    output = programs.run("""
        from jobs import q

        for item in q.consume(timeout=0.05):
            print(item)
        print(q.get(), q.get(block=True, timeout=0.05), len(q))
    """)
    assert output.splitlines() == ["{'row': 1}", "[2, 'zwei']", job["id"], "plain text", "4.5", "None None 0"]
    assert jobs.get_job_by_id(job["id"], store=programs.store).status == "complete"
    assert jobs.list_jobs(store=programs.store)[2] == 1, "values that were carried leave no job behind"


def test_a_value_whose_worker_is_killed_is_another_workers(programs: Programs, course: Any) -> None:
    course.q.put({"row": 1})
    source = """
        from jobs import q

        @q.worker
        def handle(item):
            print(item)
            input()

        handle()
    """
    worker = programs.start(source)
    assert line_of(worker) == "{'row': 1}"
    other = programs.start(source)
    worker.kill()
    assert line_of(other) == "{'row': 1}"


def test_none_ends_the_loop_as_it_does_with_hotqueue(programs: Programs, course: Any) -> None:
    course.q.put("a", None, "b")
    output = programs.run("""
        from jobs import q

        @q.worker(timeout=5)
        def handle(item):
            print(item)

        handle()
    """)
    assert output == "a\n"
    assert len(course.q) == 1


def test_arguments_of_the_decorated_function_come_before_the_item(programs: Programs, course: Any) -> None:
    course.q.put("item")
    output = programs.run("""
        from jobs import q

        @q.worker(block=False)
        def handle(first, item):
            '''Says what came.'''
            print(first, item)

        print(handle.__name__, handle.__doc__)
        handle('given')
    """)
    assert output == "handle Says what came.\ngiven item\n"


def test_an_item_taken_with_get_is_over_with_the_next_get_or_the_end(programs: Programs, course: Any) -> None:
    made = [course.add_job(i, i)["id"] for i in range(3)]
    output = programs.run("""
        from jobs import q, get_job_by_id

        first, second = q.get(), q.get()
        print(get_job_by_id(first)['status'], '|', get_job_by_id(second)['status'])
    """)
    assert output == "complete | in progress\n"
    assert [course.get_job_by_id(jid)["status"] for jid in made] == ["complete", "complete", "submitted"]


def test_a_job_that_puts_itself_back_runs_again_after_its_end(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    output = programs.run("""
        from jobs import q, rd, get_job_by_id

        @q.worker(block=False)
        def handle(jid):
            job = get_job_by_id(jid)
            print(job['status'], len(q))
            if rd.incr('tries:' + jid) < 3:
                q.put(jid)

        handle()
    """)
    assert output == "in progress 0\n" * 3
    assert course.get_job_by_id(job["id"])["status"] == "complete"


def test_several_threads_can_work(programs: Programs, course: Any) -> None:
    made = [course.add_job(i, i)["id"] for i in range(4)]
    output = programs.run("""
        import threading
        from jobs import q, get_job_by_id

        both = threading.Barrier(2, timeout=10)

        @q.worker(block=False)
        def handle(jid):
            both.wait()

        threads = [threading.Thread(target=handle) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print('ended')
    """)
    assert output == "ended\n"
    assert {course.get_job_by_id(jid)["status"] for jid in made} == {"complete"}


def test_forked_processes_work_on_their_own(programs: Programs, course: Any) -> None:
    made = [course.add_job(i, i)["id"] for i in range(6)]
    programs.run("""
        import multiprocessing
        from jobs import q, get_job_by_id, update_job_status

        @q.worker(block=False)
        def handle(jid):
            update_job_status(jid, 'complete')

        if __name__ == '__main__':
            q.get()
            context = multiprocessing.get_context('fork')
            processes = [context.Process(target=handle) for _ in range(2)]
            for each in processes:
                each.start()
            for each in processes:
                each.join()
    """)
    assert {course.get_job_by_id(jid)["status"] for jid in made} == {"complete"}


def test_clear_cancels_the_jobs_that_wait(course: Any) -> None:
    job = course.add_job(1, 2)
    course.q.put("value")
    course.q.clear()
    assert len(course.q) == 0
    assert course.get_job_by_id(job["id"])["status"] == "cancelled"
    course.q.put(job["id"])
    assert course.get_job_by_id(job["id"])["status"] == "submitted"


def test_what_is_no_json_is_refused(course: Any) -> None:
    with pytest.raises(Invalid, match="JSON"):
        course.q.put(object())
    assert len(course.q) == 0


def test_a_job_that_another_program_works_on_cannot_be_put_again(programs: Programs, course: Any) -> None:
    job = course.add_job(1, 2)
    [_] = jobs.claim_jobs(programs.store, "elsewhere", {"classic": ["classic"]}, 1, 10)
    with pytest.raises(WrongStatus):
        course.q.put(job["id"])


def test_a_thousand_items_are_put_at_once(course: Any) -> None:
    course.q.put(*range(1000))
    assert len(course.q) == 1000
    course.q.clear()
    assert len(course.q) == 0
