"""Loads `lua/*.lua`, runs them, and maps what they refuse to errors."""

from __future__ import annotations

import functools
import hashlib
import itertools
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
        self.source = _slim(f"{_with_includes('_prelude')}local function main()\n{_with_includes(name)}end\n{_LAST}")
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
    """The script with only what it uses before it, its keys spelled out, and the statuses as the letters they are.

    Everything before a script's own lines is run anew at each call: all keys and statuses as tables, and every function
    of the parts, cost more of the server's time than most scripts themselves.
    """
    letters = {status.name.lower(): status.code for status in states.Status} | {"staged": states.STAGED_CODE}
    text = _without_unused(re.sub(r"^\s*--.*\n", "", text, flags=re.MULTILINE))
    text = re.sub(r"\bS\.(\w+)", lambda match: f"'{letters[match[1]]}'", text)
    if re.search(r"(?<!%)\bS\b", text):  # as a whole
        text = f"local S = {{ {', '.join(f'{n} = {c!r}' for n, c in letters.items())} }}\n{text}"
    text = f"local P = KEYS[1]\n{_with_keys_spelled(text)}"
    if re.search(r"\bK\[", text):  # which ones is only known as it runs
        return Keys.lua_table(None) + text
    left = set(re.findall(r"\bK\.(\w+)", text))
    return (Keys.lua_table(left) if left else "") + text


_FUNCTION = re.compile(r"^local function (\w+)\((?:.*\bend\n|.*\n(?:.*\n)*?end\n)", re.MULTILINE)
"""A function of a part: it begins and ends at the beginning of a line."""


def _without_unused(text: str) -> str:
    """The text without functions that nobody calls."""
    while True:
        unused = [f for f in _FUNCTION.finditer(text) if len(re.findall(rf"\b{f[1]}\b", text)) == 1]
        if not unused:
            return text
        for each in reversed(unused):
            text = text[: each.start()] + text[each.end() :]


def _with_keys_spelled(text: str) -> str:
    """The text with `K.job(id)` as the words that it gives; a call that takes another call's values stays as it is."""
    templates = {name: template for name, template, _ in Keys.described()}
    for call in reversed(list(re.finditer(r"\bK\.(\w+)\(", text))):
        arguments, end = _arguments(text, call.end())
        words = re.split(r"\{\w+\}", templates[call[1]])
        if len(words) == len(arguments) + 1:
            parts = ["P"]
            for word, argument in itertools.zip_longest(words, arguments):
                parts += [f"'{word}'"] if word else []
                parts += [argument if re.fullmatch(r"[\w.]+", argument) else f"({argument})"] if argument else []
            text = f"{text[: call.start()]}({' .. '.join(parts)}){text[end:]}"
    return text


def _arguments(text: str, start: int) -> tuple[list[str], int]:
    """The arguments of a call from behind its bracket on, and where the call ends."""
    depth, at = 0, start
    found: list[str] = []
    for i in range(start, len(text)):
        char = text[i]
        if char in ")]}" and depth == 0:
            last = text[at:i].strip()
            return [*found, last] if last else found, i + 1
        if char == "," and depth == 0:
            found.append(text[at:i].strip())
            at = i + 1
        depth += (char in "([{") - (char in ")]}")
    raise ValueError(f"a call has no end: {text[start : start + 40]}")
