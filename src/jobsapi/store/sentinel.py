"""A client of whichever server the Sentinels name as the primary, now and after each failover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["primary_of"]

_PORT = 26379
_PATIENCE = 1.0
"""Seconds a Sentinel has to answer before the next one is asked."""


def primary_of(url: str, options: Mapping[str, Any]) -> Any:
    """A redis-py client for `redis+sentinel://[user:password@]host:port,host:port/service[/database]`.

    User and password are the servers'; those of the Sentinels, where they have any, are `?sentinel_username=` and
    `?sentinel_password=`. Raises ValueError for a port that is none.
    """
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, _, password = (unquote(each) for each in credentials.partition(":"))
    service, _, number = parts.path.strip("/").partition("/")
    asked = {name.removeprefix("sentinel_"): values[0] for name, values in parse_qs(parts.query).items()}
    how = {"socket_timeout": _PATIENCE, "socket_connect_timeout": _PATIENCE, "retry": Retry(NoBackoff(), 0), **asked}
    sentinels = redis.Sentinel([_place(each) for each in hosts.split(",")], sentinel_kwargs=how)
    return sentinels.master_for(
        service or "mymaster", db=int(number or 0), username=user or None, password=password or None, **options
    )


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    return (host or port).strip("[]"), int(port) if host and port else _PORT
