"""The names of the course document, in the process that a student's api.py is."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import classic, jobs, registry
from jobsapi.classic.words import Meaning, meaning_of
from jobsapi.errors import Invalid, SetupError, TooLarge, UnknownJob, WrongStatus

if TYPE_CHECKING:
    from jobsapi.store import Store
    from tests.classic.conftest import Programs

NAMES = "rd q jdb add_job get_job_by_id update_job_status _generate_jid _instantiate_job _save_job _queue_job"
NO_ID = "00zzzzzzzzzzzzzzzzzz"


def test_a_star_import_gives_every_name_of_the_document() -> None:
    given: dict[str, Any] = {}
    exec("from jobsapi.classic import *", given)
    assert set(NAMES.split()) <= set(given)


def test_importing_needs_no_server_and_using_a_server_that_is_away_says_so() -> None:
    script = "import redis; from jobsapi.classic import *; print(isinstance(rd, redis.Redis)); add_job(1, 2)"
    environment = {"REDIS_IP": "127.0.0.1", "REDIS_PORT": "1"}
    ended = subprocess.run([sys.executable, "-c", script], check=False, env=environment, capture_output=True, text=True)
    assert ended.stdout == "True\n"
    assert "StoreUnavailable" in ended.stderr


def test_a_job_is_a_plain_dict(course: Any, store: Store) -> None:
    job = course.add_job(1, end=2, colour="red")
    assert type(job) is dict
    assert job == {"id": job["id"], "status": "submitted", "start": 1, "end": 2, "colour": "red"}
    assert course.get_job_by_id(job["id"]) == job
    shown = jobs.get_job_by_id(job["id"], store=store)
    assert (shown.task, shown.queue, shown.params) == ("classic", "classic", {"start": 1, "end": 2, "colour": "red"})
    assert registry.find_task(store, "classic")["queue"] == "classic"


def test_an_unknown_id_raises(course: Any) -> None:
    for jid in (NO_ID, "nonsense"):
        with pytest.raises(UnknownJob):
            course.get_job_by_id(jid)
        with pytest.raises(UnknownJob):
            course.update_job_status(jid, "complete")
        with pytest.raises(UnknownJob):
            course.update_job_status(jid, "half way")
        with pytest.raises(UnknownJob):
            course._queue_job(jid)


def test_the_private_steps_make_the_same_job(course: Any) -> None:
    jid = course._generate_jid()
    job = course._instantiate_job(jid, "submitted", 1, 2)
    assert job == {"id": jid, "status": "submitted", "start": 1, "end": 2}
    course._save_job(jid, job)
    assert (course.get_job_by_id(jid)["status"], len(course.q)) == ("scheduled", 0)
    course._queue_job(jid)
    course._queue_job(jid)
    assert (course.get_job_by_id(jid), len(course.q)) == (job, 1)


def test_keys_that_a_program_adds_are_kept_and_can_be_taken_away(course: Any) -> None:
    job = course.add_job(1, 2)
    course._save_job(job["id"], {**job, "image": [1, 2], "start": 7})
    assert course.get_job_by_id(job["id"]) == {**job, "image": [1, 2], "start": 7}
    course._save_job(job["id"], job)
    assert course.get_job_by_id(job["id"]) == job


def test_what_cannot_be_stored_is_refused(course: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid):
        course.add_job(object(), 2)
    with pytest.raises(TooLarge):
        course.add_job(1, "x" * 2_000_000)
    with pytest.raises(Invalid, match="_generate_jid"):
        course._save_job("my job", {"start": 1})
    job = course.add_job(1, 2)
    with pytest.raises(TooLarge):
        course._save_job(job["id"], {**job, "image": "x" * 2_000_000})


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("complete", Meaning.COMPLETE),
        ("Completed.", Meaning.COMPLETE),
        (" FINISHED ", Meaning.COMPLETE),
        ("done", Meaning.COMPLETE),
        ("failed: no such file", Meaning.FAIL),
        ("Error in row 7", Meaning.FAIL),
        ("in progress", Meaning.START),
        ("in_progress", Meaning.START),
        ("In progress...", Meaning.START),
        ("running", Meaning.START),
        ("submitted", Meaning.QUEUE),
        ("Queued", Meaning.QUEUE),
        ("canceled", Meaning.CANCEL),
        ("half way", Meaning.NOTE),
        ("", Meaning.NOTE),
    ],
)
def test_words_are_understood(word: str, meaning: Meaning) -> None:
    assert meaning_of(word) is meaning


def test_a_job_that_nobody_works_on_can_be_ended_by_word(course: Any, store: Store) -> None:
    good, bad, stopped = (course.add_job(i, i)["id"] for i in range(3))
    course._save_job(good, {"start": 0, "end": 0, "total": 3})
    course.update_job_status(good, "complete")
    course.update_job_status(good, "complete")
    course.update_job_status(bad, "failed: no such file")
    course.update_job_status(stopped, "cancelled")
    assert [course.get_job_by_id(jid)["status"] for jid in (good, bad, stopped)] == ["complete", "failed", "cancelled"]
    assert course.get_job_by_id(bad)["error"] == "failed: no such file"
    assert jobs.get_results(good, store=store) == {"total": 3}
    assert len(course.q) == 0
    with pytest.raises(WrongStatus):
        course.update_job_status(bad, "complete")
    with pytest.raises(WrongStatus):
        course.update_job_status(good, "in progress")
    course.update_job_status(bad, "submitted")
    assert course.get_job_by_id(bad)["status"] == "submitted"


def test_a_job_that_another_program_works_on_is_only_ended_by_that_one(course: Any, store: Store) -> None:
    jid = course.add_job(1, 2)["id"]
    [claim] = jobs.claim_jobs(store, "elsewhere", {"classic": ["classic"]}, 1, 10)
    course.update_job_status(jid, "in progress")
    for word in ("complete", "failed", "submitted"):
        with pytest.raises(WrongStatus, match="elsewhere"):
            course.update_job_status(jid, word)
    course.update_job_status(jid, "half way")
    assert course.get_job_by_id(jid) == {
        "id": jid,
        "status": "in progress",
        "progress": "half way",
        "start": 1,
        "end": 2,
    }
    jobs.complete_job(store, jid, claim.token, b"", b"3")


def test_a_status_given_to_add_job_is_taken_at_its_word(course: Any) -> None:
    assert course.add_job(1, 2, "new")["status"] == "submitted"
    assert course.add_job(1, 2, status="new")["progress"] == "new"
    assert len(course.q) == 2
    assert course.add_job(1, 2, status="complete")["status"] == "complete"
    assert len(course.q) == 2


def test_a_dict_with_another_status_says_it(course: Any) -> None:
    job = course.add_job(1, 2)
    course._save_job(job["id"], {**job, "status": "complete", "total": 3})
    assert course.get_job_by_id(job["id"]) == {**job, "status": "complete", "total": 3}
    course._save_job(job["id"], {**job, "status": "in progress", "total": 4})
    assert course.get_job_by_id(job["id"]) == {**job, "status": "complete", "total": 4}


def test_jdb_shows_the_jobs_as_a_redis_client_would(course: Any, store: Store) -> None:
    first, second = course.add_job(1, 2), course.add_job(3, 4)
    course.q.put("a value is no job")
    jdb = course.jdb
    assert json.loads(jdb.get(first["id"])) == json.loads(jdb.get(first["id"].encode())) == first
    assert jdb.keys() == [second["id"].encode(), first["id"].encode()]
    assert course.get_job_by_id(jdb.keys()[0]) == second
    assert jdb.keys(f"*{first['id'][-4:]}") == [first["id"].encode()]
    assert jdb.get(NO_ID) is None
    assert jdb.exists(first["id"], second["id"], NO_ID) == 2
    assert jdb.set(first["id"], json.dumps({**first, "image": "abc"})) is True
    assert course.get_job_by_id(first["id"])["image"] == "abc"
    assert jdb.delete(first["id"], NO_ID) == 1
    assert jdb.keys() == [second["id"].encode()]
    with pytest.raises(Invalid):
        jdb.set(first["id"], "no json")


def test_jdb_lists_more_than_a_page_of_jobs(course: Any, store: Store) -> None:
    jobs.add_jobs([{"task": "classic", "params": {"start": course.add_job(1, 2)["start"]}}] * 1100, store=store)
    assert len(course.jdb.keys()) == 1101


def test_rd_is_the_programs_own_database(programs: Programs, course: Any, server_url: str) -> None:
    job = course.add_job(1, 2)
    output = programs.run("""
        import redis
        from jobs import rd

        rd.flushdb()
        rd.set('k', 'value')
        with rd.pipeline() as pipe:
            pipe.incr('n').incr('n')
            print(pipe.execute(), end=' ')
        print(isinstance(rd, redis.Redis), sorted(rd.keys()), rd.get('k'), rd.connection_pool.connection_kwargs['db'])
        rd.flushdb()
    """)
    assert output == "[1, 2] True [b'k', b'n'] b'value' 0\n"
    assert course.get_job_by_id(job["id"]) == job


def test_rd_says_that_a_cluster_has_no_database_for_it() -> None:
    with pytest.raises(SetupError, match="cluster"):
        classic.OwnDatabase(lambda: "redis+cluster://127.0.0.1:1").get("k")


def test_a_job_posted_over_http_goes_to_classic_workers(programs: Programs, course: Any) -> None:
    from jobsapi.api import create_app

    course.add_job(1, 2)
    client = create_app(store=programs.store).test_client()
    posted = client.post("/jobs", json={"task": "classic", "params": {"start": 5, "anything": ["goes"]}})
    assert posted.status_code == 202
    programs.start("from jobs import q\nfor jid in q.consume():\n    print(jid)\n")
    assert programs.ended(posted.json["id"]).status == "complete"
    listed = client.get("/jobs?task=classic").json
    assert listed["total"] == 2
    assert course.get_job_by_id(posted.json["id"])["anything"] == ["goes"]
