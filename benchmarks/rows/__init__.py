"""The rows of the suite: each module measures one of them, `measure(size, round)` → metric → system → value."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.drivers import MISHAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NAMES = ("enqueue", "bulk", "drain", "latency", "post", "memory", "starts", "workers", "get", "millions", "data")
"""In the order in which they run."""

_Any = TypeVar("_Any")


@dataclass(frozen=True)
class Size:
    """How much is measured: all of it, or as much as fits into four minutes."""

    quick: bool = False

    def of(self, full: _Any, quick: _Any) -> _Any:
        """One of the two."""
        return quick if self.quick else full


def row(name: str) -> Any:
    """The module of that row."""
    return importlib.import_module(f"benchmarks.rows.{name}")


def each(variants: Iterable[tuple[str, Callable[[], _Any]]]) -> dict[str, _Any]:
    """What measuring each of them gives, by name; of one that fails, what it said is kept in FAILURES."""
    told = {}
    for name, measured in variants:
        try:
            told[name] = measured()
        except MISHAPS as problem:
            failed(name, problem)
    return told


def failed(name: str, problem: Exception) -> None:
    """Keep what went wrong, and go on."""
    FAILURES.append(f"{name}: {type(problem).__name__}: {problem}")
    sys.stderr.write(f"FAILED {FAILURES[-1]}\n")


FAILURES: list[str] = []
"""Of this run."""


def turned(systems: Sequence[_Any], round_number: int) -> list[_Any]:
    """The same, beginning with another one each round: nobody is always first."""
    start = round_number * 3 % len(systems)
    return [*systems[start:], *systems[:start]]
