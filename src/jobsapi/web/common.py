"""What the routes share: the store, JSON replies, problem documents, and how bodies and queries are read."""

from __future__ import annotations

import gzip
import io
import json
import re
import threading
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from flask import Flask, Response, current_app, request, url_for
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from jobsapi.errors import BadRow, FieldError, Invalid, JobsApiError, KeyTaken, TooLarge, Unreadable, UnsupportedMedia
from jobsapi.store import Store, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobsapi.record import Batch, Job
    from jobsapi.settings import Settings

__all__ = [
    "StoreHolder",
    "address",
    "cursor",
    "following",
    "harden",
    "install_problems",
    "linked",
    "own_routes",
    "page_limit",
    "query",
    "read_body",
    "read_json",
    "reply",
    "reply_text",
    "the_settings",
    "the_store",
    "wants_page",
]

_Linked = TypeVar("_Linked", bound="Job | Batch")

_EXTENSION = "jobsapi"
_MOST_FAULTS = 100
"""How many fields at fault one problem document names: a bad body must not become a larger answer."""

_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_WIDE = object()


class StoreHolder:
    """The app's store, connected at the first request that needs it: the API starts and says 503 while it is away."""

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self.settings = settings
        self._store = store
        self._lock = threading.Lock()

    def get(self) -> Store:
        """The store. Raises StoreUnavailable."""
        if self._store is None:
            with self._lock:
                self._store = self._store or connect(self.settings)
        return self._store

    def install(self, app: Flask) -> None:
        """Make it the app's own; the first one stays."""
        app.extensions.setdefault(_EXTENSION, self)


def the_store() -> Store:
    """The store of the app that handles this request. Raises StoreUnavailable."""
    holder: StoreHolder = current_app.extensions[_EXTENSION]
    return holder.get()


def the_settings() -> Settings:
    """The settings of the app that handles this request; they need no store."""
    holder: StoreHolder = current_app.extensions[_EXTENSION]
    return holder.settings


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON reply."""
    return reply_text(orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE), status, headers)


def reply_text(text: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The same of what is JSON already."""
    return _Json(text, status, headers or {})


class _Json(Response):
    """A reply whose headers are ready to be sent: its length is known, and its `Location` is a path of ours."""

    def __init__(self, text: bytes, status: int, headers: Mapping[str, str]) -> None:
        ready = [("Content-Type", "application/json"), ("Content-Length", str(len(text))), _NO_SNIFFING]
        super().__init__([text], f"{status} {HTTP_STATUS_CODES[status].upper()}", Headers([*ready, *headers.items()]))

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """As they are; Werkzeug would read and write them all once more."""
        return super().get_wsgi_headers(environ) if self.status_code == 304 else self.headers


_NO_SNIFFING = ("X-Content-Type-Options", "nosniff")


def problem(error: JobsApiError) -> Response:
    """An RFC 9457 problem document of an error of ours."""
    document: dict[str, Any] = {
        "type": f"urn:jobsapi:problem:{error.code}",
        "title": error.title,
        "status": error.http_status,
        "detail": error.detail,
    }
    if error.errors:
        shown = error.errors[:_MOST_FAULTS]
        document["errors"] = [{"pointer": each.pointer, "detail": each.detail} for each in shown]
    if isinstance(error, BadRow):
        document["row"] = error.row
    if isinstance(error, KeyTaken):
        document["job"] = error.job_id
    answer = reply(document, error.http_status)
    answer.mimetype = "application/problem+json"
    if isinstance(error, KeyTaken):
        answer.headers["Location"] = address(f"/jobs/{error.job_id}")
    if (seconds := getattr(error, "retry_after", None)) is not None:
        answer.headers["Retry-After"] = str(seconds)
    if error.http_status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def install_problems(target: Any) -> None:
    """Let every error of a Flask app or blueprint become a problem document."""
    target.register_error_handler(JobsApiError, problem)
    target.register_error_handler(HTTPException, _http_problem)


def _http_problem(error: HTTPException) -> Response:
    """What Flask itself refuses (unknown route, method, …) in the same shape."""
    status = error.code or 500
    name = error.name.lower().replace(" ", "-")
    document = {
        "type": f"urn:jobsapi:problem:{name}",
        "title": error.name,
        "status": status,
        "detail": error.description,
    }
    answer = reply(document, status)
    answer.mimetype = "application/problem+json"
    for header, value in error.get_headers():
        if header.lower() not in ("content-type", "content-length"):
            answer.headers[header] = value
    return answer


def query(*known: str) -> dict[str, str]:
    """The query's parameters, each at most once and among `known`; Invalid names the one that is not."""
    values: dict[str, str] = {}
    if not request.environ.get("QUERY_STRING"):
        return values
    for name, given in request.args.lists():
        if name not in known:
            raise _at(name, f"is not a parameter here; known: {', '.join(known) or 'none'}")
        if len(given) > 1:
            raise _at(name, "is given more than once")
        values[name] = given[0]
    return values


