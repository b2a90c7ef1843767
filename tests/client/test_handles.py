"""`submit`, `map` and `sweep` give handles that behave as futures do."""

from __future__ import annotations

import concurrent.futures
import threading
from concurrent.futures import CancelledError, as_completed, wait
from pathlib import Path

import pytest

from jobsapi import Client, jobs
from jobsapi.client import File, Image, watcher
from jobsapi.client.events import follow
from jobsapi.errors import ApiUnavailable, Invalid, JobFailed, UnknownJob
from tests.client.app import PNG
from tests.system.proxy import a_proxy

SECONDS = 30


def test_a_handle_is_a_future_of_the_result(client, jobs_worker):
    handle = client.submit("double", value=21)
    told = threading.Event()
    handle.add_done_callback(lambda each: told.set() if each.result() == 42 else None)
    assert isinstance(handle, concurrent.futures.Future)
    assert (handle.done(), handle.running(), handle.cancelled(), handle.status) == (False, False, False, "submitted")
    with pytest.raises(TimeoutError):
        handle.result(0)
    jobs_worker.run_all()
    assert handle.result(SECONDS) == 42
    assert handle.exception() is None
    assert told.wait(SECONDS)
    assert (handle.done(), handle.running(), handle.cancelled(), handle.status) == (True, False, False, "complete")
    assert handle.job.attempts[0]["outcome"] == "complete"
    assert handle.cancel() is False


def test_a_handle_tells_which_jobs_came_after_it(client, jobs_worker):
    parent = client.submit("double", value=1)
    assert list(parent.children()) == []
    made = [client.with_options(after=[parent.id]).submit("double", value=n).id for n in range(3)]
    jobs_worker.run_all()
    assert [(job.id, job.status) for job in parent.children()] == [(jid, "complete") for jid in reversed(made)]
    assert [job.id for job in client.children(parent.id, page=2)] == made[::-1]
    assert parent.job.children == 3


def test_as_completed_and_wait_work_on_handles_of_several_clients(client, jobs_api, jobs_worker):
    with Client(jobs_api) as other:
        handles = [client.submit("double", value=1), other.submit("double", value=2), client.submit("double", value=3)]
        jobs_worker.run_next()
        first = next(as_completed(handles, SECONDS))
        assert first is handles[0]
        jobs_worker.run_all()
        done, left = wait(handles, SECONDS)
        assert (len(done), len(left)) == (3, 0)
        assert [each.result() for each in handles] == [2, 4, 6]


def test_a_job_that_fails_raises_its_error_with_the_users_frames(client, working):
    handle = client.submit("break_down", why="no <data>")
    with pytest.raises(JobFailed, match="ValueError: no <data>") as failure:
        handle.result(SECONDS)
    assert isinstance(handle.exception(), JobFailed)
    assert (failure.value.reason, failure.value.job["id"]) == ("error", handle.id)
    assert "raise ValueError(why)" in str(failure.value)
    assert handle.logs().startswith("about to break\n")


def test_a_waiting_job_is_cancelled_at_once(client):
    handle = client.submit("double", value=1)
    assert handle.cancel() is True
    assert handle.cancelled()
    with pytest.raises(CancelledError):
        handle.result(0)
    assert client.get_job_by_id(handle.id).status == "cancelled"


def test_a_running_job_is_stopped(client, start_worker):
    start_worker(Path(__file__).with_name("app.py"))
    handle = client.submit("talk", seconds=60)
    assert any(event.kind == "progress" for event in handle.events())
    assert handle.running()
    assert handle.progress == {"fraction": 0.5, "message": "half <way>"}
    assert handle.cancel() is True
    done, _ = wait([handle], SECONDS)
    assert done
    assert handle.cancelled()


def test_a_job_that_somebody_else_cancels_or_removes_is_told(client, jobs_store):
    cancelled, removed = client.submit("double", value=1), client.submit("double", value=2)
    jobs.cancel_job(cancelled.id, store=jobs_store)
    assert wait([cancelled], SECONDS).done
    assert cancelled.cancelled()
    jobs.cancel_job(removed.id, store=jobs_store)
    jobs.remove_job(removed.id, store=jobs_store)
    with pytest.raises((UnknownJob, CancelledError)):
        removed.result(SECONDS)


def test_a_handle_of_a_job_that_is_there_already(client, jobs_worker):
    job = client.add_job("double", {"value": 4})
    jobs_worker.run_all()
    assert client.handle(job.id).result(SECONDS) == 8
    with pytest.raises(UnknownJob):
        client.handle("00nothing")


def test_options_stand_apart_from_parameters_of_the_same_name(client):
    quick = client.with_options(priority=7, tags=["night"])
    handle = quick.with_options(queue="long").submit("double", value=1)
    assert (handle.job.priority, handle.job.queue, handle.job.tags) == (7, "long", ["night"])
    assert client.submit("double", value=1).job.priority == 0
    assert quick.add_job("double", {"value": 1}).tags == ["night"]
    with pytest.raises(Invalid) as refusal:
        client.submit("double", value=1, queue="long")
    assert refusal.value.errors[0].pointer == "/params/queue"


