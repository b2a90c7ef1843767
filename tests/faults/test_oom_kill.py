"""The kernel ends a job's process for want of memory: the job says so, its worker and the other jobs live on."""

from __future__ import annotations

import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobsapi import jobs
from tests.system import System, tree, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

ROOT = Path("/sys/fs/cgroup")
APP = """
import time

from jobsapi import current_job, task

@task
def eat(mib: int) -> int:
    pieces = [b"x" * 2**20 for _ in range(mib)]
    return len(pieces)

@task
def wait(seconds: float) -> str:
    time.sleep(seconds)
    return "waited"
"""


@contextmanager
def a_control_group(limit: int) -> Iterator[Path]:
    """One whose processes may have so many bytes of memory together, whichever version the kernel has."""
    is_second = (ROOT / "cgroup.controllers").exists()
    folder = (ROOT if is_second else ROOT / "memory") / f"jt-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
        if is_second:
            (folder / "memory.max").write_text(str(limit))
            (folder / "memory.swap.max").write_text("0")
        else:
            (folder / "memory.limit_in_bytes").write_text(str(limit))
            with suppress(OSError):  # where swap is not counted there may be none
                (folder / "memory.memsw.limit_in_bytes").write_text(str(limit))
    except OSError as problem:
        with suppress(OSError):
            folder.rmdir()
        pytest.skip(f"a control group with a limit to its memory cannot be made here: {problem}")
    try:
        yield folder
    finally:
        until("its processes are gone", lambda: not (folder / "cgroup.procs").read_text())
        folder.rmdir()


def test_a_job_whose_process_the_kernel_ends_for_want_of_memory_fails_with_memory(store, environment, tmp_path):
    app = tmp_path / "hungry.py"
    app.write_text(APP)
    with a_control_group(400 << 20) as group:
        system = System(store, environment, tmp_path, app=app)
        try:
            worker = system.worker()
            for pid in [worker.pid, *tree(worker.pid)]:
                (group / "cgroup.procs").write_text(str(pid))
            other = jobs.add_job("wait", {"seconds": 5}, store=store).id
            until("the other job runs", lambda: system.job(other).status == "in progress")
            hungry = jobs.add_job("eat", {"mib": 2000}, max_attempts=2, store=store).id
            [job] = system.until_ended([hungry])
            assert (job.status, job.reason, job.deliveries_lost) == ("failed", "memory", 0)
            assert "memory" in job.error["message"]
            assert "memory" in job.advice
            assert system.until_ended([other])[0].deliveries_lost == 0
            modest = jobs.add_job("eat", {"mib": 10}, store=store).id
            assert system.until_ended([modest])[0].status == "complete"
            assert worker.poll() is None
        finally:
            system.close()
