"""Prints which ratios fell by more than a third since they were recorded: `python -m benchmarks.compare`.

The figures are those of the last run (`make bench QUICK=1` is enough), the recorded ones are `recorded.json`.
"""

from __future__ import annotations

import json

from benchmarks.goals import verdicts
from benchmarks.report import RECORDED
from benchmarks.results import LAST, QUICK, Results

THIRD = 1 / 3


def fallen(results: Results, recorded: dict[str, float]) -> list[str]:
    """A line for each that is worse by more than a third."""
    lines = []
    for verdict in verdicts(results):
        before = recorded.get(verdict.key)
        if before and verdict.is_portable:
            kept = before / verdict.value if verdict.is_upper_bound else verdict.value / before
            if kept < 1 - THIRD:
                lines.append(f"{verdict.key}: {before:.3g} was recorded, now {verdict.value:.3g} ({verdict.told})")
    return lines


def main() -> None:
    """Compare and print."""
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    there = [place for place in (LAST, QUICK) if place.exists()]
    newest = max(there, key=lambda place: place.stat().st_mtime, default=LAST)
    lines = fallen(Results.load(newest), recorded)
    print("\n".join(lines) or f"Of {len(recorded)} recorded ratios none fell by more than a third.")


if __name__ == "__main__":
    main()
