"""The result cache of a task: how long the result of a job answers for the same parameters, and what is the same."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi.names import checked_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Caching", "of_generations"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AGE = re.compile(r"(\d{1,9})([smhd])")
_LONGEST = 1e9


@dataclass(frozen=True)
class Caching:
    """What `@task(cache=…, version=…, datasets=…)` says. ValueError, TypeError for what cannot be."""

    cache: float | str | None = None
    """For how long after its end a result answers: seconds, or `30s`, `10m`, `2h`, `7d`. None: never."""
    version: str = ""
    """Of the code: another one is another question."""
    datasets: Sequence[str] = ()
    """The data sets that the function reads: once one is loaded anew it is another question."""

    def __post_init__(self) -> None:
        """Refuse what could only fail when a job is sent."""
        if (age := self.age) is not None and not 0.001 <= age <= _LONGEST:
            raise ValueError("a task's cache is a time from 0.001 to 1,000,000,000 seconds")
        if not isinstance(self.version, str) or len(self.version) > 200:
            raise ValueError("a task's version is a text of at most 200 characters")
        if isinstance(self.datasets, str):
            raise TypeError("a task's datasets are a list of names")
        for name in self.datasets:
            checked_name("data set", name)
        if self.cache is None and (self.version or self.datasets):
            raise ValueError("a task's version and datasets say what its cache goes by: give it a cache")

    @property
    def age(self) -> float | None:
        """Seconds."""
        if isinstance(self.cache, str):
            if not (found := _AGE.fullmatch(self.cache)):
                raise ValueError("a task's cache is a number of seconds, or a text such as 30s, 10m, 2h or 7d")
            return float(found[1]) * _UNITS[found[2]]
        if isinstance(self.cache, bool):
            raise TypeError("a task's cache is a time, as 3600 or 7d")
        return self.cache

    def described(self) -> dict[str, Any] | None:
        """What a worker publishes: the arguments that make it again; None for no cache."""
        return {**asdict(self), "datasets": list(self.datasets)} if self.cache is not None else None

    def stored(self, task: str, digest: str, params: Mapping[str, Any]) -> str:
        """`<age, ms>:<32 hex digits>`, as a record keeps it: what makes two jobs the same, but for the data sets.

        The order of the parameters does not matter; a default that is written out is another question than one that
        is left out.
        """
        same = orjson.dumps([task, digest, self.version, params], option=orjson.OPT_SORT_KEYS)
        return f"{round((self.age or 0) * 1000)}:{_hashed(same)}"


def of_generations(stored: str, generations: Sequence[str]) -> str:
    """The same with the generations of the data sets that the result depends on."""
    age, _, key = stored.partition(":")
    return f"{age}:{_hashed(orjson.dumps([key, *generations]))}"


def _hashed(what: bytes) -> str:
    return hashlib.blake2b(what, digest_size=16).hexdigest()
