"""The client hears of its jobs' ends by the API's events; where there are none it looks, as it does anyway."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import as_completed, wait
from typing import TYPE_CHECKING

import pytest

from jobsapi import Client, jobs
from jobsapi.client import ends, watcher
from jobsapi.client.ends import Ends
from tests.system.proxy import a_proxy

if TYPE_CHECKING:
    from jobsapi.store import Store

SECONDS = 30
NEVER = 3600.0


class Told:
    """What a stream has told, and when it was open."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ids: list[str] = []
        self.asked, self.opened, self.rested = threading.Event(), threading.Event(), threading.Event()
        hear, rest, listen = watcher.Watcher._hear, watcher.Watcher._rest, Ends._listen

        def heard(self_: watcher.Watcher, jid: str | None) -> None:
            if jid:
                self.ids.append(jid)
            hear(self_, jid)
            if not jid:
                self.opened.set()

        def rests(self_: watcher.Watcher, ends_: Ends, *args: float, **more: bool) -> None:
            if self.opened.is_set() and ends_.is_open and not self_._is_called():
                self.rested.set()
            rest(self_, ends_, *args, **more)

        def listened(self_: Ends, path: str) -> None:
            try:
                listen(self_, path)
            finally:
                self.asked.set()

        monkeypatch.setattr(watcher.Watcher, "_hear", heard)
        monkeypatch.setattr(watcher.Watcher, "_rest", rests)
        monkeypatch.setattr(Ends, "_listen", listened)

    def wait_until_looked(self) -> None:
        """Until the look at all that the opening of the stream brings is over, too."""
        assert self.rested.wait(SECONDS), "no stream was opened, or what it brought has no end"

    def wait_until_open(self) -> None:
        assert self.opened.wait(SECONDS), "no stream was opened"
        self.opened.clear()


@pytest.fixture
def by_events_alone(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Nobody looks at a job again by himself."""
    for name in ("_SHORTEST_PAUSE", "_LONGEST_PAUSE", "_NET"):
        monkeypatch.setattr(watcher, name, NEVER)
    monkeypatch.setattr(watcher, "_LISTEN_AFTER", 0.0)
    return Told(monkeypatch)


@pytest.fixture
def no_streams(jobs_store: Store, monkeypatch: pytest.MonkeyPatch) -> Told:
    """An API that has none to give, which is asked for one at once."""
    monkeypatch.setattr(jobs_store, "settings", dataclasses.replace(jobs_store.settings, max_streams=0))
    monkeypatch.setattr(watcher, "_LISTEN_AFTER", 0.0)
    return Told(monkeypatch)


def threads(name: str) -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == name]


def test_an_end_is_told_by_the_api(by_events_alone, client, jobs_worker, jobs_store):
    handle, cancelled, failed = (
        client.submit("double", value=21),
        client.submit("double", value=1),
        client.submit("break_down", why="so"),
    )
    by_events_alone.wait_until_looked()
    jobs.cancel_job(cancelled.id, store=jobs_store)
    jobs_worker.run_all()
    assert handle.result(SECONDS) == 42
    assert len(wait([cancelled, failed], SECONDS).done) == 2
    assert cancelled.cancelled()
    assert "ValueError" in str(failed.exception())
    assert sorted(by_events_alone.ids) == sorted([handle.id, cancelled.id, failed.id])


def test_an_end_before_the_stream_is_open_is_not_lost(by_events_alone, client, jobs_worker, monkeypatch):
    may_open = threading.Event()
    listen = Ends._listen
    monkeypatch.setattr(Ends, "_listen", lambda self, path: may_open.wait(SECONDS) and listen(self, path))
    handles = [client.submit("double", value=1), *client.map("double", [2, 3])]
    jobs_worker.run_all()
    may_open.set()
    assert [each.result(SECONDS) for each in handles] == [2, 4, 6]


def test_two_hundred_handles_all_end(by_events_alone, client, jobs_worker):
    handles = [client.submit("double", value=i) for i in range(100)]
    handles += client.map("double", range(100))
    by_events_alone.wait_until_open()
    jobs_worker.run_all()
    assert len(list(as_completed(handles, SECONDS))) == 200
    assert [handles[i].result(0) for i in (0, 99, 199)] == [0, 198, 198]


def test_a_stream_that_is_cut_is_resumed(by_events_alone, jobs_api, jobs_worker, monkeypatch):
    asked = []
    stream = ends.stream

    def noted(transport, path, last, **more):
        asked.append(last)
        return stream(transport, path, last, **more)

    monkeypatch.setattr(ends, "stream", noted)
    with a_proxy(int(jobs_api.rpartition(":")[2])) as proxy, Client(f"http://127.0.0.1:{proxy.port}") as client:
        handle = client.submit("double", value=1)
        by_events_alone.wait_until_open()
        proxy.cut()
        by_events_alone.wait_until_open()  # told of the cut
        jobs_worker.run_all()
        assert handle.result(SECONDS) == 2
    assert asked[0] == ""
    assert all(asked[1:])


def test_after_a_gap_all_are_looked_at(by_events_alone, jobs_api, jobs_worker, jobs_store, monkeypatch):
    may_open = threading.Event()
    may_open.set()
    listen = Ends._listen
    monkeypatch.setattr(Ends, "_listen", lambda self, path: may_open.wait(SECONDS) and listen(self, path))
    with a_proxy(int(jobs_api.rpartition(":")[2])) as proxy, Client(f"http://127.0.0.1:{proxy.port}") as client:
        handle = client.submit("double", value=1)
        by_events_alone.wait_until_open()
        may_open.clear()
        proxy.cut()
        by_events_alone.wait_until_open()
        jobs_worker.run_all()
        jobs_store.call("xtrim", jobs_store.keys.events(), 0, False)
        may_open.set()
        assert handle.result(SECONDS) == 2


def test_where_the_api_has_no_stream_to_give_jobs_are_looked_at(no_streams, client, jobs_worker):
    handles = [client.submit("double", value=i) for i in range(30)] + client.map("double", [1, 2])
    assert no_streams.asked.wait(SECONDS)
    jobs_worker.run_all()
    assert len(wait(handles, SECONDS).done) == 32
    assert not no_streams.opened.is_set()


def test_an_api_that_knows_no_events_is_asked_no_further(monkeypatch, client, jobs_worker):
    monkeypatch.setattr(watcher, "_LISTEN_AFTER", 0.0)
    monkeypatch.setattr(ends, "with_query", lambda path, query: "/no-such-route")
    handle = client.submit("double", value=1)
    jobs_worker.run_all()
    assert handle.result(SECONDS) == 2
    for each in threads("jobsapi-ends"):
        each.join(SECONDS)
    assert not threads("jobsapi-ends")


def test_its_threads_end_with_the_last_handle_and_with_the_client(by_events_alone, client, jobs_worker, monkeypatch):
    monkeypatch.setattr(watcher, "_LINGER", 0.0)
    for ended_by in (jobs_worker.run_all, client.close):
        handle = client.submit("double", value=1)
        by_events_alone.wait_until_open()
        mine = threads("jobsapi-ends") + threads("jobsapi-watcher")
        assert len(mine) == 2
        assert all(each.daemon for each in mine), "they must not keep the interpreter alive"
        ended_by()
        assert wait([handle], SECONDS).done
        for each in mine:
            each.join(SECONDS)
            assert not each.is_alive()
        by_events_alone.opened.clear()
