"""Loads `lua/*.lua`, runs them, and maps what they refuse to errors."""

from __future__ import annotations

import functools
import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

import redis
from redis.exceptions import RedisError, ResponseError

from jobsapi import errors, states
from jobsapi.store.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Script", "script", "translated"]

_REFUSALS: dict[str, type[errors.JobsApiError]] = {
    "UNKNOWNJOB": errors.UnknownJob,
    "WRONGSTATUS": errors.WrongStatus,
    "NOTHOLDER": errors.NotHolder,
    "UNKNOWNWORKER": errors.UnknownWorker,
    "DATASETBUSY": errors.DatasetBusy,
    "KEYTAKEN": errors.KeyTaken,
    "LOSTSTAGE": errors.StoreUnavailable,
    "OOM": errors.StoreFull,
    "MISCONF": errors.StoreFull,
    "LOADING": errors.StoreUnavailable,
    "BUSY": errors.StoreUnavailable,
    "READONLY": errors.StoreUnavailable,
    "MASTERDOWN": errors.StoreUnavailable,
    "CLUSTERDOWN": errors.StoreUnavailable,
    "NOREPLICAS": errors.StoreUnavailable,
}


class Script:
    """One Lua file with the shared prelude and the parts it includes before it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.source = _slim(f"{_read('_prelude')}local function main()\n{_with_includes(name)}end\n{_LAST}")
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()

    def command(self, keys: Keys, args: Sequence[Any], now: int | None, *, whole: bool = False) -> tuple[Any, ...]:
        """What runs it; `now` (ms) overrides the server's clock and is for tests only.

        `whole`: with its text, for a server that does not know it yet.
        """
        start = ("EVAL", self.source) if whole else ("EVALSHA", self.sha)
        return (*start, 1, keys.prefix, "" if now is None else now, *args)


@functools.cache
def script(name: str) -> Script:
    """The script of that name, loaded once."""
    return Script(name)


def translated(problem: RedisError) -> Exception:
    """The error of ours that a server's or a client library's error means; itself where it means none."""
    if isinstance(problem, redis.exceptions.ConnectionError | redis.exceptions.TimeoutError):
        return errors.StoreUnavailable(f"The store does not answer ({problem}).")
    # redis-py turns some replies into classes of its own and drops the word they began with
    told = str(problem).rpartition(" of pipeline caused error: ")[2]
    word, _, rest = told.partition(" ")
    for kind, meaning in (
        (redis.exceptions.OutOfMemoryError, "OOM"),
        (redis.exceptions.ReadOnlyError, "READONLY"),
    ):
        if isinstance(problem, kind):
            word, rest = meaning, str(problem)
    if isinstance(problem, ResponseError) and word in _REFUSALS:
        return _REFUSALS[word](rest)
    return problem


def _read(name: str) -> str:
    return (resources.files("jobsapi.store") / "lua" / f"{name}.lua").read_text(encoding="utf-8")


def _with_includes(name: str, had: set[str] | None = None) -> str:
    """The file's text, each `-- include: part` line replaced by `lua/_part.lua`, each part once."""
    had = set() if had is None else had

    def part(match: re.Match[str]) -> str:
        if match[1] in had:
            return ""
        had.add(match[1])
        return _with_includes(f"_{match[1]}", had)

    return re.sub(r"^-- include: (\w+)$", part, _read(name), flags=re.MULTILINE)


_LAST = """
local reply = main()
flush()
return reply
"""


def _slim(text: str) -> str:
    """The script with the keys that it uses before it, and the statuses as the letters they are.

    Everything before a script's own lines is run anew at each call: all keys and statuses as tables cost 11 µs of the
    server's time, more than most scripts themselves.
    """
    letters = {status.name.lower(): status.code for status in states.Status} | {"staged": states.STAGED_CODE}
    text = re.sub(r"^\s*--.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\bS\.(\w+)", lambda match: f"'{letters[match[1]]}'", text)
    if re.search(r"\bS\b", text):  # as a whole
        text = f"local S = {{ {', '.join(f'{n} = {c!r}' for n, c in letters.items())} }}\n{text}"
    by_name = re.search(r"\bK\[", text)  # which ones is only known as it runs
    return Keys.lua_table(None if by_name else set(re.findall(r"\bK\.(\w+)", text))) + text