def page_limit(text: str | None, default: int = 100) -> int:
    """`limit` of a list: 1 to 1000."""
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= 1000):
        raise _at("limit", "is a number from 1 to 1000")
    return int(text)


def cursor(kind: str, text: str | None) -> int | None:
    """The number of a list's `cursor`, `kind` before it; None where none is given. Raises Unreadable."""
    if text is None:
        return None
    number = text.removeprefix(kind)
    if number == text or not (number.isascii() and number.isdigit() and len(number) < 17):
        raise Unreadable("`cursor` is not one that this API gave out; take it from `next`.")
    return int(number)


def following(page: str) -> dict[str, str]:
    """The header that tells the address of the next page."""
    return {"Link": f'<{page}>; rel="next"'}


def _at(name: str, detail: str) -> Invalid:
    return Invalid(f"The query parameter {name!r} {detail}.", errors=[FieldError(_under("", name), detail)])


def _under(pointer: str, name: str) -> str:
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def read_body(most: int) -> bytes:
    """The request's body, unpacked where it is gzip. Raises TooLarge, Unreadable, UnsupportedMedia."""
    body = request.stream.read(most + 1)
    if len(body) > most:
        raise _too_large(most)
    coding = request.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if coding in ("identity", ""):
        return body
    if coding != "gzip":
        raise UnsupportedMedia(f"The content coding {coding!r} is not understood; gzip is.")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            unpacked = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as cause:
        raise Unreadable(f"The body is not sound gzip: {cause}.") from None
    if len(unpacked) > most:
        raise _too_large(most)
    return unpacked


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is larger than the {most:,} bytes that JOBSAPI_MAX_BODY allows.")


def read_json(body: bytes, base: str = "", what: str = "The body") -> Any:
    """The JSON value of a body, or of the part of it whose pointer is `base` and that is called `what`.

    Raises Unreadable, which says where it stops being JSON, and Invalid for integers beyond 64 bits.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        shown = "it is empty" if not body.strip() else str(cause)
        raise Unreadable(f"{what} is not JSON: {shown}.") from None
    if _LONG_NUMBER.search(body):  # orjson makes a float of an integer that is too wide, and says nothing
        _refuse_wide_integers(body, base, what)
    return value


def _refuse_wide_integers(body: bytes, base: str, what: str) -> None:
    try:
        left = [(base, json.loads(body, parse_int=_integer))]
    except RecursionError:
        raise Unreadable(f"{what} is nested too deeply.") from None
    faults: list[FieldError] = []
    while left and len(faults) < _MOST_FAULTS:
        pointer, value = left.pop()
        if value is _WIDE:
            faults.append(FieldError(pointer, "is an integer beyond 64 bits"))
        elif isinstance(value, dict):
            left += [(_under(pointer, name), each) for name, each in value.items()]
        elif isinstance(value, list):
            left += [(f"{pointer}/{i}", each) for i, each in enumerate(value)]
    if faults:
        raise Invalid("Integers have at most 64 bits; send larger ones as text.", errors=faults)


def _integer(digits: str) -> Any:
    fits = len(digits) <= 20 and -(2**63) <= int(digits) < 2**64
    return int(digits) if fits else _WIDE


def wants_page() -> bool:
    """Whether who asks for `/` is a browser; programs, and people with curl, get JSON."""
    return request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"


def harden(answer: Response) -> Response:
    """Headers that every reply carries."""
    if not isinstance(answer, _Json):  # they have it
        answer.headers.setdefault(*_NO_SNIFFING)
    return answer


def address(path: str) -> str:
    """The address of one of this API's paths, wherever it is mounted; only for requests of its routes."""
    parent = (request.blueprint or "").rpartition(".")[0]
    if not parent:
        return request.root_path + path
    return url_for(f"{parent}.about.home").removesuffix("/") + path


def linked(shown: _Linked) -> _Linked:
    """The job or batch with links that hold where this API is mounted."""
    if base := address(""):
        shown["links"] = {name: base + link for name, link in shown["links"].items()}
    return shown


def own_routes() -> tuple[str, list[tuple[str, str, str]]]:
    """Where this API is mounted ("" at the root), and (method, path below that, summary) of each of its routes."""
    assert request.endpoint is not None  # a route is being answered
    mount = address("").removeprefix(request.script_root)
    parent = request.endpoint.rsplit(".", 2)[0] + "." if request.endpoint.count(".") > 1 else ""
    found = []
    for rule in current_app.url_map.iter_rules():
        if rule.endpoint.startswith(parent):
            summary = (current_app.view_functions[rule.endpoint].__doc__ or "").strip().partition("\n")[0]
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.removeprefix(mount)).replace("{jid}", "{id}")
            found += [(method, path, summary) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    return mount, sorted(found, key=lambda each: (each[1], each[0]))
