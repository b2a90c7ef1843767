"""The web page: its shell, which a browser gets at `/`, and the files of it below `/ui/`. No build step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from jobsapi.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

__all__ = ["POLICY", "blueprint", "shell"]

blueprint = Blueprint("ui", __name__)

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "frame-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""The page's Content-Security-Policy: its own files and this API. Nothing inline, nothing evaluated, no other host."""

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
}
_A_YEAR = 31_536_000


@dataclass(frozen=True)
class _File:
    body: bytes
    kind: str


def _found(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, _File]]:
    for each in sorted(folder.iterdir(), key=lambda entry: entry.name):
        suffix = each.name[each.name.rfind(".") :]
        if each.is_dir():
            yield from _found(each, f"{prefix}{each.name}/")
        elif suffix in _TYPES:
            yield prefix + each.name, _File(each.read_bytes(), _TYPES[suffix])


_FILES = dict(_found(resources.files("jobsapi.web") / "ui"))
_VERSION = hashlib.blake2b(
    b"".join(name.encode() + file.body for name, file in _FILES.items()), digest_size=6
).hexdigest()
"""Stands in the address of every file: a browser keeps one for ever, and never mixes two versions."""

_SHELL = _File(_FILES.pop("index.html").body.replace(b"{version}", _VERSION.encode()), _TYPES[".html"])


def shell() -> Response:
    """The page's frame. It holds nothing that is anybody's: what it shows, its scripts ask the API for."""
    answer = _sent(_SHELL, "no-cache")
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Frame-Options"] = "DENY"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    answer.headers["Vary"] = "Accept"
    return answer


@blueprint.get("/ui/<version>/<path:name>")
def file(version: str, name: str) -> Response:
    """A file of the web page."""
    found = _FILES.get(name)
    if found is None or version != _VERSION:
        raise NotFound(f"The page has no file {name!r} of the version {version!r}; load it again.")
    return _sent(found, f"public, max-age={_A_YEAR}, immutable")


def _sent(found: _File, caching: str) -> Response:
    answer = Response(found.body, content_type=found.kind)
    answer.set_etag(hashlib.blake2b(found.body, digest_size=12).hexdigest())
    answer.headers["Cache-Control"] = caching
    answer.make_conditional(request)
    return answer
