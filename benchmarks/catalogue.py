"""Who is measured: our own ways to run, the floor, and every peer with the settings it runs at."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class System:
    """One job queue as one driver speaks it."""

    name: str
    script: str
    environment: str
    """A folder of `.bench/`; "" is the project's own environment."""
    workers: dict[str, str] = field(default_factory=dict)
    """Variant of the worker → its name on the page; the first is the one that latency and bytes are taken with."""
    several: frozenset[str] = frozenset()
    """The variants that run jobs in more than one process."""
    drains: dict[str, int] = field(default_factory=dict)
    """Variant → jobs of one drain, for about five seconds' work; without an entry, DRAIN."""
    env: dict[str, str] = field(default_factory=dict)
    settings: str = ""
    """What differs from its defaults, and why."""


DRAIN = 6000

OURS = System(
    "jobsapi",
    "use_jobsapi",
    "",
    {"processes": "jobsapi, 2 child processes", "threads": "jobsapi, threads"},
    frozenset({"processes"}),
    drains={"processes": 10_000, "threads": 40_000},
    settings="its defaults; `--concurrency 2`, and `--threads 8`",
)

FLOOR = System("floor", "use_floor", "", {"one": "floor"}, drains={"one": 60_000})

PEERS = (
    System(
        "Celery",
        "use_celery",
        "celery",
        {"threads": "Celery, threads", "solo": "Celery, solo", "processes": "Celery, prefork 2"},
        frozenset({"processes"}),
        drains=dict.fromkeys(("threads", "solo", "processes"), 2500),
        settings="prefetch multiplier 64, which its optimizing guide gives for many short tasks; no events, gossip, "
        "mingle or heartbeat; bulk as a `group`",
    ),
    System(
        "RQ",
        "use_rq",
        "rq",
        {"simple": "RQ, SimpleWorker", "fork": "RQ, forking worker", "pool": "RQ, worker-pool 2"},
        frozenset({"pool"}),
        drains={"simple": 1500, "fork": 250, "pool": 400},
        settings="`enqueue_many` in pipelines of 1,000; quiet logging; results kept a day",
    ),
    System(
        "Dramatiq",
        "use_dramatiq",
        "dramatiq",
        {"one": "Dramatiq, 1 process", "processes": "Dramatiq, 2 processes"},
        frozenset({"processes"}),
        settings="8 threads a process, its default; Redis results, kept a day",
    ),
    System(
        "Huey",
        "use_huey",
        "huey",
        {"one": "Huey, 1 thread", "threads": "Huey, 4 threads", "processes": "Huey, 2 processes"},
        frozenset({"processes"}),
        settings="`notify_result` where somebody waits for the result, and not elsewhere, where it only costs",
    ),
    System(
        "arq",
        "use_arq",
        "arq",
        {"one": "arq"},
        settings="looks every 10 ms on both sides instead of every 500; 100 jobs at once; no log line a job; bulk by "
        "gathering 100 at a time",
    ),
    System(
        "Taskiq, list",
        "use_taskiq",
        "taskiq",
        {"one": "Taskiq, list", "processes": "Taskiq, list, 2 processes"},
        frozenset({"processes"}),
        env={"BENCH_KIND": "list"},
        settings="uvloop, orjson; a caller looks for its result every 1 ms; bulk by gathering 100 at a time",
    ),
    System(
        "Taskiq, streams",
        "use_taskiq",
        "taskiq",
        {"one": "Taskiq, streams", "processes": "Taskiq, streams, 2 processes"},
        frozenset({"processes"}),
        env={"BENCH_KIND": "streams"},
        settings="as with the list; acknowledges",
    ),
    System(
        "SAQ",
        "use_saq",
        "saq",
        {"one": "SAQ"},
        settings="100 jobs at once; a result is waited for with `job.refresh`, which is told (`apply` polls); bulk by "
        "gathering 100 at a time",
    ),
    System(
        "streaq",
        "use_streaq",
        "streaq",
        {"one": "streaq", "processes": "streaq, 2 processes"},
        frozenset({"processes"}),
        settings="`enqueue_many` in pipelines of 1,000; 100 jobs at once; uvloop",
    ),
)

EVERYBODY = (OURS, FLOOR, *PEERS)
