"""The environment → one frozen dataclass; each field carries its variable's name and its help text."""

from __future__ import annotations

import base64
import dataclasses
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jobsapi.errors import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Settings", "documented"]

_MIB = 1024 * 1024
_DAY = 24 * 3600


def _env(variable: str, default: Any, help_text: str) -> Any:
    return field(default=default, metadata={"variable": variable, "help": help_text})


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, with the defaults a laptop needs. Sizes are bytes, times seconds."""

    redis_url: str = _env("REDIS_URL", "", "The server: redis://, rediss:// or unix:// address. Wins over REDIS_IP.")
    redis_ip: str = _env("REDIS_IP", "", "The server's host name or address; used where REDIS_URL is not set.")
    redis_port: str = _env("REDIS_PORT", "6379", "The port beside REDIS_IP; `tcp://host:port` is understood too.")
    folder: Path = _env(
        "JOBSAPI_DIR", Path(".jobsapi"), "Where the embedded server keeps its files, and large results go."
    )
    namespace: str = _env("JOBSAPI_NAMESPACE", "jobsapi", "Keeps projects that share one server apart.")
    durability: str = _env(
        "JOBSAPI_DURABILITY",
        "everysec",
        "`everysec`: losing the store or the power may lose about the last 2 s. `always`: a 202 means on disk.",
    )
    replicas: int = _env(
        "JOBSAPI_REPLICAS",
        0,
        "How many replicas of the server must have a submit before it is answered, else 503; 0: none.",
    )
    host: str = _env("JOBSAPI_HOST", "127.0.0.1", "The address the API listens on.")
    port: int = _env("JOBSAPI_PORT", 5000, "The port the API listens on.")
    url: str = _env("JOBSAPI_URL", "", "Where the client and the commands find the API; default http://HOST:PORT.")
    token: str = _env("JOBSAPI_TOKEN", "", "The token that the client and the commands send.")
    auth: str = _env(
        "JOBSAPI_AUTH",
        "on",
        "`off`: no tokens on an address that is not loopback; set JOBSAPI_ALLOWED_HOSTS too.",
    )
    allowed_hosts: str = _env("JOBSAPI_ALLOWED_HOSTS", "", "Host names, comma-separated, that requests may name.")
    api_threads: int = _env("JOBSAPI_API_THREADS", 64, "Threads that answer requests, per API process.")
    max_streams: int = _env(
        "JOBSAPI_MAX_STREAMS",
        1000,
        "Event streams, followed logs and waiting requests that an API process holds open; above it they get 503.",
    )
    api_processes: int = _env("JOBSAPI_API_PROCESSES", 1, "API processes that share the port.")
    concurrency: int = _env(
        "JOBSAPI_CONCURRENCY", 0, "Children a worker runs jobs in; 0: one for each core, or one with JOBSAPI_THREADS."
    )
    threads: int = _env(
        "JOBSAPI_THREADS",
        0,
        "Jobs a child runs at a time, in threads and on an event loop, in one child unless JOBSAPI_CONCURRENCY says "
        "more; 0: one, with the process to itself, which can be stopped and limited.",
    )
    lease: float = _env("JOBSAPI_LEASE", 10.0, "How long a claim holds without being renewed, in seconds.")
    grace: float = _env(
        "JOBSAPI_GRACE",
        30.0,
        "How long jobs may go on after SIGTERM before they are handed back, in seconds.",
    )
    max_deliveries: int = _env(
        "JOBSAPI_MAX_DELIVERIES", 3, "How often a job whose process died is delivered before it ends `lost`."
    )
    recycle_jobs: int = _env(
        "JOBSAPI_RECYCLE_JOBS", 1000, "Jobs after which a child that has worked for a minute is replaced; 0: never."
    )
    recycle_mb: int = _env(
        "JOBSAPI_RECYCLE_MB", 2048, "Resident MiB above which a child is replaced after its job; 0: never."
    )
    high_water: float = _env(
        "JOBSAPI_HIGH_WATER",
        0.9,
        "The part of the server's maxmemory, where that is set, above which new jobs and loads are refused.",
    )
    max_body: int = _env("JOBSAPI_MAX_BODY", 16 * _MIB, "The largest body of POST /jobs, in bytes.")
    max_params: int = _env("JOBSAPI_MAX_PARAMS", _MIB, "The largest parameters of one job, in bytes of JSON.")
    max_record: int = _env("JOBSAPI_MAX_RECORD", _MIB, "The largest record of a data set, in bytes of JSON.")
    max_log: int = _env("JOBSAPI_MAX_LOG", _MIB, "How much of a job's log is kept, in bytes; both ends.")
    max_result: int = _env("JOBSAPI_MAX_RESULT", 1024 * _MIB, "The largest output of a job, in bytes.")
    max_stored_result: int = _env(
        "JOBSAPI_MAX_STORED_RESULT",
        64 * _MIB,
        "The largest output kept in the store itself, in bytes; larger ones need JOBSAPI_RESULTS.",
    )
    results: str = _env(
        "JOBSAPI_RESULTS",
        "",
        "A folder that API and workers share, for outputs too large for the store; default with the embedded server: "
        "`results` in JOBSAPI_DIR.",
    )
    keep_results: float = _env(
        "JOBSAPI_KEEP_RESULTS", 7.0 * _DAY, "How long results are kept after a job's end, in seconds."
    )
    keep_jobs: float = _env("JOBSAPI_KEEP_JOBS", 30.0 * _DAY, "How long records of ended jobs are kept, in seconds.")
    keep_count: int = _env(
        "JOBSAPI_KEEP_COUNT", 1_000_000, "How many ended jobs are kept; of more the oldest are removed. 0: any number."
    )
    keep_bytes: int = _env(
        "JOBSAPI_KEEP_BYTES",
        4096 * _MIB,
        "How many bytes of results above 4 KiB are kept, in the store and as files together; of more the oldest are "
        "removed. 0: any number.",
    )

    webhook_secret: str = _env(
        "JOBSAPI_WEBHOOK_SECRET",
        "",
        "What workers sign webhooks with: `whsec_` and 24 to 64 bytes as base64; several, comma-separated, while "
        "receivers change from one to the next. Not set: webhooks are not signed.",
    )
    webhook_hosts: str = _env(
        "JOBSAPI_WEBHOOK_HOSTS",
        "public",
        "Hosts that webhooks may go to, comma-separated: names, addresses, `*.domain`, `public` for every host with a "
        "public address, `*` for any host whatever, `off` for none. For the API and the workers.",
    )

    def __post_init__(self) -> None:
        """Refuse values that could only fail later and further away."""
        if self.durability not in ("everysec", "always"):
            raise SetupError(f"JOBSAPI_DURABILITY is {self.durability!r}; it can be 'everysec' or 'always'.")
        if self.replicas < 0:
            raise SetupError(f"JOBSAPI_REPLICAS is {self.replicas}; it must be 0 or more.")
        if self.auth not in ("on", "off"):
            raise SetupError(f"JOBSAPI_AUTH is {self.auth!r}; it can be 'on' or 'off'.")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.namespace):
            raise SetupError(
                f"JOBSAPI_NAMESPACE is {self.namespace!r}; use letters, digits, '_', '.' and '-' (at most 64)."
            )
        if not 1 <= self.port <= 65535:
            raise SetupError(f"JOBSAPI_PORT is {self.port}; it must be between 1 and 65535.")
        if not 0 < self.high_water <= 1:
            raise SetupError(f"JOBSAPI_HIGH_WATER is {self.high_water}; it must be above 0 and at most 1.")
        if not 0 <= self.threads <= 10_000:
            raise SetupError(f"JOBSAPI_THREADS is {self.threads}; it must be between 0 and 10000.")
        if not 0.5 <= self.lease <= 3600:
            raise SetupError(f"JOBSAPI_LEASE is {self.lease}; it must be between 0.5 and 3600 seconds.")
        _check_secrets(self.webhook_secrets)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """The settings of `environ` (default: the process's), with `overrides` (not None) on top.

        Raises SetupError with the variable's name for a value that cannot be read.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for each in dataclasses.fields(cls):
            text = environ.get(each.metadata["variable"], "")
            if text:
                values[each.name] = _read(each.metadata["variable"], text, type(each.default))
        values.update({name: value for name, value in overrides.items() if value is not None})
        return cls(**values)

    @property
    def webhook_secrets(self) -> list[str]:
        """What webhooks are signed with, each; none: they are not signed."""
        return [each.strip() for each in self.webhook_secret.split(",") if each.strip()]

    @property
    def server_url(self) -> str:
        """The named server's address, or "" where the embedded one is meant."""
        if self.redis_url:
            return self.redis_url
        if not self.redis_ip:
            return ""
        port = self.redis_port
        if port.startswith("tcp://"):  # what Kubernetes sets for a service that is named redis
            port = str(urlsplit(port).port or 6379)
        if not port.isdigit():
            raise SetupError(f"REDIS_PORT is {port!r}; it must be a number or tcp://host:port.")
        host = f"[{self.redis_ip}]" if ":" in self.redis_ip else self.redis_ip
        return f"redis://{host}:{port}/0"

    @property
    def server_place(self) -> str:
        """The named server without its password, or "" where the embedded one is meant."""
        parts = urlsplit(self.server_url)
        return parts.netloc.rpartition("@")[2] or parts.path

    @property
    def api_url(self) -> str:
        """Where clients find the API, without a slash at the end."""
        return self.url.rstrip("/") or self.local_url

    @property
    def local_url(self) -> str:
        """Where programs on the API's own machine find it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - read, not listened on
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def documented() -> list[tuple[str, str, str]]:
    """(variable, default, help) of every setting, in order: what the reference page shows."""
    return [(f.metadata["variable"], str(f.default), f.metadata["help"]) for f in dataclasses.fields(Settings)]


def _check_secrets(secrets: list[str]) -> None:
    """As Standard Webhooks want them. Raises SetupError, which does not show them."""
    for each in secrets:
        try:
            key = base64.b64decode(each.removeprefix("whsec_"), validate=True)
        except ValueError:
            key = b""
        if not each.startswith("whsec_") or not 24 <= len(key) <= 64:
            raise SetupError(
                "JOBSAPI_WEBHOOK_SECRET is not `whsec_` and 24 to 64 bytes as base64. "
                "This makes one: `echo whsec_$(openssl rand -base64 32)`."
            )


def _read(variable: str, text: str, kind: type[Any]) -> Any:
    try:
        return Path(text) if issubclass(kind, Path) else kind(text)
    except ValueError as problem:
        raise SetupError(f"{variable} is {text!r}; it must be a {kind.__name__}.") from problem
