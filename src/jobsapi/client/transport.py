"""Requests to an API: kept connections, errors as they were raised there, nothing done twice."""

from __future__ import annotations

import functools
import time
from contextlib import closing
from email.message import Message
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import orjson
import urllib3

from jobsapi import errors
from jobsapi.client.values import Received
from jobsapi.errors import ApiUnavailable, FieldError, Invalid, JobsApiError, SetupError, StoreFull, StoreUnavailable
from jobsapi.names import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Transport", "file_name", "media_type", "path_of", "with_query"]

_Read = TypeVar("_Read")

_PAUSES = (0.1, 0.5, 2.0)
"""Seconds before a submit or a read is sent again whose reply was lost, here or on the API's way to its store."""


class Transport:
    """Sends requests to one address and reads the replies. Thread-safe."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        if not _is_address(url):
            raise SetupError(f"{url!r} is no address of an API; it looks like http://127.0.0.1:5000.")
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout = timeout
        self._http = urllib3.PoolManager(maxsize=8, retries=False)

    def close(self) -> None:
        """Give the connections back."""
        self._http.clear()

    def submit(self, path: str, body: Any) -> Any:
        """As `json` by POST, under an Idempotency-Key: it is sent again where nobody knows whether it was recorded."""
        more = {"Idempotency-Key": new_id()}
        pauses = list(_PAUSES)
        while True:
            try:
                return self.json("POST", path, body, more)
            except (ApiUnavailable, StoreUnavailable) as problem:
                nobody_there = isinstance(problem.__cause__, urllib3.exceptions.NewConnectionError)
                is_full = isinstance(problem, StoreFull)  # it was heard and refused
                if not pauses or is_full or (nobody_there and len(pauses) == len(_PAUSES)):
                    raise
                time.sleep(pauses.pop(0))

    def patiently(self, read: Callable[[], _Read]) -> _Read:
        """What `read` gives, asked a few times where the API or its store does not answer: it changes nothing there."""
        for pause in _PAUSES:
            try:
                return read()
            except (ApiUnavailable, StoreUnavailable):
                time.sleep(pause)
        return read()

    def json(self, method: str, path: str, body: Any = None, more: Mapping[str, str] | None = None) -> Any:
        """The JSON value of the reply; `body` is sent as JSON, None is no body. `more`: headers."""
        try:
            encoded = None if body is None else orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
        except TypeError as problem:
            raise Invalid(f"This cannot be sent as JSON: {problem}.") from problem
        headers = {} if body is None else {"Content-Type": "application/json"}
        return self.sent(path, encoded, headers | dict(more or {}), method=method)

    def sent(
        self,
        path: str,
        body: Any,
        headers: Mapping[str, str],
        timeout: float | None = None,
        method: str = "POST",
    ) -> Any:
        """The JSON value of the reply to a body: bytes, or a file, which is streamed."""
        with closing(self.open(method, path, body, headers, timeout)) as response:
            data = self._whole(response)
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError:
            raise ApiUnavailable(f"What answers at {self.url} is no jobs API: its reply is not JSON.") from None

    def pages(self, path: str, name: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The items called `name` of all pages of a list, each page fetched when it is needed."""
        address: str | None = with_query(path, query)
        while address:
            page = self.json("GET", address)
            yield from page[name]
            address = page["next"] and page["next"].removeprefix(urlsplit(self.url).path)

    def read(self, path: str) -> tuple[str, bytes]:
        """The media type without its parameters, and the body."""
        with closing(self.open("GET", path)) as response:
            return media_type(response), self._whole(response)

    def received(self, path: str, accept: str | None = None) -> Received:
        """An output of a job, in the form that is accepted, with the name of the file that it was."""
        headers = {"Accept": accept} if accept else {}
        with closing(self.open("GET", path, headers=headers)) as response:
            about = response.headers
            return Received(about.get("Content-Type", ""), file_name(response), self._whole(response))

    def pieces(self, response: urllib3.BaseHTTPResponse, size: int | None) -> Iterator[bytes]:
        """The body in pieces of at most that many bytes; None: as they come."""
        try:
            yield from response.stream(size)
        except urllib3.exceptions.HTTPError as problem:
            raise self._unavailable(problem) from problem

    def _whole(self, response: urllib3.BaseHTTPResponse) -> bytes:
        try:
            return response.read()
        except urllib3.exceptions.HTTPError as problem:
            raise self._unavailable(problem) from problem

    def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """The reply, not read yet; one that tells an error is raised."""
        limits = urllib3.Timeout(connect=min(self._timeout, 10.0), read=timeout or self._timeout)
        for is_last in (False, True) if method == "GET" else (True,):
            try:
                response = self._http.request(
                    method,
                    self.url + path,
                    body=body,
                    headers={**self._headers, **(headers or {})},
                    timeout=limits,
                    preload_content=False,
                    decode_content=True,
                )
                break
            except urllib3.exceptions.ProtocolError as problem:  # a kept connection that the API just closed
                if is_last:
                    raise self._unavailable(problem) from problem
            except urllib3.exceptions.HTTPError as problem:
                raise self._unavailable(problem) from problem
        if response.status >= 400:
            with closing(response):
                raise _error(response.status, response.read())
        return response

    def _unavailable(self, problem: Exception) -> ApiUnavailable:
        if isinstance(problem, urllib3.exceptions.NewConnectionError):
            return ApiUnavailable(f"Nothing answers at {self.url}. Start it with `jobsapi serve`, or name another URL.")
        if isinstance(problem, urllib3.exceptions.TimeoutError):
            return ApiUnavailable(f"{self.url} did not answer within {self._timeout:g} s.")
        return ApiUnavailable(f"The connection to {self.url} failed: {problem}.")


@functools.cache
def _classes() -> dict[str, type[JobsApiError]]:
    """The error classes by the code that a problem document carries."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    return {kind.code: kind for kind in kinds if issubclass(kind, JobsApiError)}


def _error(status: int, body: bytes) -> JobsApiError:
    """The error that a reply tells, as an object of the class it had in the API."""
    try:
        document = dict(orjson.loads(body))
    except (ValueError, TypeError):
        document = {}
    kind = _classes().get(str(document.get("type", "")).rpartition(":")[2])
    detail = document.get("detail") or f"The API answered with status {status}."
    faults = [FieldError(each["pointer"], each["detail"]) for each in document.get("errors", [])]
    if kind is errors.BadRow:
        return errors.BadRow(document["row"], detail.partition(": ")[2])
    if kind is errors.KeyTaken:
        return errors.KeyTaken(document["job"], detail)
    error = (kind or JobsApiError)(detail, errors=faults)
    error.http_status = status
    return error


def path_of(*parts: str) -> str:
    """An address below the API's own, its parts quoted."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


def with_query(path: str, query: Mapping[str, Any]) -> str:
    """An address with the parameters that are not None."""
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def file_name(response: urllib3.BaseHTTPResponse) -> str:
    """The name in Content-Disposition without any folder, or ""."""
    message = Message()
    message["Content-Disposition"] = response.headers.get("Content-Disposition", "")
    return PurePath(message.get_filename() or "").name


def media_type(response: urllib3.BaseHTTPResponse) -> str:
    """The reply's media type without its parameters."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip()


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port above 65535, brackets of no IPv6 address
        return False
