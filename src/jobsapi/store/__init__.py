"""The server: one connection for all, its keys and its scripts."""

from __future__ import annotations

import functools
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.retry import Retry

from jobsapi.errors import SetupError, StoreFull, StoreUnavailable
from jobsapi.settings import Settings
from jobsapi.store.keys import Keys
from jobsapi.store.line import line_of
from jobsapi.store.scripts import script, translated
from jobsapi.store.sentinel import primary_of
from jobsapi.store.underway import Underway

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from jobsapi.store.line import Line

__all__ = ["Store", "connect", "connect_when_up", "default", "revive", "translated"]

ENGINE_DATABASE = 1
"""Where the engine lives when the address names no database or 0: the course's `rd` owns database 0."""

_OLDEST = {"valkey": (7, 2), "redis": (7, 0)}


class Store:
    """One server, in one namespace. Thread-safe; `redis` is a redis-py client that returns bytes."""

    def __init__(self, client: Any, settings: Settings, url: str) -> None:
        self.redis = client
        self.settings = settings
        self.url = url
        self.keys = Keys(settings.namespace)
        self._line = line_of(client)
        self._waiting: Line | None = None
        self._fullness, self._fullness_told_at = 0.0, float("-inf")
        self.now: int | None = None  # tests set it: every script then sees this clock (ms)

    def run(self, name: str, *args: Any) -> Any:
        """Run the script `name`; raises the error it refuses with, or StoreUnavailable."""
        [reply] = self.run_many([(name, args)])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def run_all(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """The same where none may be refused: raises the first error, by when those behind it have been run, too."""
        return _all_done(self.run_many(calls))

    def run_many(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Run scripts, each by itself, in one exchange with the server: their replies, or the errors they refuse with.

        Raises StoreUnavailable; nobody knows then which of them were run.
        """
        return self._heard(calls, lambda: self._ask(self._commands(calls)))

    def begin(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> Underway:
        """Send what `run_all` would, and hear the replies when they are asked for. Raises StoreUnavailable."""
        if self._line is None:
            return Underway(None, lambda: self.run_all(calls), _PATIENCE)
        try:
            asked = self._line.begin(self._commands(calls))
        except RedisError as problem:
            raise translated(problem) from problem
        return Underway(asked, lambda: _all_done(self._heard(calls, asked.replies)), _PATIENCE)

    def _commands(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[tuple[Any, ...]]:
        return [script(name).command(self.keys, args, self.now) for name, args in calls]

    def _heard(self, calls: Sequence[tuple[str, Sequence[Any]]], ask: Callable[[], list[Any]]) -> list[Any]:
        """What `ask` gives; scripts that the server did not know are sent with their text."""
        try:
            replies = ask()
            for i, (name, args) in enumerate(calls):
                if isinstance(replies[i], NoScriptError):
                    [replies[i]] = self._ask([script(name).command(self.keys, args, self.now, whole=True)])
        except RedisError as problem:
            raise translated(problem) from problem
        return [_understood(each) if isinstance(each, RedisError) else each for each in replies]

    def run_beside(self, reads: Sequence[tuple[Any, ...]], name: str, *args: Any) -> tuple[Any, list[Any]]:
        """The reply of a script that only reads, and those to plain commands, all in one exchange with the server.

        `reads`: commands whose replies redis-py leaves as they are, such as HMGET and LRANGE. Raises as `run`.
        """
        try:
            *replies, told = self._ask([*reads, script(name).command(self.keys, args, self.now)])
        except RedisError as problem:
            raise translated(problem) from problem
        if isinstance(told, NoScriptError):
            told = self.run(name, *args)
        for each in (told, *replies):
            if isinstance(each, RedisError):
                raise _understood(each)
        return told, replies

    def _ask(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        return self._line.ask(commands) if self._line else _one_by_one(self.redis, commands)

    def ask_ahead(self, commands: Iterable[tuple[Any, ...]]) -> Generator[Any]:
        """The replies one by one, an error that the server told among them; see `Line.ask_ahead`, and `series`."""
        if self._line:
            return self._line.ask_ahead(commands)
        return (reply for command in commands for reply in _one_by_one(self.redis, [command]))

    def ask(self, *commands: tuple[Any, ...]) -> list[Any]:
        """The raw replies to plain commands of one key each, by one exchange with the server, errors translated."""
        return self._told(self._ask, commands)

    def ask_blocking(self, longest: float, *commands: tuple[Any, ...]) -> list[Any]:
        """The same where the first one blocks up to `longest` seconds; those behind it are done once it is over.

        Its connections are kept for the next call, apart from those that others wait for.
        """
        if self._waiting is None:
            self._waiting = line_of(self.blocking(longest))
        if self._waiting is None:  # a cluster's client, or a Sentinel's, which ends no read before its time
            return self.ask(*commands)
        return self._told(self._waiting.ask, commands)

    @staticmethod
    def _told(ask: Callable[[Sequence[tuple[Any, ...]]], list[Any]], commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        try:
            replies = ask(commands)
            for each in replies:
                if isinstance(each, RedisError):
                    raise each
        except RedisError as problem:
            raise translated(problem) from problem
        return replies

    def call(self, command: str, *args: Any) -> Any:
        """One redis-py command by its method's name, errors translated."""
        try:
            return getattr(self.redis, command)(*args)
        except RedisError as problem:
            raise translated(problem) from problem

    def execute(self, pipe: Any) -> Any:
        """The replies of a pipeline of `redis.pipeline()`, errors translated."""
        try:
            return pipe.execute()
        except RedisError as problem:
            raise translated(problem) from problem

    def info(self, section: str) -> list[dict[str, Any]]:
        """What each node of the server says of itself."""
        told = self.call("info", section)
        return list(told.values()) if isinstance(next(iter(told.values())), dict) else [told]

    def refuse_if_full(self) -> None:
        """Raise StoreFull where the server has little memory left: what is there needs the rest to come to its end.

        The server is asked at most once a second.
        """
        if (now := time.monotonic()) - self._fullness_told_at > _FULLNESS_EVERY:
            self._fullness_told_at = now
            self._fullness = max(map(_fullness, self.info("memory")))
        if self._fullness >= self.settings.high_water:
            raise StoreFull(
                f"The server has used {self._fullness:.0%} of its maxmemory; above {self.settings.high_water:.0%} "
                "(JOBSAPI_HIGH_WATER) it takes no new jobs and no loads. Ended jobs that are removed make room."
            )

    def blocking(self, longest: float) -> Any:
        """A client of its own for reads that block up to `longest` seconds: no retries, a timeout past the read's."""
        return client_for(self.url, socket_timeout=longest + 5)

    def connection(self) -> Any:
        """An open connection of redis-py's, for one who waits for its replies beside other things.

        Raises redis-py's errors.
        """
        client = client_for(self.url)
        if isinstance(client, redis.RedisCluster):
            client = client.get_redis_connection(client.get_node_from_key(self.keys.prefix))
        connection = client.connection_pool.make_connection()
        connection.connect()
        return connection

    def with_timeout(self, seconds: float) -> Store:
        """The same server over a connection of its own, whose calls take so long at the most."""
        return Store(
            client_for(self.url, socket_timeout=seconds, socket_connect_timeout=seconds), self.settings, self.url
        )

    def time_ms(self) -> int:
        """The server's clock, ms since the epoch."""
        if self.now is not None:
            return self.now
        seconds, micros = self.call("time")
        return int(seconds) * 1000 + int(micros) // 1000

    def close(self) -> None:
        """Give the connections back."""
        for line in (self._line, self._waiting):
            if line:
                line.close()
        self.redis.close()


def _all_done(replies: list[Any]) -> list[Any]:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


def _one_by_one(client: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    replies = []
    for command in commands:
        try:
            replies.append(client.execute_command(*command))
        except ResponseError as refusal:
            replies.append(refusal)
    return replies


def _understood(refusal: RedisError) -> Exception:
    """The error of ours, with the server's as its cause."""
    error = translated(refusal)
    if error is not refusal:
        error.__cause__ = refusal
    return error


_FULLNESS_EVERY = 1.0

_MOST_CONNECTIONS = 10_000

_PATIENCE = 10.0
"""Seconds a call waits for its reply."""


def _fullness(memory: Mapping[str, Any]) -> float:
    """Which part of its maxmemory a node has used, counted as the node itself does before it refuses a write."""
    used = int(memory["used_memory"]) - int(memory.get("mem_not_counted_for_evict", 0))
    return used / int(memory["maxmemory"]) if memory.get("maxmemory") else 0.0


def connect(settings: Settings | None = None) -> Store:
    """A store by the settings: the named server, or the embedded one of this folder, found or started.

    Raises StoreUnavailable where a named server does not answer, SetupError where it is too old, might drop jobs, or is
    not as durable as JOBSAPI_DURABILITY promises.
    """
    settings = settings or Settings.from_environment()
    url = settings.server_url
    if not url:
        from jobsapi.store import embedded  # starts processes: only where it is wanted

        url = embedded.ensure(settings)
    try:
        store = Store(client_for(url), settings, url)
    except ValueError as problem:
        raise SetupError(f"The server's address cannot be used: {problem}. Correct REDIS_URL or REDIS_IP.") from problem
    _check_version(store)
    _check_eviction(store)
    if settings.durability == "always" and settings.server_url:  # the embedded server is set to it
        _check_durability(store)
    if settings.replicas and url.startswith("redis+cluster"):
        raise SetupError("JOBSAPI_REPLICAS is for a server with replicas, not for a cluster. Set it to 0.")
    return store


def connect_when_up(settings: Settings, who: str) -> Store:
    """The same for a process that waits until the store answers, and says so on stderr. Raises SetupError."""
    while True:
        try:
            return connect(settings)
        except StoreUnavailable as problem:
            sys.stderr.write(f"jobsapi {who}: {problem.detail} Trying again.\n")
            time.sleep(1.0)


def revive(store: Store) -> None:
    """Start the embedded server again, under its address, where its keeper is gone as well; a named one is left alone.

    Raises StoreUnavailable, SetupError.
    """
    if not store.settings.server_url:
        from jobsapi.store import embedded

        embedded.ensure(store.settings)


@functools.cache
def default() -> Store:
    """The store of this process's environment, connected once."""
    return connect()


def client_for(url: str, *, database: int | None = None, **options: Any) -> Any:
    """A redis-py client for any address the settings take; `database` overrides the engine's choice.

    Plain addresses, unix sockets and TLS as redis-py spells them; `redis+cluster://host:port` and
    `redis+sentinel://host:port,host:port/service[/database]` (see `sentinel`) besides.
    What is cut off is sent once more, which every script allows; what is not answered in time is not.
    """
    options = {"socket_timeout": _PATIENCE, "socket_connect_timeout": 5.0, "health_check_interval": 0} | options
    options |= {"max_connections": _MOST_CONNECTIONS}  # as many as there are threads; redis-py's own 100 are fewer
    options |= {"protocol": 2, "retry": Retry(NoBackoff(), 1, (RedisConnectionError,))}
    parts = urlsplit(url)
    if parts.scheme == "redis+cluster":
        return redis.RedisCluster.from_url(url.replace("+cluster", "", 1), **options)
    client = primary_of(url, options) if parts.scheme == "redis+sentinel" else redis.Redis.from_url(url, **options)
    chosen = client.connection_pool.connection_kwargs.get("db") or ENGINE_DATABASE
    client.connection_pool.connection_kwargs["db"] = chosen if database is None else database
    return client


def _check_version(store: Store) -> None:
    info = store.info("server")[0]
    kind = "valkey" if "valkey_version" in info else "redis"
    version = str(info[f"{kind}_version"])
    if tuple(int(p) for p in version.split(".")[:2]) < _OLDEST[kind]:
        oldest = ".".join(map(str, _OLDEST[kind]))
        raise SetupError(f"The server is {kind} {version}; jobsapi needs {kind} {oldest} or newer.")


def _check_eviction(store: Store) -> None:
    """Jobs have no time to live, so only an `allkeys` policy can drop them. INFO tells it where CONFIG is forbidden."""
    for info in store.info("memory"):
        policy = str(info.get("maxmemory_policy", ""))
        if info.get("maxmemory") and policy.startswith("allkeys"):
            raise SetupError(
                f"The server would drop jobs when its memory is full: its maxmemory-policy is {policy}. "
                "Set it to noeviction: `CONFIG SET maxmemory-policy noeviction`, and in its configuration file."
            )


def _check_durability(store: Store) -> None:
    """`always` is promised only where the server is known to sync before it answers.

    WAITAOF was rejected: under `everysec` it was seen to answer before a sync.
    """
    wanted = {"appendonly": "yes", "appendfsync": "always"}
    told = {name: _configured(store, name) for name in wanted}
    if told != wanted:
        have = ", ".join(f"{name} {value or 'unknown'}" for name, value in told.items())
        raise SetupError(
            f"JOBSAPI_DURABILITY is always, but the server has {have}. "
            "Set them: `CONFIG SET appendonly yes`, `CONFIG SET appendfsync always`, and in its configuration file."
        )


def _configured(store: Store, name: str) -> str:
    """What CONFIG GET tells, or "" where the server does not say."""
    try:
        found = store.redis.config_get(name)
    except RedisError as problem:
        if isinstance(problem, ResponseError):
            return ""  # CONFIG is forbidden, as on managed servers
        raise translated(problem) from problem
    return next((_text(value) for key, value in found.items() if _text(key) == name), "")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def wait_until_up(store: Store, seconds: float) -> bool:
    """Whether the store answered within `seconds`; asks every 100 ms."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            store.call("ping")
        except StoreUnavailable:
            time.sleep(0.1)
        else:
            return True
    return False
