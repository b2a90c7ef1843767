"""The server killed at random instants while jobs come and run: what of that which was answered is there afterwards.

FAULTS_KILLS says how often it is killed in each test, FAULTS_SEED at which instants.
"""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from jobsapi import jobs
from tests.conftest import server_binary
from tests.faults.rig import Losses, Rig, Stream, rig
from tests.system import until
from tests.system.server import Server, Witness, a_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("FAULTS_KILLS", "3"))
EVERYSEC = ("--appendfsync", "everysec")
needs_compiler = pytest.mark.skipif(not Witness.is_possible, reason="the witness of syncs needs a C compiler")


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("FAULTS_SEED") or random.randrange(2**32))
    print(f"FAULTS_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def binary(request: pytest.FixtureRequest) -> str:
    return server_binary(request.config)


def kill_while_jobs_come(
    system: Rig,
    server: Server,
    chance: random.Random,
    between: Callable[[], object] = lambda: None,
    *,
    may_lose: bool = True,
) -> Losses:
    """Two workers run what comes over HTTP and from Python, and the server is killed again and again.

    `between`: what happens to its files while it is away. Afterwards every job that the store has is complete, once.
    """
    system.worker()
    system.worker()
    streams = [Stream(system.api(), seconds=0.01), Stream(system.another_store(), seconds=0.01)]
    killed_at = []
    for _ in range(KILLS):
        before = [len(each.answered) for each in streams]
        until(
            "both ways are answered again",
            lambda before=before: all(len(s.answered) > n for s, n in zip(streams, before, strict=True)),
            60,
        )
        time.sleep(chance.uniform(0.0, 2.0))  # the instant is what is random
        server.kill()
        killed_at.append(time.monotonic())
        between()
        server.start()
    before = [len(each.answered) for each in streams]
    until("it goes on", lambda: all(len(s.answered) > n for s, n in zip(streams, before, strict=True)), 60)
    answered = {jid: at for each in streams for jid, at in each.stop().items()}
    return Losses(answered, system.check_everything(may_lose=may_lose), killed_at)


def test_with_always_a_killed_server_loses_nothing_that_was_answered(binary, tmp_path: Path, chance):
    with a_server(binary) as server, rig(server.url, tmp_path, JOBSAPI_DURABILITY="always") as system:
        assert not kill_while_jobs_come(system, server, chance, may_lose=False).lost


def test_with_everysec_a_killed_server_loses_at_most_what_was_answered_in_the_last_seconds(binary, tmp_path, chance):
    with a_server(binary, *EVERYSEC) as server, rig(server.url, tmp_path) as system:
        assert kill_while_jobs_come(system, server, chance).oldest < 4


@needs_compiler
def test_with_everysec_on_a_disk_that_is_slow_to_sync_the_last_two_seconds_may_be_lost(binary, tmp_path, chance):
    witness = Witness(tmp_path, sync_takes=3.0)
    with a_server(binary, *EVERYSEC, environment=witness.environment) as server, rig(server.url, tmp_path) as system:
        assert kill_while_jobs_come(system, server, chance).oldest < 4


@needs_compiler
def test_with_always_a_power_cut_loses_nothing_that_was_answered(binary, tmp_path, chance):
    witness = Witness(tmp_path)
    with (
        a_server(binary, environment=witness.environment) as server,
        rig(server.url, tmp_path, JOBSAPI_DURABILITY="always") as system,
    ):
        losses = kill_while_jobs_come(system, server, chance, lambda: witness.cut(server.file), may_lose=False)
        assert not losses.lost


@needs_compiler
def test_with_everysec_a_power_cut_loses_at_most_what_was_answered_in_the_last_seconds(binary, tmp_path, chance):
    witness = Witness(tmp_path)
    with a_server(binary, *EVERYSEC, environment=witness.environment) as server, rig(server.url, tmp_path) as system:
        assert kill_while_jobs_come(system, server, chance, lambda: witness.cut(server.file)).oldest < 4


def test_a_file_that_is_cut_anywhere_in_its_tail_is_read_as_far_as_it_goes_and_the_system_goes_on(
    binary, tmp_path, chance
):
    with a_server(binary, *EVERYSEC) as server, rig(server.url, tmp_path) as system:
        cuts = []

        def cut() -> None:
            cuts.append(chance.randrange(1, 4000))
            os.truncate(server.file, max(0, server.file.stat().st_size - cuts[-1]))

        kill_while_jobs_come(system, server, chance, cut)
        print(f"bytes cut off: {cuts}")
        [jid] = system.submit()
        assert system.until_ended([jid])[0].status == "complete"
        assert jobs.get_results(jid, store=system.store) == jid
