"""A pool's hold on its guard, whatever is done to the guard; and that no child outlives its owner."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobsapi.runner.guarding import Guard
from tests.system import is_alive, tree, until

APP = str(Path(__file__).parent / "app.py")


def test_a_guard_that_is_stopped_holds_nobody_up_and_is_replaced():
    guard = Guard("_NOBODY=1", list)
    guard.start()
    first = guard.pid
    os.kill(first, signal.SIGSTOP)
    for pid in range(20_000):  # more than a pipe takes
        guard.remove(pid)
    assert guard.pid != first
    os.kill(guard.pid, signal.SIGSTOP)
    guard.close()


OWNER = """
import os, sys
from jobsapi.runner import Pool, Work
import orjson
pool = Pool(sys.argv[1], 1)
pool.start()
wake, _ = os.pipe()
while not pool.free:
    pool.poll(1, wake)
pool.run([Work("job", "token", "wait", orjson.dumps({"marks": sys.argv[2], "how": sys.argv[3]}), 1, None, 0)])
pool.hold(float(sys.argv[4]))
while True:
    pool.poll(60, wake)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_no_child_outlives_an_owner_that_was_killed_or_stopped_for_too_long(tmp_path, number):
    marks = tmp_path / "marks"
    hold = "1" if number == signal.SIGSTOP else "600"
    owner = subprocess.Popen([sys.executable, "-c", OWNER, APP, str(marks), "stubborn", hold])
    try:
        until("the job runs", lambda: marks.exists() and len(marks.read_text().split()) == 2)
        pids = [int(each) for each in marks.read_text().split()]
        owner.send_signal(number)
        until("all is gone", lambda: not any(map(is_alive, pids)), 10)
    finally:
        owner.send_signal(signal.SIGCONT)
        owner.kill()
        owner.wait()


def test_a_guard_that_was_killed_is_replaced_and_still_guards(tmp_path):
    marks = tmp_path / "marks"
    program = OWNER.replace("pool.poll(60, wake)", "pool.poll(0.1, wake); pool.hold(600)")
    owner = subprocess.Popen([sys.executable, "-c", program, APP, str(marks), "stubborn", "600"])
    try:
        until("the job runs", lambda: marks.exists() and len(marks.read_text().split()) == 2)
        pids = [int(each) for each in marks.read_text().split()]

        def guards() -> list[int]:
            return [pid for pid in tree(owner.pid) if b"guard.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]

        [first] = guards()
        os.kill(first, signal.SIGKILL)
        until("another guard", lambda: [pid for pid in guards() if pid != first])
        owner.kill()
        until("all is gone", lambda: not any(map(is_alive, pids)), 10)
    finally:
        owner.kill()
        owner.wait()