def test_the_events_of_a_job_come_until_its_end(client, jobs_worker):
    handle = client.submit("talk")
    jobs_worker.run_all()
    events = list(handle.events())
    assert events[-1].kind == "status"
    assert events[-1].data["status"] == "complete"


def test_a_stream_of_events_that_is_cut_goes_on_where_it_stood(jobs_api, jobs_worker):
    with a_proxy(int(jobs_api.rpartition(":")[2])) as proxy, Client(f"http://127.0.0.1:{proxy.port}") as client:
        handle = client.submit("talk")
        events = handle.events()
        assert next(events).data["status"] == "submitted"
        proxy.cut()
        jobs_worker.run_all()
        rest = list(events)
        assert "".join(each.data["text"] for each in rest if each.kind == "log") == handle.logs() == "first\nsecond\n"
        assert [each.data["status"] for each in rest if each.kind == "status"][-1] == "complete"
        assert list(follow(client._transport, handle.id, rest[-1].id)) == [], "whoever has its end is told no more"


def test_results_come_back_as_what_they_are(client, working, tmp_path):
    result = client.submit("outputs", folder=str(tmp_path)).result(SECONDS)
    assert result["number"] == 2**70
    assert result["table"].to_dict("records") == [{"city": "Yuma", "rain": 83}]
    assert (result["note"], result["note"].name, result["note"].text) == (b"hello", "note.txt", "hello")
    assert isinstance(result["note"], File)
    assert isinstance(result["picture"], Image)
    assert (result["picture"], result["picture"].media_type) == (PNG, "image/png")
    assert result["picture"].save(tmp_path).read_bytes() == PNG
    frame = client.submit("frame").result(SECONDS)
    assert str(frame.dtypes["at"]).startswith("datetime64"), "Parquet keeps the types of columns"


def test_map_takes_dicts_or_a_list_for_each_parameter(client, working):
    assert client.map("double", [{"value": 1}, {"value": 2, "plus": 1}]).results(SECONDS) == [2, 5]
    assert client.map("double", range(3)).results(SECONDS) == [0, 2, 4]
    handles = client.map("double", [1, 2], [10, 20])
    assert handles.results(SECONDS) == [12, 24]
    assert [each.seen.params for each in handles] == [{"value": 1, "plus": 10}, {"value": 2, "plus": 20}]
    assert client.map("double", [1, 2], plus=5).results(SECONDS) == [7, 9]
    assert client.map("double", []).results() == []
    with pytest.raises(Invalid, match="has 2 parameters"):
        client.map("double", [1], [2], [3])


def test_a_sweep_gives_handles_and_a_table(client, working):
    sweep = client.sweep("double", {"value": [1, 2], "plus": range(2)})
    assert sweep.results(SECONDS) == [2, 3, 4, 5]
    assert sweep.frame()[["value", "plus", "result"]].to_numpy().tolist() == [
        [1, 0, 2],
        [1, 1, 3],
        [2, 0, 4],
        [2, 1, 5],
    ]
    assert sweep.counts() == {"complete": 4}
    assert client.get_batch(sweep.batches[0]).total == 4


def test_of_many_jobs_one_that_fails_is_raised_or_stands_in_its_place(client, working):
    handles = client.map("break_down", ["one"])
    with pytest.raises(JobFailed):
        handles.results(SECONDS)
    [problem] = handles.results(SECONDS, return_exceptions=True)
    assert isinstance(problem, JobFailed)


def test_many_jobs_are_cancelled_together_and_counted(client):
    handles = client.map("double", range(30))
    with pytest.raises(TimeoutError, match="30 of 30 jobs"):
        handles.wait(0)
    assert handles.cancel() == 30
    assert handles.wait(SECONDS).counts() == {"cancelled": 30}


def test_no_reply_that_is_lost_makes_a_second_job(jobs_api, jobs_worker, jobs_store):
    with a_proxy(int(jobs_api.rpartition(":")[2])) as proxy, Client(f"http://127.0.0.1:{proxy.port}") as client:
        proxy.lose_reply(b"POST /jobs")
        handle = client.submit("double", value=1)
        proxy.lose_reply(b"POST /jobs", times=2)
        handles = client.map("double", [2, 3])
        jobs_worker.run_all()
        proxy.lose_replies(0.5, b"GET ", seed=1)
        assert handle.result(SECONDS) == 2
        assert handles.results(SECONDS) == [4, 6]
        assert proxy.lost >= 3
    assert len(jobs.list_jobs(store=jobs_store)[0]) == 3


def test_who_waits_when_the_api_stays_away_is_told(jobs_api, monkeypatch):
    monkeypatch.setattr(watcher, "_OUTAGE", 0.2)
    with a_proxy(int(jobs_api.rpartition(":")[2])) as proxy, Client(f"http://127.0.0.1:{proxy.port}") as client:
        handle = client.submit("double", value=1)
        proxy.close()
        with pytest.raises(ApiUnavailable):
            handle.result(SECONDS)


def test_who_waits_when_the_client_is_closed_is_told(client):
    handle = client.submit("double", value=1)
    client.close()
    with pytest.raises(ApiUnavailable, match="closed"):
        handle.result(SECONDS)
