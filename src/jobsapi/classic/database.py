"""The course's `rd`: a redis client on database 0, which is the program's own; it is set up at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis

from jobsapi.errors import SetupError
from jobsapi.store import client_for

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OwnDatabase"]


class OwnDatabase(redis.Redis):
    """A `redis.Redis` that finds its server when it is first used, so that importing it needs none.

    Everything works and fails as with redis-py. Raises SetupError at its first use on a cluster, which has no database
    beside the one that the jobs are in.
    """

    def __init__(self, url: Callable[[], str]) -> None:
        # redis.Redis.__init__ waits until the address is known: see __getattr__
        self.__dict__["_find_url"] = url

    def __getattr__(self, name: str) -> Any:
        """What a client keeps in itself (its pool, …) is not there before the first use: get it, then look again."""
        if name.startswith("__") or "connection_pool" in self.__dict__:
            raise AttributeError(f"a redis client has no {name!r}")
        url = self.__dict__["_find_url"]()
        if url.startswith("redis+cluster"):
            raise SetupError(
                "`rd` needs a database of its own, and a Redis cluster has only one, which the jobs are in. Keep your "
                "data on another server (redis.Redis(…)), or set REDIS_URL to a server that is not a cluster."
            )
        self.__dict__.update(client_for(url, database=0, socket_timeout=None).__dict__)
        return getattr(self, name)

    def __del__(self) -> None:
        """Nothing: redis-py's own would set up a client that was never used, only to close it."""
