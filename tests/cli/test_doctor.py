"""`jobsapi doctor`: what is wrong with a set-up, in plain sentences."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from jobsapi import jobs, registry, schedules
from jobsapi.doctor import examine
from jobsapi.errors import SetupError
from jobsapi.settings import Settings
from jobsapi.store import client_for, connect
from jobsapi.tasks import Task
from tests.cli.conftest import environment, free_port, run
from tests.conftest import server_binary
from tests.system import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobsapi.doctor import Finding
    from jobsapi.store import Store


def plot(start: int) -> None:
    """Draw."""


TASK = Task("plot", plot, queue="drawing")


@pytest.fixture
def settings(store: Store) -> Settings:
    """The test's server, and an API address where nothing answers."""
    return dataclasses.replace(store.settings, port=free_port())


@pytest.fixture
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[Callable[..., Settings]]:
    """Start a server with flags of its own; the settings that name it."""
    started = []

    def start(*flags: str) -> Settings:
        socket = folder / "s"
        words = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", "", *flags]
        started.append(subprocess.Popen([server_binary(request.config), *words], stdout=subprocess.DEVNULL))
        until("the server is there", socket.exists)
        return Settings(redis_url=f"unix://{str(socket).replace(' ', '%20')}", port=free_port())

    yield start
    for each in started:
        each.kill()
        each.wait(10)


def said(findings: list[Finding], level: str) -> str:
    return "\n".join(f"{each.sentence} {each.advice}" for each in findings if each.level == level)


def beat(store: Store, **changed: str) -> None:
    facts = {"host": "elsewhere", "pid": 1, "started": 0, "concurrency": 1, "state": "running"}
    facts |= {"queues": "drawing", "tasks": "plot", "running": ""} | changed
    registry.beat(store, "elsewhere:1:1", facts, lifetime=60)


def test_a_healthy_system_has_no_fault(system):
    done = system.run("doctor")
    assert done.returncode == 0, done.stdout
    assert "The embedded server of" in done.stdout
    assert "1 worker lives" in done.stdout
    assert f"The API answers at {system.url}" in done.stdout
    told = json.loads(system.run("doctor", "--json").stdout)
    assert told["ok"] is True
    assert {each["level"] for each in told["findings"]} <= {"ok", "warn"}


def test_a_folder_where_nothing_ran_is_left_as_it_is(folder):
    done = run("doctor", "--port", str(free_port()), cwd=folder)
    assert done.returncode == 0
    assert "Nothing has run here yet" in done.stdout
    assert "Nothing answers at" in done.stdout
    assert not list(folder.iterdir())


def test_a_server_that_does_not_answer_is_a_fault(folder):
    settings = Settings(redis_url=f"redis://127.0.0.1:{free_port()}/0", folder=folder, port=free_port())
    assert "correct REDIS_URL" in said(examine(settings), "fault")


