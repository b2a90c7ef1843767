"""The guard: a small process that ends a worker's children when the worker is gone, or stopped for too long.

Its arguments are the mark that the children carry in their environment and the children there are; then it reads lines
on stdin: `add PID`, `remove PID`, `hold SECONDS`. At the end of stdin (the worker died, in whatever way) every
registered tree is killed. When the held time runs out (the worker is stopped, and its leases with it) too.
"""

import importlib.util
import os
import select
import sys
import time
from pathlib import Path
from types import ModuleType


def main() -> None:
    """Watch until stdin ends."""
    spec = importlib.util.spec_from_file_location("processes", Path(__file__).with_name("processes.py"))
    assert spec is not None
    assert spec.loader is not None
    processes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(processes)
    mark, pids = sys.argv[1].encode(), {int(each) for each in sys.argv[2:]}
    held_until = float("inf")
    rest = b""
    while True:
        left = None if held_until == float("inf") else max(0.0, held_until - time.monotonic())
        if select.select([0], [], [], left)[0]:
            data = os.read(0, 65536)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                word, value = line.split()
                if word == b"add":
                    pids.add(int(value))
                elif word == b"remove":
                    pids.discard(int(value))
                else:
                    held_until = time.monotonic() + float(value)
        elif time.monotonic() >= held_until:
            held_until = float("inf")
            _end(processes, pids, mark)
    _end(processes, pids, mark)


def _end(processes: ModuleType, pids: set[int], mark: bytes) -> None:
    for pid in pids:
        processes.kill_tree(pid)
    pids.clear()
    for pid in processes.marked(mark):  # orphans of a child that the kernel ended before its tree was looked at
        processes.kill_tree(pid)


if __name__ == "__main__":
    main()
