"""The limits of a task, held across all workers: how many of its jobs run at a time, and how many start in a time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

__all__ = ["Limits"]

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_RATE = re.compile(r"([1-9]\d{0,3}|10000)/([1-9]\d{0,3})?([smhd])")
_PATH = re.compile(r"params(\.[^.]+)+")


@dataclass(frozen=True)
class Limits:
    """What `@task(max_running=…, max_running_per=…, rate=…)` says. ValueError for what cannot be."""

    max_running: int | None = None
    """How many jobs of the task, or of each group of them, are in progress at a time."""
    max_running_per: str | None = None
    """`params.NAME`: jobs with the same value of that parameter are a group (`params.a.b`: of a field inside it)."""
    rate: str | None = None
    """`10/m`: how many starts in any second, minute, hour or day; `10/5m`: in any five minutes."""

    def __post_init__(self) -> None:
        """Refuse what could only fail when a job is claimed."""
        if self.max_running is not None and (
            isinstance(self.max_running, bool) or not 1 <= self.max_running <= 1_000_000
        ):
            raise ValueError("a task's max_running is a number from 1 to 1,000,000")
        if self.max_running_per is not None and not _PATH.fullmatch(self.max_running_per):
            raise ValueError("a task's max_running_per names a parameter, as params.user does")
        if self.max_running_per is not None and self.max_running is None:
            raise ValueError("a task's max_running_per needs max_running beside it")
        if self.rate is not None and not _RATE.fullmatch(self.rate):
            raise ValueError("a task's rate is a number up to 10,000 and a time, as 10/m (s, m, h, d) or 10/5m")

    @property
    def parameter(self) -> str | None:
        """The name of the parameter whose value makes the groups."""
        return self.max_running_per.split(".")[1] if self.max_running_per else None

    def described(self) -> dict[str, Any]:
        """What a worker publishes: the arguments that make it again."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def stored(self) -> str:
        """`<running> <starts> <ms>` as the scripts take it, 0 where there is no limit; "" for no limit at all."""
        if self.max_running is None and self.rate is None:
            return ""
        starts, every, unit = _RATE.fullmatch(self.rate).groups() if self.rate else ("0", "0", "s")  # type: ignore[union-attr]
        return f"{self.max_running or 0} {starts} {int(every or 1) * _UNITS[unit]}"

    def group(self, task: str, params: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
        """The name of the group that a job with these parameters belongs to, "" where all of the task are one.

        `schema`: of the parameters; a default of its counts where a parameter is not given.
        """
        if not self.max_running_per:
            return ""
        first, *inner = self.max_running_per.split(".")[1:]
        value = params.get(first, schema.get("properties", {}).get(first, {}).get("default"))
        for step in inner:
            value = value.get(step) if isinstance(value, Mapping) else None
        told = hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
        return f"{task}:{told}"
