"""Event streams: a job's line as it happens, resumed at any point, of one job or of all."""

from __future__ import annotations

import os
import random
import threading
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs, registry
from jobsapi.api import create_app
from jobsapi.settings import Settings
from jobsapi.store import connect
from jobsapi.tasks import Task
from tests.http.conftest import free
from tests.http.streams import Seen, Stream
from tests.http.test_http_store_away import Server, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient

    from jobsapi.store import Store

QUEUES = {"default": ["free", "plot"]}


def submit(store: Store, task: str = "free", **options: Any) -> str:
    params = {"n": 1} if task == "free" else {"start": 1, "end": 2}
    return str(jobs.add_job(task, params, store=store, **options)["id"])


def claim(store: Store) -> Any:
    [found] = jobs.claim_jobs(store, "w", QUEUES, 1, 10.0)
    return found


def complete(store: Store, held: Any) -> None:
    jobs.complete_job(store, held.id, held.token, b'{"outputs":{}}', b"1")


@pytest.fixture
def watch(http: FlaskClient) -> Iterator[Callable[..., Stream]]:
    """Opens streams, and closes them when the test ends."""
    opened = []

    def open_one(path: str, last: str = "", client: FlaskClient = http) -> Stream:
        opened.append(Stream(client, path, last))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def told(events: list[Seen]) -> list[tuple[str, Any]]:
    """What is the same whichever way it came: statuses and progress, in order."""
    names = {"status": "status", "progress": "fraction"}
    return [(each.kind, each.data[names[each.kind]]) for each in events if each.kind in names]


def text(events: list[Seen]) -> str:
    return "".join(each.data["text"] for each in events if each.kind == "log")


def test_a_jobs_line_is_seen_as_it_happens_and_the_stream_ends_with_the_job(
    store: Store, watch: Callable[..., Stream]
) -> None:
    jid = submit(store)
    stream = watch(f"/jobs/{jid}/events")
    assert (stream.status, stream.answer.mimetype) == (200, "text/event-stream")
    first = next(stream)
    assert (first.kind, first.data["status"], first.data["params"]) == ("status", "submitted", {"n": 1})
    held = claim(store)
    second = next(stream)
    assert second.kind == "status"
    assert second.data == second.data | {"id": jid, "status": "in progress", "reason": None, "task": "free"}
    assert second.data["at"].endswith("Z")
    jobs.append_log(store, jid, held.token, 0, b"hello\n")
    assert next(stream).data == {"id": jid, "at": 0, "text": "hello\n"}
    jobs.report_progress(store, jid, held.token, 0.5, "half")
    assert next(stream).data == {"id": jid, "fraction": 0.5, "message": "half"}
    jobs.fail_job(store, jid, held.token, "error", {"type": "E", "message": "m", "traceback": ""})
    assert [each.data["reason"] for each in stream] == ["error"]  # and no more


def test_a_stream_of_a_job_that_has_ended_tells_its_log_and_its_last_status(
    store: Store, watch: Callable[..., Stream]
) -> None:
    jid = submit(store)
    held = claim(store)
    jobs.append_log(store, jid, held.token, 0, b"hello\n")
    complete(store, held)
    log, status = watch(f"/jobs/{jid}/events")
    assert (log.kind, log.data["text"], status.kind, status.data["status"]) == ("log", "hello\n", "status", "complete")
    assert [each.kind for each in watch(f"/jobs/{jid}/events", log.id)] == ["status"]
    assert watch(f"/jobs/{jid}/events", status.id).status == 204  # a browser asks no further


def test_unknown_jobs_and_places_that_were_never_given_out_are_refused(http: FlaskClient, store: Store) -> None:
    assert http.get("/jobs/00AbCdEfGhIjKlMnOpQr/events").status_code == 404
    jid = submit(store)
    for last in ("x", "1", "1-2-x", "-1-1", "1" * 30 + "-1"):
        assert http.get(f"/jobs/{jid}/events", headers={"Last-Event-ID": last}).status_code == 400
        assert http.get("/events", query_string={"last_event_id": last}).status_code == 400
    assert http.get("/events?status=odd").status_code == 422


def test_while_nobody_watches_nothing_is_written_for_those_who_might(store: Store, http: FlaskClient) -> None:
    jid = submit(store)
    held = claim(store)
    jobs.append_log(store, jid, held.token, 0, b"hello\n")
    jobs.report_progress(store, jid, held.token, 0.5, "half")
    complete(store, held)
    assert not store.call("exists", store.keys.events())


