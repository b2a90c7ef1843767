"""What was measured: metric → one {system: value} a round; medians, spreads, and ratios of pairs within a round."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

LAST = Path(__file__).parent.parent / ".bench" / "last.json"
"""Where a run leaves its figures; what `report` reads."""

QUICK = LAST.with_name("quick.json")
"""Where a quick one does; `compare` reads the newer of the two."""


@dataclass
class Results:
    """All rounds of all metrics, and what is to be told beside them."""

    metrics: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, measured: dict[str, dict[str, float]]) -> None:
        """One round of a row."""
        for metric, values in measured.items():
            self.metrics.setdefault(metric, []).append(values)

    def systems(self, metric: str) -> list[str]:
        """Who has a value, in the order of the first round."""
        return list(dict.fromkeys(name for each in self.metrics.get(metric, []) for name in each))

    def values(self, metric: str, system: str) -> list[float]:
        """One value a round."""
        return [each[system] for each in self.metrics.get(metric, []) if system in each]

    def median(self, metric: str, system: str) -> float | None:
        """The middle of its rounds, None where it was not measured."""
        values = self.values(metric, system)
        return statistics.median(values) if values else None

    def ratios(self, metric: str, ours: str, other: str, metric_of_other: str = "") -> list[float]:
        """Ours / the other's, a ratio a round."""
        pairs = zip(self.metrics.get(metric, []), self.metrics.get(metric_of_other or metric, []), strict=False)
        return [mine[ours] / its[other] for mine, its in pairs if ours in mine and its.get(other)]

    def best(self, metric: str, among: Iterable[str], *, lowest: bool = False) -> str:
        """Who of them has the best median; "" where nobody was measured."""
        medians = {name: value for name in among if (value := self.median(metric, name)) is not None}
        return (min if lowest else max)(medians, key=medians.__getitem__) if medians else ""

    def save(self, place: Path = LAST) -> None:
        """Write all of it."""
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(self.__dict__, indent=1))

    @classmethod
    def load(cls, place: Path = LAST) -> Results:
        """What was saved."""
        return cls(**json.loads(place.read_text())) if place.exists() else cls()


def spread(values: Collection[float]) -> str:
    """Lowest to highest, for tables."""
    low, high = min(values), max(values)
    return f"{number(low)}–{number(high)}" if number(low) != number(high) else number(low)


def number(value: float) -> str:
    """As people write it: three figures, thousands with commas."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
