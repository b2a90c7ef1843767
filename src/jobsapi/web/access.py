"""Who may ask: tokens on an address that others reach, and no foreign web page on a loopback one."""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
from flask import Flask, request

from jobsapi.errors import Forbidden, SetupError, Unauthorized
from jobsapi.web.common import the_store, wants_page

if TYPE_CHECKING:
    from jobsapi.settings import Settings
    from jobsapi.store import Store

__all__ = ["asks_token", "create_token", "install_access", "list_tokens", "refuse_open_start", "revoke_token"]

_OWN_NAMES = {"localhost", "127.0.0.1", "::1"}
_OPEN_PATHS = {"/healthz", "/readyz"}
_PAGE, _PAGE_FILES = "about.home", "ui.file"
"""The endpoints of the web page, which holds nothing that is anybody's: its scripts ask the API, with a token."""
_REMEMBERED_SECONDS = 5.0


def create_token(store: Store, name: str = "") -> str:
    """A new token; the store keeps only its SHA-256."""
    token = "ja_" + secrets.token_urlsafe(32)
    row = {"name": name, "created": store.time_ms()}
    store.call("hset", store.keys.tokens(), _digest(token), orjson.dumps(row))
    return token


def list_tokens(store: Store) -> list[dict[str, Any]]:
    """`{"id", "name", "created"}` of every token; the id is the start of its digest."""
    rows = store.call("hgetall", store.keys.tokens())
    found = [{"id": digest.decode()[:12], **orjson.loads(row)} for digest, row in rows.items()]
    return sorted(found, key=lambda each: (each["created"], each["id"]))


def revoke_token(store: Store, which: str) -> int:
    """Forget the tokens of that name or id; how many there were."""
    rows = store.call("hgetall", store.keys.tokens())
    gone = [digest for digest, row in rows.items() if which in (digest.decode()[:12], orjson.loads(row)["name"])]
    return int(store.call("hdel", store.keys.tokens(), *gone)) if gone else 0


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def asks_token(settings: Settings) -> bool:
    """Whether requests need a token: where others than this machine's users can reach the API."""
    return not is_loopback(settings.host) and settings.auth == "on"


def refuse_open_start(settings: Settings, store: Store) -> None:
    """SetupError where the API would listen for others without asking anybody for a token."""
    if is_loopback(settings.host):
        return
    if settings.auth == "off":
        if not settings.allowed_hosts:
            raise SetupError("JOBSAPI_AUTH=off needs JOBSAPI_ALLOWED_HOSTS: the host names that requests may name.")
    elif not store.call("hlen", store.keys.tokens()):
        raise SetupError(
            f"{settings.host} can be reached from other machines and there is no token yet. Make one with "
            "`jobsapi token create`, or listen on 127.0.0.1, or set JOBSAPI_AUTH=off and JOBSAPI_ALLOWED_HOSTS."
        )


def install_access(app: Flask, settings: Settings) -> None:
    """Check every request of the app before its route sees it."""
    named = {name.strip().lower() for name in settings.allowed_hosts.split(",") if name.strip()}
    own = _OWN_NAMES | {settings.host.lower()} if is_loopback(settings.host) else set()
    # this machine's own names are no reason to trust a page: any program here may serve one, on a port of its own
    hosts, origins = named | own, named - _OWN_NAMES - own
    by_token = asks_token(settings)
    known = _KnownTokens()

    def check() -> None:
        if by_token:
            if request.path not in _OPEN_PATHS and not _is_page():
                known.check(request.headers.get("Authorization", ""))
        else:
            _refuse_foreign(hosts, origins)

    app.before_request(check)


def _is_page() -> bool:
    return request.endpoint == _PAGE_FILES or (request.endpoint == _PAGE and wants_page())


def _is_followed_link() -> bool:
    """Whether a person follows a link to the page: it shows itself alone, to nobody but that person."""
    return request.endpoint == _PAGE and request.headers.get("Sec-Fetch-Mode") == "navigate" and wants_page()


def _refuse_foreign(hosts: set[str], origins: set[str]) -> None:
    environ = request.environ
    netloc = environ.get("HTTP_HOST", "").lower()
    if _host_name(netloc) not in hosts:
        raise Forbidden(f"This API does not answer for the host {netloc!r}. JOBSAPI_ALLOWED_HOSTS adds names.")
    origin = environ.get("HTTP_ORIGIN")
    if origin is None:
        if environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin") and not _is_followed_link():
            raise Forbidden("A web page of another site may not use this API.")
        return
    asker = origin.lower().partition("://")[2]
    if asker != netloc and _host_name(asker) not in origins:
        raise Forbidden(f"A web page of {origin} may not use this API. JOBSAPI_ALLOWED_HOSTS adds names.")


@functools.lru_cache(maxsize=256)
def _host_name(netloc: str) -> str:
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:  # brackets that hold no IPv6 address
        return ""


class _KnownTokens:
    """The digests of the store's tokens, read again after a few seconds."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()
        self._read_at = float("-inf")

    def check(self, header: str) -> None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("Send a token: `Authorization: Bearer TOKEN`; `jobsapi token create` makes one.")
        digest = _digest(token.strip()).encode()
        if digest not in self._digests or time.monotonic() - self._read_at > _REMEMBERED_SECONDS:
            store = the_store()
            self._digests = set(store.call("hkeys", store.keys.tokens()))
            self._read_at = time.monotonic()
        if digest not in self._digests:
            raise Unauthorized("This token is not known (any more).")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
