"""A data set of generated records, loaded and searched by one client; beside it the same JSON in one hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.data import generated, measured
from benchmarks.server import fresh_store

if TYPE_CHECKING:
    from benchmarks.rows import Size

ROUNDS = 1


def measure(size: Size, round_number: int) -> dict[str, dict[str, float]]:
    """Records a second, MB, and ms of a first page."""
    assert round_number >= 0
    with fresh_store() as store:
        told = measured(store, generated(size.of(1_000_000, 20_000)))
    hset = "JSON in one hash, pipelined HSET"
    return {
        "data load": {"jobsapi": told["rate"], hset: told["plain rate"]},
        "data memory": {hset: told["plain"] / 1e6, "jobsapi": told["memory"] / 1e6, "JSON": told["json"] / 1e6},
        "data search": {"p50": told["p50"], "p99": told["p99"]},
    }
