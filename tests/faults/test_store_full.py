"""A server whose disk or memory is full: what is there is kept and goes on when there is room; nothing is half done."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs, upkeep
from jobsapi.errors import StoreFull
from jobsapi.settings import Settings
from jobsapi.store import Store, connect
from tests.conftest import server_binary
from tests.faults import keyspace
from tests.faults.histories import run_histories
from tests.faults.machine import Machine
from tests.faults.rig import Rig, Stream, rig
from tests.system import until
from tests.system.server import Server, a_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.slow

EVERYSEC = ("--appendfsync", "everysec")
FULL = "urn:jobsapi:problem:store-full"


@contextmanager
def a_small_disk(size: str) -> Iterator[Path]:
    """A file system of that size."""
    folder = Path(tempfile.mkdtemp(prefix="jt-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


class Ballast:
    """A file that fills what is left of a disk."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ballast"

    def fill(self) -> None:
        with self._file.open("ab", buffering=0) as file:
            for step in (65536, 4096, 512, 1):
                try:
                    while file.write(b"x" * step) == step:
                        pass
                except OSError:
                    continue

    def remove(self) -> None:
        self._file.unlink()


def test_on_a_full_disk_posts_are_refused_with_503_and_what_runs_is_recorded_when_there_is_room(request, tmp_path):
    with a_small_disk("16m") as disk:
        server = Server(server_binary(request.config), disk, *EVERYSEC)
        server.start()
        try:
            with rig(server.url, tmp_path) as system:
                system.environment["JOBSAPI_LEASE"] = "20"  # longer than the disk is full: nothing can be renewed then
                system.worker()
                client = system.api()
                ids = [client.add_job("work", {"seconds": seconds}).id for seconds in (1, 2, 3, 0.1, 0.1)]
                until("two run", lambda: system.effects.read_text().count("begin") >= 2)
                ballast = Ballast(disk)
                ballast.fill()
                status, headers, problem = until(
                    "a POST is refused", lambda: answer if (answer := system.post())[0] != 202 else None
                )
                assert (status, problem["type"]) == (503, FULL)
                assert int(headers["Retry-After"]) > 0
                assert client.get_job_by_id(ids[0]).id == ids[0]  # what is there can be read
                until("two have ended", lambda: system.effects.read_text().count("end ") >= 2)
                with pytest.raises(StoreFull):
                    jobs.cancel_job(ids[4], store=system.store)
                ballast.remove()
                until("a POST is answered again", lambda: system.post()[0] == 202)
                known = system.check_everything()
                assert set(ids) <= known.keys()
                assert all(len(system.runs(jid)) == 1 for jid in known)
        finally:
            server.kill()


def test_with_always_a_full_disk_ends_the_server_and_nothing_that_was_answered_is_lost(request, tmp_path):
    with a_small_disk("16m") as disk:
        server = Server(server_binary(request.config), disk)
        server.start()
        try:
            with rig(server.url, tmp_path, JOBSAPI_DURABILITY="always") as system:
                system.worker()
                stream = Stream(system.api(), seconds=0.01)
                until("some are answered", lambda: len(stream.answered) >= 20)
                ballast = Ballast(disk)
                ballast.fill()
                process = server.process
                until("it has ended", lambda: process.poll() is not None)
                assert system.post()[0] == 503
                ballast.remove()
                server.start()
                before = len(stream.answered)
                until("POSTs are answered again", lambda: len(stream.answered) > before)
                assert stream.stop().keys() <= system.check_everything().keys()
        finally:
            server.kill()


# --- Memory -----------------------------------------------------------------------------------------------------------


class Crammed(Store):
    """A store whose memory is used up when one of the engine's steps comes, and free when it comes again.

    A step that is refused must have left every key as it was.
    """

    def __init__(self, plain: Store) -> None:
        super().__init__(plain.redis, plain.settings, plain.url)
        self.refused: Counter[str] = Counter()
        self.passed: Counter[str] = Counter()

    def run_many(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        return [self._run_crammed(name, args) for name, args in calls]

    def _run_crammed(self, name: str, args: Sequence[Any]) -> Any:
        before = keyspace.found(self)
        self.redis.config_set("maxmemory", 1)
        try:
            [told] = super().run_many([(name, args)])
        finally:
            self.redis.config_set("maxmemory", 0)
        if not isinstance(told, StoreFull):
            self.passed[name] += 1
            return told
        self.refused[name] += 1
        assert keyspace.found(self) == before, f"{name} was refused, and has written"
        return super().run_many([(name, args)])[0]


def test_a_step_that_is_refused_for_want_of_memory_has_written_nothing_at_all(request, environment):
    chosen = int(os.environ.get("FAULTS_SEED") or random.randrange(10**6))
    print(f"FAULTS_SEED={chosen}")
    with a_server(server_binary(request.config), *EVERYSEC) as server:
        plain = connect(Settings.from_environment({**environment, "REDIS_URL": server.url}))
        crammed = Crammed(plain)

        class Histories(Machine):
            store = crammed

        run_histories(Histories, chosen, int(os.environ.get("MODEL_STEPS", "1000")))
        plain.close()
    print(f"refused: {dict(crammed.refused)}")
    print(f"passed: {dict(crammed.passed)}")
    assert crammed.refused["submit"]
    assert not {"renew", "cancel", "remove", "prune", "wait"} & crammed.refused.keys()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with a_server(server_binary(request.config), *EVERYSEC) as made:
        yield made


def test_beyond_its_memory_workers_keep_what_jobs_end_with_until_there_is_room(server, tmp_path):
    with rig(server.url, tmp_path) as system:
        system.worker()
        ids = system.submit(count=6, seconds=0.5)
        until("two run", lambda: system.effects.read_text().count("begin") == 2)
        server.call("CONFIG", "SET", "maxmemory", "1")
        until("two have ended", lambda: system.effects.read_text().count("end ") == 2)
        status, headers, problem = (system.api(), system.post())[1]
        assert (status, problem["type"]) == (503, FULL)
        assert int(headers["Retry-After"]) > 0
        pid = system.effects.read_text().split()[3]
        os.kill(int(pid), signal.SIGKILL)  # an idle child: with the one in its place the worker looks for jobs
        time.sleep(2 * 2.0)  # two leases: they must hold
        assert system.effects.read_text().count("begin") == 2  # and no more is begun than can be kept
        assert [system.job(jid).status for jid in ids].count("in progress") == 2
        server.call("CONFIG", "SET", "maxmemory", "0")
        assert set(ids) <= system.check_everything().keys()
        assert all(len(system.runs(jid)) == 1 for jid in ids)
        assert server.call("INFO", "stats")["evicted_keys"] == 0


def test_beyond_its_memory_ended_jobs_are_still_removed_which_makes_room(server, tmp_path):
    with rig(server.url, tmp_path, JOBSAPI_KEEP_RESULTS="0.1", JOBSAPI_KEEP_JOBS="0.2") as system:
        worker = system.worker()
        ids = system.submit(count=2)
        system.until_ended(ids)
        worker.kill()
        server.call("CONFIG", "SET", "maxmemory", "1")
        until("they are removed", lambda: upkeep_ran(system) and not system.known())


def upkeep_ran(system: Rig) -> bool:
    with contextlib.suppress(StoreFull):
        upkeep.run(system.store)
    return True
