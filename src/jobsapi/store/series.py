"""Many calls of one script, each made and sent while the server works on those before it."""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, RedisError

from jobsapi.store.scripts import script, translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from jobsapi.store import Store

__all__ = ["run_series"]


def run_series(store: Store, name: str, calls: Iterable[Sequence[Any]]) -> Iterator[Any]:
    """The reply to each call of that script, in order.

    Raises as `Store.run`; the few calls that are on their way then may be run all the same.
    """
    sent: deque[Sequence[Any]] = deque()
    calls, is_new = iter(calls), True
    while is_new:
        is_new = False
        with contextlib.closing(store.ask_ahead(_commands(store, name, calls, sent))) as replies:
            for reply in _heard(replies):
                if is_new := isinstance(reply, NoScriptError):
                    break
                sent.popleft()
                yield reply
        while sent:  # what is on its way was not understood either
            yield store.run(name, *sent.popleft())


def _commands(
    store: Store, name: str, calls: Iterable[Sequence[Any]], sent: deque[Sequence[Any]]
) -> Iterator[tuple[Any, ...]]:
    for args in calls:
        sent.append(args)
        yield script(name).command(store.keys, args, store.now)


def _heard(replies: Iterator[Any]) -> Iterator[Any]:
    """The same, errors raised as ours, but for those of a script that the server does not know."""
    try:
        for reply in replies:
            if isinstance(reply, RedisError) and not isinstance(reply, NoScriptError):
                raise reply
            yield reply
    except RedisError as problem:
        raise translated(problem) from problem
