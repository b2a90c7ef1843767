"""Where requests of the system's own may go: which URLs of webhooks are taken, and which addresses they lead to."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from jobsapi.settings import Settings

__all__ = ["MOST_URL", "NotAllowed", "addresses", "checked_url", "refusal"]

MOST_URL = 2000
"""Characters."""

_PUBLIC, _ANY = "public", "*"
_HOST = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?"

# Addresses of IPv6 in which one of IPv4 is hidden that a gateway may lead to.
_TRANSLATED = [ipaddress.ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


class NotAllowed(ValueError):
    """The settings do not let a request go there."""


def checked_url(value: object) -> str:
    """An http or https URL as it is; else ValueError says what was expected."""
    expected = f"is an http:// or https:// URL of at most {MOST_URL:,} plain characters, without a name and password"
    if not isinstance(value, str) or len(value) > MOST_URL or not re.fullmatch(r"[!-~]+", value):
        raise ValueError(expected)
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or "\\" in value or not _is_host(parts):
        raise ValueError(expected)
    return value


def refusal(settings: Settings, url: str) -> str:
    """Why webhooks may not go there, as far as the URL itself tells; "" where they may."""
    host = _host(url)
    if _is_listed(settings, host):
        return ""
    if _PUBLIC not in _listed(settings):
        return f"names the host {host}, which JOBSAPI_WEBHOOK_HOSTS does not list"
    literal = _address(host)
    if host == "localhost" or host.endswith(".localhost") or (literal and not _is_public(literal)):
        return f"names the host {host}, which is not public; JOBSAPI_WEBHOOK_HOSTS may list it"
    return ""


def addresses(settings: Settings, url: str) -> list[str]:
    """The addresses that the URL's host has now and requests may go to.

    Whoever sends connects to one of these, and does not look the name up again: it may lead elsewhere then. Raises
    NotAllowed, and OSError where the name has no address.
    """
    if problem := refusal(settings, url):
        raise NotAllowed(f"It {problem}.")
    parts = urlsplit(url)
    host = _host(url)
    try:
        found = socket.getaddrinfo(host, parts.port or 80, type=socket.SOCK_STREAM)
    except UnicodeError as cause:  # a part of more than 63 characters
        raise OSError(f"{host} is no host's name") from cause
    unique = list(dict.fromkeys(str(each[4][0]) for each in found))
    if _is_listed(settings, host):
        return unique
    public = [each for each in unique if _is_public(ipaddress.ip_address(each.partition("%")[0]))]
    if not public:
        raise NotAllowed(f"The host {host} has no public address; JOBSAPI_WEBHOOK_HOSTS may list it.")
    return public


def _is_host(parts: SplitResult) -> bool:
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_known = _address(host) is not None if "[" in parts.netloc else re.fullmatch(_HOST, host) is not None
    return is_known and port != 0


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")


def _listed(settings: Settings) -> list[str]:
    return [each.strip().lower().strip("[]").rstrip(".") for each in settings.webhook_hosts.split(",") if each.strip()]


def _is_listed(settings: Settings, host: str) -> bool:
    """Whether a host is allowed by its name, whatever its address."""
    return any(
        each in (_ANY, host) or (each.startswith("*.") and host.endswith(each[1:])) for each in _listed(settings)
    )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return _is_public(address.ipv4_mapped)
        if any(address in each for each in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast
