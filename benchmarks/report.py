"""What was measured, as tables: on the terminal, and as `docs/benchmarks.md` with its plots.

python -m benchmarks.report        writes the page from the last figures
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import method, plots
from benchmarks.catalogue import OURS, PEERS
from benchmarks.goals import verdicts
from benchmarks.metrics import METRICS, Metric
from benchmarks.results import Results, number, spread
from benchmarks.rows import NAMES
from benchmarks.web import SITES

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
RECORDED = Path(__file__).parent / "recorded.json"
NOTES = Path(__file__).parent / "notes.md"
"""Of the goals that are not met: where the time goes, and what was tried. Written by hand."""
COMPARED = (
    *("enqueue", "bulk", "drain", "latency p50", "latency p99", "post 16", "post 64"),
    *("bytes queued", "bytes finished"),
)
"""The metrics that peers have too."""

_WORDS = {True: "met", False: "**not met**", None: "shown"}


def text(results: Results) -> str:
    """Every table, without the words about them."""
    parts = [_behind(results), _goals(results), *_tables(results, with_notes=False), *_failures(results)]
    return "\n\n".join(parts) + "\n"


def write(results: Results) -> None:
    """The page, its plots, and the ratios that `compare` looks at."""
    shown = plots.draw(results, PAGE.parent / "images")
    parts = [
        "# Benchmarks",
        method.opening(results),
        "## Where a peer is better",
        _behind(results),
        "## The goals",
        _goals(results),
        *_failures(results),
        NOTES.read_text().strip(),
        *[f"![{title}](images/{name})" for name, title in shown],
        "## Every figure",
        *_tables(results, with_notes=True),
        method.closing(results),
    ]
    PAGE.write_text("\n\n".join(parts) + "\n")
    kept = {each.key: round(each.value, 4) for each in verdicts(results) if each.is_portable}
    RECORDED.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def _behind(results: Results) -> str:
    """In which figures a peer comes out ahead of us, and by how much."""
    peers = {peer.name for peer in PEERS} | {name for peer in PEERS for name in peer.workers.values()}
    peers |= {site.name for site in SITES} - {OURS.name}
    rows = []
    for metric in COMPARED:
        about = METRICS[metric]
        medians = {name: results.median(metric, name) or 0.0 for name in results.systems(metric)}
        for mine in [name for name in medians if name in {OURS.name, *OURS.workers.values()}]:
            better = [n for n in medians if n in peers and _is_better(medians[n], medians[mine], about)]
            better.sort(key=medians.__getitem__, reverse=not about.is_lower_better)
            if better:
                named = ", ".join(f"{name} {number(medians[name])}" for name in better)
                rows.append(f"- {about.title}, {about.column}: {mine} {number(medians[mine])}; better: {named}")
    return "\n".join(rows) or "In none of the figures of this run."


def _is_better(its: float, ours: float, about: Metric) -> bool:
    return its < ours if about.is_lower_better else its > ours


def _goals(results: Results) -> str:
    rows = ["| row | goal | measured | |", "| --- | --- | --- | --- |"]
    rows += [f"| {v.row} | {v.goal} | {v.told} | {_WORDS[v.is_met]} |" for v in verdicts(results)]
    return "\n".join(rows)


def _tables(results: Results, *, with_notes: bool) -> list[str]:
    parts = []
    for key, metric in METRICS.items():
        if not (names := results.systems(key)):
            continue
        if not key.startswith(("millions", "workers", "get")):  # those stand in the order of their sizes
            names = sorted(names, key=lambda n: results.median(key, n) or 0.0, reverse=not metric.is_lower_better)
        rows = [f"### {metric.title}", ""] if with_notes else []
        rows += [metric.note, ""] if with_notes and metric.note else []
        rows += [f"| {'' if with_notes else metric.title} | {metric.column} | lowest–highest |", "| --- | --- | --- |"]
        rows += [
            f"| {name} | {number(results.median(key, name) or 0.0)} | {spread(results.values(key, name))} |"
            for name in names
        ]
        parts.append("\n".join(rows))
    return parts


def _failures(results: Results) -> list[str]:
    rows = [f"- {each.splitlines()[0]}" for each in results.failures]
    if rounds := results.facts.get("rounds"):
        rows += [f"- the row `{name}`" for name in NAMES if name not in rounds]
    return ["Not measured:\n\n" + "\n".join(rows)] if rows else []


if __name__ == "__main__":
    write(Results.load())
