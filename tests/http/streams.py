"""Reads event streams of an application in the test's process, one event after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient


@dataclass(frozen=True)
class Seen:
    """An event as it came."""

    id: str
    kind: str
    data: Any


class Stream:
    """One connection; iterating it gives its events, and ends where it ends."""

    def __init__(self, http: FlaskClient, path: str, last: str = "") -> None:
        self.answer = http.get(path, headers={"Last-Event-ID": last} if last else {})
        self.status = self.answer.status_code
        self.last = last
        self._events = self._read()

    def __iter__(self) -> Iterator[Seen]:
        return self._events

    def __next__(self) -> Seen:
        return next(self._events)

    def until(self, kind: str, **data: Any) -> list[Seen]:
        """The events up to the first one of that kind with that data, which is among them."""
        found = []
        for event in self:
            found.append(event)
            if event.kind == kind and data.items() <= event.data.items():
                return found
        raise AssertionError(f"the stream ended before {kind} {data}: {found}")

    def close(self) -> None:
        self.answer.close()

    def _read(self) -> Iterator[Seen]:
        for piece in self.answer.iter_encoded():
            fields: dict[str, str] = {}
            for line in piece.decode().splitlines():
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = value
            self.last = fields.get("id", self.last)
            if "data" in fields:
                yield Seen(fields["id"], fields["event"], orjson.loads(fields["data"]))
