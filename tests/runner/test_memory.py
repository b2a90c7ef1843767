"""Memory limits: a job whose processes take more than they may is ended, wherever they take it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobsapi.runner import Died, Done, OutOfMemory, memory
from tests.runner.test_pool import Driver
from tests.system import is_alive, tree, until


@pytest.fixture
def driver():
    made = Driver()
    yield made
    made.close()


@pytest.mark.parametrize("where", ["python", "C", "grandchild"])
def test_a_job_that_takes_too_much_is_ended_with_all_it_started_and_says_how_much(driver, where):
    child = driver.value("facts")["pid"]
    [end], _ = driver.run("take", memory_mb=200, megabytes=400, where=where)
    assert isinstance(end, OutOfMemory)
    had = int(end.detail.split("had ")[1].split(" MiB")[0])
    assert 200 < had < 600
    assert "may have 200 MiB (memory_mb)" in end.detail
    until("all is gone", lambda: not is_alive(child) and not tree(child), 5)
    assert driver.value("facts")["setups"] == 1


def test_a_job_within_its_limit_is_left_alone(driver):
    [end], _ = driver.run("grow", memory_mb=300, megabytes=150)
    assert isinstance(end, Done)


def test_what_forked_processes_share_is_counted_once(driver):
    [end], _ = driver.run("take", memory_mb=300, megabytes=150, where="shared")
    assert isinstance(end, Done), end


def test_the_limit_is_the_jobs_and_not_the_next_ones(driver):
    driver.run("facts", memory_mb=100)
    [end], _ = driver.run("grow", megabytes=200)
    assert isinstance(end, Done)


def test_a_limited_job_goes_to_the_child_that_holds_the_least():
    driver = Driver(size=2)
    driver.poll_until(lambda _: driver.pool.free == 2)
    grown = driver.begin("grow", megabytes=200)
    driver.poll_until(lambda found: any(isinstance(each, Done) and each.job_id == grown for each in found))
    [end], _ = driver.run("grow", memory_mb=150, megabytes=50)
    assert isinstance(end, Done), end
    driver.close()


def test_a_kill_that_is_not_the_kernels_is_no_want_of_memory(driver):
    [end], _ = driver.run("die", memory_mb=1000, how="kill")
    assert isinstance(end, Died)


def test_the_tool_of_other_systems_counts_the_same():
    program = "import subprocess, sys; held = b'x' * (50 << 20); print(1, flush=True); "
    program += "subprocess.run([sys.executable, '-c', 'held = bytes([1]) * (70 << 20); print(2, flush=True); input()'])"
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert [process.stdout.readline(), process.stdout.readline()] == [b"1\n", b"2\n"]
        told = memory._used_by_ps(process.pid)
        assert 120 << 20 < told < 250 << 20
        assert abs(memory.used(process.pid, enough=1 << 40) - told) < 10 << 20
    finally:
        process.communicate(b"\n")


CGROUP = Path("/sys/fs/cgroup")


def limited_group(name: str, size: int) -> Path | None:
    """A control group that may have `size` bytes, where this user may make one."""
    for base, limit in ((CGROUP, "memory.max"), (CGROUP / "memory", "memory.limit_in_bytes")):
        if not (base / "cgroup.procs").exists() or not os.access(base, os.W_OK):
            continue
        group = base / name
        group.mkdir()
        if (group / limit).exists():
            (group / limit).write_text(str(size))
            return group
        group.rmdir()
    return None


def test_the_kernels_own_kill_for_want_of_memory_is_told_as_that(driver):
    group = limited_group(f"jobsapi-test-{os.getpid()}", 120 << 20)
    if group is None:
        pytest.skip("control groups cannot be made here")
    child = driver.value("facts")["pid"]
    try:
        (group / "cgroup.procs").write_text(str(child))
        [end], _ = driver.run("take", megabytes=400)
        assert isinstance(end, OutOfMemory), end
        assert "kernel" in end.detail
    finally:
        until("the group is empty", lambda: not (group / "cgroup.procs").read_text(), 5)
        group.rmdir()
