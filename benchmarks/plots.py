"""The page's plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.metrics import METRICS
from benchmarks.results import number

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.results import Results

OURS, OTHERS, FLOOR = "#1f77b4", "#b0b0b0", "#e0c070"


def draw(results: Results, folder: Path) -> list[tuple[str, str]]:
    """Write the plots whose figures there are: (file's name, title)."""
    folder.mkdir(exist_ok=True)
    panels = {
        "benchmarks-queue.png": ("Enqueue, drain and latency", ("enqueue", "bulk", "drain", "latency p50")),
        "benchmarks-http.png": ("POST /jobs", ("post 16", "post 64")),
        "benchmarks-memory.png": ("Memory", ("bytes queued", "bytes finished")),
    }
    drawn = []
    for name, (title, metrics) in panels.items():
        if there := [metric for metric in metrics if results.systems(metric)]:
            _bars(results, there, folder / name)
            drawn.append((name, title))
    if results.systems("workers"):
        _workers(results, folder / "benchmarks-workers.png")
        drawn.append(("benchmarks-workers.png", "Several workers against one server"))
    return drawn


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _bars(results: Results, metrics: list[str], file: Path) -> None:
    pyplot = _pyplot()
    columns = min(2, len(metrics))
    lines = -(-len(metrics) // columns)
    figure, axes = pyplot.subplots(lines, columns, figsize=(6.5 * columns, 4.2 * lines), squeeze=False)
    for axis, metric in zip(axes.flat, metrics, strict=False):
        about = METRICS[metric]
        medians = {name: results.median(metric, name) or 0.0 for name in results.systems(metric)}
        names = sorted(medians, key=medians.__getitem__, reverse=about.is_lower_better)
        colours = [OURS if n.startswith("jobsapi") else FLOOR if n == "floor" else OTHERS for n in names]
        bars = axis.barh(names, [medians[n] for n in names], color=colours)
        axis.bar_label(bars, [number(medians[n]) for n in names], padding=2, fontsize=8)
        better = "shorter" if about.is_lower_better else "longer"
        is_log = metric.startswith(("latency", "bulk", "drain"))
        scale = ", logarithmic" if is_log else ""
        axis.set_title(f"{about.title} ({about.column}{scale}; {better} is better)", fontsize=9)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.15)
        if is_log:
            axis.set_xscale("log")
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    pyplot.close(figure)


def _workers(results: Results, file: Path) -> None:
    pyplot = _pyplot()
    figure, axis = pyplot.subplots(figsize=(6.5, 4))
    names = results.systems("workers")
    numbers = [int(name.split()[0]) for name in names]
    axis.plot(numbers, [results.median("workers", name) for name in names], "o-", color=OURS, label="jobs/s")
    axis.set_xlabel("workers")
    axis.set_ylabel("jobs/s")
    axis.set_ylim(bottom=0)
    axis.set_xticks(numbers)
    shares = axis.twinx()
    for metric, look, label in (
        ("server", "s--", "server's CPU, % of a core"),
        ("machine", "^:", "machine's, % of all"),
    ):
        shares.plot(
            numbers, [results.median(f"workers {metric}", n) for n in names], look, color="#707070", label=label
        )
    shares.set_ylim(0, 110)
    shares.set_ylabel("%")
    lines = [*axis.get_lines(), *shares.get_lines()]
    axis.legend(lines, [str(line.get_label()) for line in lines], fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
