"""The application's class: Flask's own, which asks anew at each request for less of what stays the same."""

from __future__ import annotations

import functools
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.routing import Map, MapAdapter
from werkzeug.wsgi import get_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Request

__all__ = ["TURNS", "Application"]

TURNS = "jobsapi.turns"
"""In a request's environ: what its turn was taken from, and is given back to while the request only waits."""

_CONFIGURED = ("TRUSTED_HOSTS", "SERVER_NAME")


class Application(Flask):
    """Behaves as Flask does, whatever is configured or registered on it; each override is only a shorter way there."""

    def __init__(self, name: str, turns: int, **options: Any) -> None:
        """`turns`: how many requests are worked on at a time.

        There are more threads, which held replies need: without this a rush of short requests would take those too,
        each with a connection to the store.
        """
        super().__init__(name, **options)
        self._turns: SimpleQueue[None] = SimpleQueue()  # a semaphore that costs no Python
        for _ in range(turns):
            self._turns.put(None)
        self._plain = functools.lru_cache(maxsize=1024)(super().ensure_sync)

    def wsgi_app(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request when it is its turn."""
        environ[TURNS] = self._turns
        self._turns.get()
        try:
            return super().wsgi_app(environ, start_response)
        finally:
            self._turns.put(None)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which is looked at once."""
        return self._plain(func)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """What finds the request's route. Raises BadHost, SecurityError."""
        if request is None or self.url_map.host_matching or self.subdomain_matching:
            return super().create_url_adapter(request)
        environ, config = request.environ, self.config
        named = environ.get("HTTP_HOST")
        is_plain = named is not None and environ.get("PATH_INFO") and "HTTP_UPGRADE" not in environ
        if not is_plain or any(config[name] is not None for name in _CONFIGURED):
            return super().create_url_adapter(request)
        request.host, server_name = _checked_host(request.scheme, named)
        return MapAdapter(
            self.url_map,
            server_name,
            request.root_path,
            self.url_map.default_subdomain,
            request.scheme,
            request.path,
            request.method,
            request.query_string.decode(errors="replace"),
        )


@functools.lru_cache(maxsize=256)
def _checked_host(scheme: str, named: str) -> tuple[str, str]:
    """A request's host, and the same as addresses spell it. Raises BadHost, SecurityError."""
    host = get_host({"wsgi.url_scheme": scheme, "HTTP_HOST": named})
    return host, Map().bind(host).server_name
