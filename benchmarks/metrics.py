"""The metrics that the rows measure: their titles, their units, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One table of the page."""

    title: str
    column: str
    note: str = ""
    is_lower_better: bool = False


def _p99(what: str) -> Metric:
    return Metric(f"{what}: 99th percentile", "ms", is_lower_better=True)


def _cpu(what: str, whose: str) -> Metric:
    note = f"The {whose}. It wobbles less than a rate where other programs share the machine."
    return Metric(f"CPU time a job: {what}", "µs", note, is_lower_better=True)


METRICS = {
    "enqueue": Metric(
        "Enqueue one at a time",
        "jobs/s",
        "One process, each job acknowledged before the next is sent. jobsapi validates it against the task's schema "
        "and writes the full record with every list. Huey, Dramatiq, Taskiq and Celery send a message and keep no "
        "record that could be asked for a job's status before it ends.",
    ),
    "bulk": Metric(
        "Enqueue in bulk",
        "jobs/s",
        "10,000 jobs in the fastest way that each documents; where there is none, that is one at a time (Dramatiq, "
        "Huey) or a hundred calls at once (arq, SAQ, Taskiq). jobsapi's is all or nothing.",
    ),
    "drain": Metric(
        "Drain",
        "jobs/s",
        "One worker against a full queue of jobs that return their number, results kept; the rate after the first "
        "twentieth of the jobs. One worker process unless the name says more. Only RQ's forking worker and jobsapi's "
        "child processes can kill a running job; the others run jobs in the worker itself.",
    ),
    "enqueue cpu": _cpu("enqueue one at a time", "caller's and server's"),
    "bulk cpu": _cpu("enqueue in bulk", "caller's and server's"),
    "drain cpu": _cpu("drain", "server's and all the worker's processes'"),
    "latency p50": Metric(
        "Idle latency: median",
        "ms",
        "From the call that sends a job until its result is in the caller's hands, one job at a time, the worker idle "
        "between two.",
        is_lower_better=True,
    ),
    "latency p99": _p99("Idle latency"),
    "post 16": Metric(
        "`POST /jobs`, 16 connections", "requests/s", "One server process each; wrk on the same machine."
    ),
    "post 16 p99": _p99("`POST /jobs`, 16 connections"),
    "post 64": Metric("`POST /jobs`, 64 connections", "requests/s"),
    "post 64 p99": _p99("`POST /jobs`, 64 connections"),
    "post arrays": Metric(
        "`POST /jobs` of arrays of 1,000 jobs", "jobs/s", "4 connections; each array all or nothing."
    ),
    "get job": Metric(
        "`GET /jobs/<id>`",
        "requests/s",
        "16 connections, ids drawn from 1,000; FastAPI answers with the same bytes, read from one key.",
    ),
    "get job p99": _p99("`GET /jobs/<id>`"),
    "get page": Metric("`GET /jobs?limit=100`", "requests/s", "16 connections, the newest hundred jobs."),
    "get page p99": _p99("`GET /jobs?limit=100`"),
    "bytes queued": Metric(
        "Bytes in the server for a queued job", "bytes", "Every index; without clients, scripts and buffers.", True
    ),
    "bytes finished": Metric("Bytes in the server for a finished job and its result", "bytes", is_lower_better=True),
    "index queued": Metric("What a queued job of jobsapi takes, by key", "bytes a job", is_lower_better=True),
    "index finished": Metric("What a finished job of jobsapi takes, by key", "bytes a job", is_lower_better=True),
    "millions enqueue": Metric("Long queues: enqueue one at a time", "jobs/s"),
    "millions bulk": Metric("Long queues: enqueue in bulk", "jobs/s"),
    "millions drain processes": Metric("Long queues: drain in 2 child processes", "jobs/s"),
    "millions drain threads": Metric("Long queues: drain in threads", "jobs/s"),
    "millions worker processes": Metric("Long queues: memory of a worker and 2 children", "MB", is_lower_better=True),
    "millions worker threads": Metric("Long queues: memory of a worker with threads", "MB", is_lower_better=True),
    "millions api": Metric("Long queues: memory of the API", "MB", is_lower_better=True),
    "millions server": Metric("Long queues: memory of the server", "MB", is_lower_better=True),
    "workers": Metric("Several workers against one server", "jobs/s"),
    "workers server": Metric("Several workers: the server's CPU", "% of a core"),
    "workers machine": Metric("Several workers: the machine's CPU", "% of all cores"),
    "start": Metric("Starts", "s", is_lower_better=True),
    "idle": Metric("CPU of an idle worker with 2 children", "% of a core", is_lower_better=True),
    "data load": Metric("Data: load rate", "records/s"),
    "data memory": Metric("Data: memory in the server", "MB", is_lower_better=True),
    "data search": Metric("Data: first page of 100 of a two-word search, one client", "ms", is_lower_better=True),
}
"""In the order of the page."""