SEED = int(os.environ.get("EVENTS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
"""A fresh one for each run; EVENTS_SEED repeats the run that printed it."""


def written(store: Store, jid: str) -> str:
    """Its log; the job may have been stopped in the middle of the last character."""
    return jobs.get_logs(jid, store=store).decode(errors="replace").removesuffix("\ufffd")


def live(store: Store, jid: str, dice: random.Random, steps: int) -> Iterator[None]:
    """A job's life of so many steps and some attempts, others' beside it."""
    held, at, written = None, 0, "¡ä€😀 line\n" * 200
    raw = written.encode()
    for step in range(steps):
        if held is None:
            jobs.promote_jobs(store)
            held, at = claim(store), 0
        roll = dice.random()
        if roll < 0.5:
            piece = raw[at : at + dice.randrange(1, 40)]
            jobs.append_log(store, jid, held.token, at, piece)
            at += len(piece)
        elif roll < 0.8:
            jobs.report_progress(store, jid, held.token, step / steps, None)
        elif roll < 0.9:
            submit(store, queue="other")
        elif roll < 0.95:
            jobs.release_job(store, jid, held.token)
            held = None
        else:
            jobs.fail_job(store, jid, held.token, "error", None, again_after=0.0)
            held = None
        yield
    if held is None:
        jobs.promote_jobs(store)
        held = claim(store)
    complete(store, held)


def test_a_stream_resumed_at_any_point_has_no_gap_and_no_double(
    store: Store, watch: Callable[..., Stream], make_app: Callable[..., Flask]
) -> None:
    print(f"EVENTS_SEED={SEED}")
    dice = random.Random(SEED)
    jid = submit(store, max_attempts=100)
    whole = watch(f"/jobs/{jid}/events")
    for _ in live(store, jid, dice, 100):
        pass
    reference = list(whole)
    log = written(store, jid)
    assert text(reference) == log
    another = make_app().test_client()  # as after a restart: it knows only what the store has
    for _ in range(40):
        cut = dice.randrange(len(reference) - 1)
        http = dice.choice([{}, {"client": another}])
        rest = list(watch(f"/jobs/{jid}/events", reference[cut].id, **http))
        assert told(rest) == told(reference[cut + 1 :])
        assert text(reference[: cut + 1]) + text(rest) == log


def test_a_reader_who_is_cut_off_again_and_again_while_the_job_runs_has_it_all_once(
    store: Store, watch: Callable[..., Stream], make_app: Callable[..., Flask]
) -> None:
    print(f"EVENTS_SEED={SEED}")
    dice = random.Random(SEED + 1)
    jid = submit(store, max_attempts=100)
    whole = watch(f"/jobs/{jid}/events")
    first = next(whole)
    running = threading.Thread(target=lambda: list(live(store, jid, random.Random(SEED), 300)))
    running.start()
    apps = [make_app().test_client() for _ in range(2)]
    seen, last = [first], first.id
    while seen[-1].data.get("status") != "complete":
        stream = watch(f"/jobs/{jid}/events", last, client=dice.choice(apps))
        for _, event in zip(range(dice.randrange(1, 8)), stream, strict=False):
            seen.append(event)
            last = event.id
        stream.close()
    running.join()
    assert told(seen) == told([first, *whole])
    assert text(seen) == written(store, jid)


@pytest.mark.parametrize("loss", ["tail", "epoch", "all"])
def test_what_is_no_longer_there_becomes_a_look_at_the_whole(
    store: Store, watch: Callable[..., Stream], make_app: Callable[..., Flask], loss: str
) -> None:
    jid = submit(store)
    stream = watch(f"/jobs/{jid}/events")
    held = claim(store)
    jobs.append_log(store, jid, held.token, 0, b"one\n")
    seen = stream.until("log")
    keys = store.keys
    if loss == "epoch":  # nobody watched for some minutes
        store.call("delete", keys.watched())
    jobs.append_log(store, jid, held.token, 4, b"two\n")
    jobs.report_progress(store, jid, held.token, 0.5, "half")
    if loss == "tail":
        store.call("xtrim", keys.events(), 1, False)
    elif loss == "all":
        store.call("delete", keys.events(), keys.watched())
    again = watch(f"/jobs/{jid}/events", seen[-1].id, client=make_app().test_client())
    status, log = next(again), next(again)
    assert (status.kind, status.data["progress"]) == ("status", {"fraction": 0.5, "message": "half"})
    assert log.data == {"id": jid, "at": 4, "text": "two\n"}
    complete(store, held)
    assert [each.data["status"] for each in again] == ["complete"]


def test_a_reader_who_is_slow_gets_the_whole_again_and_none_of_what_he_missed(
    store: Store, watch: Callable[..., Stream]
) -> None:
    jid = submit(store)
    stream, quick = watch(f"/jobs/{jid}/events"), watch(f"/jobs/{jid}/events")
    assert (next(stream).kind, next(quick).kind) == ("status", "status")
    held = claim(store)
    for i in range(2000):
        jobs.report_progress(store, jid, held.token, i / 2000, None)
        if i % 100 == 99:
            quick.until("progress", fraction=i / 2000)
    jobs.append_log(store, jid, held.token, 0, b"end\n")
    quick.until("log")
    complete(store, held)
    assert quick.until("status")[-1].data["status"] == "complete"
    came = list(stream)
    assert len(came) < 600
    assert text(came) == "end\n"
    assert came[-1].data["status"] == "complete"


def test_a_waiting_jobs_position_is_told_when_it_moves(store: Store, watch: Callable[..., Stream]) -> None:
    ahead = [submit(store) for _ in range(3)]
    jid = submit(store)
    stream = watch(f"/jobs/{jid}/events")
    assert next(stream).data["position"] == 3
    jobs.cancel_job(ahead[0], store=store)
    assert stream.until("position")[-1].data == {"id": jid, "position": 2}


def test_as_many_streams_as_may_be_are_held_and_one_more_is_refused_until_one_ends(
    store: Store, make_app: Callable[..., Flask]
) -> None:
    http = make_app(max_streams=2).test_client()
    jid = submit(store)
    held = [Stream(http, "/events"), Stream(http, f"/jobs/{jid}/events")]
    refused = http.get("/events")
    assert (refused.status_code, refused.get_json()["type"]) == (503, "urn:jobsapi:problem:no-stream-left")
    assert int(refused.headers["Retry-After"]) >= 1
    assert http.get(f"/jobs/{jid}").status_code == 200
    for each in held:
        each.close()
    assert http.get("/jobs/00AbCdEfGhIjKlMnOpQr/events").status_code == 404  # takes no place for good either
    again = [Stream(http, "/events"), Stream(http, f"/jobs/{jid}/events")]
    assert [each.status for each in again] == [200, 200]
    for each in again:
        each.close()


def test_all_jobs_are_watched_together_or_those_that_fit(store: Store, watch: Callable[..., Stream]) -> None:
    filters = ("", "?task=plot", "?tag=blue", "?status=in_progress", "?status=submitted,complete", "?batch=none")
    streams = {name: watch(f"/events{name}") for name in filters}
    for task, tags in (("free", ["blue"]), ("plot", ["red"])):
        jid = submit(store, task, tags=tags)
        held = claim(store)
        jobs.append_log(store, jid, held.token, 0, f"{task}\n".encode())
        complete(store, held)
    everything = streams[""].until("log", text="plot\n")
    everything += streams[""].until("status", status="complete")
    assert [each.kind for each in everything].count("log") == 2
    assert told(everything) == [("status", word) for word in ("submitted", "in progress", "complete")] * 2
    resumed = watch("/events", everything[2].id)
    assert [next(resumed).data for _ in everything[3:]] == [each.data for each in everything[3:]]
    only_plot = streams["?task=plot"].until("status", status="complete")
    assert {each.data["id"] for each in only_plot} == {jid}
    blue = streams["?tag=blue"].until("status", status="complete")
    assert {each.data["id"] for each in blue} == {everything[0].data["id"]}
    running = streams["?status=in_progress"].until("log", text="plot\n")
    assert [each.kind for each in running] == ["status", "log", "status", "log"]
    several = streams["?status=submitted,complete"]
    assert [next(several).data["status"] for _ in range(4)] == ["submitted", "complete"] * 2
    batch = jobs.get_job_by_id(jobs.add_jobs([{"task": "free", "params": {}}], store=store)[0]["id"], store=store)
    assert batch["batch"]


def test_who_watches_all_is_told_where_events_are_missing(
    store: Store, watch: Callable[..., Stream], make_app: Callable[..., Flask]
) -> None:
    stream = watch("/events")
    submit(store)
    last = next(stream).id
    submit(store)
    store.call("xtrim", store.keys.events(), 0, False)
    again = watch("/events", last, client=make_app().test_client())
    assert next(again).kind == "gap"
    jid = submit(store)
    assert next(again).data["id"] == jid


def test_a_stream_goes_on_when_its_store_was_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Server(tmp_path_factory.mktemp("s"))
    server.start()
    http = create_app(Settings.from_environment({"REDIS_URL": server.url})).test_client()
    until(http, "/readyz", 200)
    store = connect(Settings.from_environment({"REDIS_URL": server.url}))
    registry.publish(store, [Task("free", free).described()])
    jid = submit(store)
    stream = Stream(http, f"/jobs/{jid}/events")
    assert next(stream).data["status"] == "submitted"
    server.end()
    server.start()
    until(http, "/readyz", 200)
    held = claim(store)
    jobs.append_log(store, jid, held.token, 0, b"one\n")
    complete(store, held)
    rest = list(stream)
    assert told(rest)[-1] == ("status", "complete")
    assert text(rest) == "one\n"
    stream.close()
    store.close()
    server.end()
