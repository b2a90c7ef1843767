"""The tables of what was measured."""

from __future__ import annotations

from benchmarks.results import Results, number, spread

UNITS = {
    "enqueue": "enqueue one at a time, jobs/s",
    "bulk": "enqueue in bulk, jobs/s",
    "drain": "drain no-ops, one worker, jobs/s",
    "latency p50": "idle, submit to result, p50, ms",
    "latency p99": "idle, submit to result, p99, ms",
}
LOWER = {"latency p50", "latency p99"}


def text(results: Results) -> str:
    """All tables, for a terminal."""
    parts = []
    for metric in results.metrics:
        names = sorted(
            results.systems(metric), key=lambda n: results.median(metric, n) or 0, reverse=metric not in LOWER
        )
        rows = [f"{UNITS.get(metric, metric):44} {'median':>10}   spread"]
        rows += [
            f"  {name:42} {number(results.median(metric, name) or 0):>10}   {spread(results.values(metric, name))}"
            for name in names
        ]
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def write(results: Results) -> None:
    """The page."""
