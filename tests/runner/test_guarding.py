"""A pool's hold on its guard, whatever is done to the guard."""

import os
import signal

from jobsapi.runner.guarding import Guard


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