def test_the_exit_code_of_a_fault_is_1(system):
    done = system.run("doctor", "--json", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert done.returncode == 1
    assert json.loads(done.stdout)["ok"] is False


def test_jobs_that_no_worker_takes_are_a_fault_until_one_does(store, settings):
    registry.publish(store, [TASK.described()])
    jobs.add_job("plot", {"start": 1}, store=store)
    findings = examine(settings)
    assert "1 job waits of task plot in queue drawing, and no living worker takes them." in said(findings, "fault")
    assert "No worker lives" in said(findings, "warn")
    beat(store, queues="default")
    assert "queue drawing" in said(examine(settings), "fault"), "a worker of another queue is no help"
    beat(store, tasks="other")
    findings = examine(settings)
    assert "queue drawing" in said(findings, "fault"), "nor is one that does not know the task"
    assert "No living worker knows task plot" in said(findings, "warn")
    beat(store)
    findings = examine(settings)
    assert said(findings, "fault") == ""
    assert "1 job waits" in said(findings, "ok")


def test_a_paused_queue_is_told_and_is_no_fault(store, settings):
    registry.publish(store, [TASK.described()])
    jobs.add_job("plot", {"start": 1}, store=store)
    jobs.pause_queue(store, "drawing")
    findings = examine(settings)
    assert "Queue drawing is paused" in said(findings, "warn")
    assert said(findings, "fault") == ""


def test_a_results_folder_that_cannot_be_written_is_a_fault(settings, tmp_path):
    missing = tmp_path / "nowhere"
    findings = examine(dataclasses.replace(settings, results=str(missing)))
    assert f"{missing} cannot be written (No such file or directory)" in said(findings, "fault")
    missing.mkdir()
    assert "can be written" in said(examine(dataclasses.replace(settings, results=str(missing))), "ok")


def test_workers_of_other_machines_must_share_the_results_folder(store, settings, tmp_path):
    beat(store)
    findings = examine(dataclasses.replace(settings, results=str(tmp_path)))
    assert "Workers run on elsewhere too" in said(findings, "warn")


def test_a_server_without_an_append_only_file_is_told(server):
    settings = server()
    assert "keeps no append-only file" in said(examine(settings), "warn")
    always = dataclasses.replace(settings, durability="always")
    assert "JOBSAPI_DURABILITY is always, but the server has appendonly no" in said(examine(always), "fault")


def test_a_policy_that_could_drop_jobs_is_refused_by_everybody_and_told(server, folder):
    settings = server("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru", "--appendonly", "yes")
    with pytest.raises(SetupError, match="maxmemory-policy is allkeys-lru"):
        connect(settings)
    assert "Set it to noeviction" in said(examine(settings), "fault")
    client = client_for(settings.redis_url)
    client.config_set("maxmemory-policy", "volatile-lru")
    assert "maxmemory-policy is volatile-lru" in said(examine(settings), "warn"), "jobs have no time to live"
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", 0)
    connect(settings).close()
    client.close()


@pytest.mark.parametrize("command", ["serve", "api", "worker"])
def test_no_command_starts_on_a_server_that_could_drop_jobs(server, folder, command):
    settings = server("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-random")
    app = [] if command == "api" else [str(Path(__file__).parent / "app.py")]
    port = [] if command == "worker" else ["--port", str(settings.port)]
    done = run(command, *app, *port, cwd=folder, env=environment(REDIS_URL=settings.redis_url))
    assert done.returncode == 2
    assert "maxmemory-policy is allkeys-random" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_nearly_full_is_told(server):
    settings = server("--appendonly", "yes", "--maxmemory", "50mb")
    client = client_for(settings.redis_url)
    client.config_set("maxmemory", int(client.info("memory")["used_memory"] * 1.02))
    assert "full, it refuses jobs" in said(examine(settings), "warn")
    client.close()


def test_a_server_that_is_too_old_is_a_fault_and_says_what_is_needed(folder):
    """No such server is at hand: one that only says its version stands in for it."""

    class Old(StreamRequestHandler):
        def handle(self):
            while count := self.rfile.readline():
                words = [self.rfile.readline() and self.rfile.readline().strip() for _ in range(int(count[1:]))]
                told = b"redis_version:6.2.14\r\n"
                is_info = words[0].upper() == b"INFO"
                self.wfile.write(b"$%d\r\n%s\r\n" % (len(told), told) if is_info else b"+OK\r\n")

    with ThreadingTCPServer(("127.0.0.1", 0), Old) as old:
        old.daemon_threads = True
        Thread(target=old.serve_forever, daemon=True).start()
        settings = Settings(redis_url=f"redis://127.0.0.1:{old.server_address[1]}/1", folder=folder, port=free_port())
        told = said(examine(settings), "fault")
        old.shutdown()
    assert "The server is redis 6.2.14; jobsapi needs redis 7.0 or newer." in told


def test_clocks_that_differ_are_told(store, settings, monkeypatch):
    assert "clock and this machine's agree" in said(examine(settings), "ok")
    now = store.time_ms()
    beat(store, clock=str(now - 7_200_000))
    assert "The clock of elsewhere, where workers run, is 7,200 s behind the server's" in said(
        examine(settings), "warn"
    )
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    assert "The server's clock is 3,600 s ahead of this machine's" in said(examine(settings), "warn")


@pytest.mark.parametrize(("free", "level"), [(50 << 20, "fault"), (500 << 20, "warn"), (50 << 30, "ok")])
def test_a_disk_that_is_nearly_full_is_told(settings, tmp_path, monkeypatch, free, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    findings = examine(dataclasses.replace(settings, results=str(tmp_path)))
    assert f"The disk of {tmp_path} has {free >> 20:,} MiB left." in said(findings, level)


def test_what_nobody_goes_on_with_is_a_fault(store, settings):
    registry.publish(store, [TASK.described()])
    assert said(examine(settings), "fault") == ""
    jid = jobs.add_job("plot", {"start": 1}, store=store).id
    jobs.claim_jobs(store, "gone", {"drawing": ["plot"]}, 1, 10.0)
    past = store.time_ms() - 60_000
    store.redis.zadd(store.keys.leases(), {jid: past})
    store.redis.zadd(store.keys.due(), {jid: past})
    store.redis.zadd(store.keys.planned(), {"nightly": past, "daily": past})
    store.redis.zadd(store.keys.webhooks(), {jid: past})
    told = said(examine(settings), "fault")
    for sentence in (
        "1 job is in progress whose worker is gone.",
        "1 job waits though its time has come.",
        "2 schedules are due and do not fire.",
        "1 webhook is due and is not sent.",
    ):
        assert sentence in told


def test_a_schedule_that_could_not_submit_its_job_is_told(store, settings):
    registry.publish(store, [TASK.described()])
    schedules.add_schedule("nightly", "plot", {"start": 1}, every=3600, store=store)
    store.redis.hdel(store.keys.tasks(), "plot")
    store.now = int(store.redis.zscore(store.keys.planned(), "nightly"))
    registry.published(store, fresh=True)
    schedules.fire_due(store)
    store.now = None
    assert "Schedule nightly did not submit its job" in said(examine(settings), "warn")


def test_a_program_that_is_no_jobs_api_is_told(settings):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *words): ...

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        findings = examine(dataclasses.replace(settings, port=other.server_port))
        other.shutdown()
    assert "is no jobs API" in said(findings, "warn")


def test_indexes_that_do_not_agree_are_told_by_check_and_put_right_by_repair(store, settings):
    registry.publish(store, [TASK.described()])
    jid = jobs.add_job("plot", {"start": 1}, store=store).id
    beat(store)
    assert "agree with the jobs' records" in said(examine(settings, check=True), "ok")
    store.redis.zrem(store.keys.ready("drawing", "plot"), jid)
    assert said(examine(settings), "fault") == "", "only who asks for the check waits for it"
    sentence = f"Job {jid} is submitted, but does not stand in its place in queue drawing"
    assert sentence in said(examine(settings, check=True), "fault")
    findings = examine(settings, mend=True)
    assert f"Put right: {sentence}" in said(findings, "warn")
    assert "agree with the jobs' records" in said(findings, "ok")
    assert said(examine(settings, check=True), "fault") == ""


def test_the_command_checks_and_repairs_a_system_that_works(system):
    done = system.run("doctor", "--check")
    assert done.returncode == 0, done.stdout
    assert "Counts, lists and indexes agree with the jobs' records." in done.stdout
    told = json.loads(system.run("doctor", "--repair", "--json").stdout)
    assert told["ok"] is True


def test_what_no_command_can_put_right_stays_a_fault(store, settings):
    registry.publish(store, [TASK.described()])
    jid = jobs.add_job("plot", {"start": 1}, store=store).id
    store.redis.hdel(store.keys.job(jid), "q")
    assert f"Job {jid} is submitted, but its record lacks" in said(examine(settings, mend=True), "fault")
