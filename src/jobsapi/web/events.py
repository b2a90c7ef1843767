"""/jobs/<id>/events and /events: Server-Sent Events, resumed by `Last-Event-ID` without a gap or a double."""

from __future__ import annotations

import functools
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from flask import Blueprint, Response, request

from jobsapi import events, jobs
from jobsapi.errors import FieldError, Invalid, JobsApiError, Unreadable
from jobsapi.events import Event, Place
from jobsapi.states import Status
from jobsapi.web.common import address, query, the_store
from jobsapi.web.feed import LOST, STOP, Feed, Hold, Position, Watcher, the_feed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jobsapi.record import Job
    from jobsapi.store import Store

__all__ = ["blueprint"]

blueprint = Blueprint("events", __name__)

HEARTBEAT = 15.0
"""Seconds; a reader who is gone is noticed at the next write."""

_FILTERS = ("status", "task", "queue", "tag", "batch")
_PLACE = re.compile(r"([0-9]{1,16}-[0-9]{1,16})(?:-([0-9]{1,12}))?")


@blueprint.get("/jobs/<jid>/events")
def of_job(jid: str) -> Response:
    """What happens to a job until it has ended, as Server-Sent Events."""
    last = _last(query("last_event_id"))
    feed, place = the_feed(), Hold()
    stream = _JobStream(the_store(), feed, jid, address(""))
    try:
        feed.join(stream.watcher)
        first = stream.begin(last)
    except BaseException:
        feed.leave(stream.watcher)
        place.release()
        raise
    if first is None:
        feed.leave(stream.watcher)
        place.release()
        return Response(status=204)  # nothing comes after that any more: a browser asks no further
    return _streamed(_guarded(stream.follow(first)), feed, stream.watcher, place)


@blueprint.get("/events")
def of_all() -> Response:
    """What happens to all jobs, or those that fit the filters, as Server-Sent Events."""
    given = query(*_FILTERS, "last_event_id")
    last = _last(given)
    filters = {name: given[name] for name in _FILTERS if given.get(name)}
    feed, place = the_feed(), Hold()
    stream = _AllStream(the_store(), feed, _fitting(the_store(), filters))
    try:
        feed.join(stream.watcher)
        first = stream.begin(last)
    except BaseException:
        feed.leave(stream.watcher)
        place.release()
        raise
    return _streamed(_guarded(stream.follow(first)), feed, stream.watcher, place)


def _streamed(body: Iterator[bytes], feed: Feed, watcher: Watcher, place: Hold) -> Response:
    answer = Response(body, mimetype="text/event-stream")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"  # nginx would keep events until it has a buffer full

    def close() -> None:
        feed.leave(watcher)
        place.release()

    answer.call_on_close(close)
    return answer


def _guarded(body: Iterator[bytes]) -> Iterator[bytes]:
    """A stream whose store goes away, or whose job is removed, ends: its reader comes back and is told why."""
    try:
        yield from body
    except JobsApiError:
        return


@dataclass(frozen=True)
class _Last:
    """Where a reader left off."""

    place: Place
    logged: int | None
    """How many bytes of the job's log it has."""


def _last(given: dict[str, str]) -> _Last | None:
    """From the header, or the query where a reader cannot set headers. Raises Unreadable."""
    text = request.headers.get("Last-Event-ID") or given.get("last_event_id")
    if not text:
        return None
    found = _PLACE.fullmatch(text)
    if not found:
        raise Unreadable("`Last-Event-ID` is not one that this API gave out.")
    return _Last(Place.read(found[1]), int(found[2]) if found[2] else None)


def _lines(place: str, kind: str, data: Any) -> bytes:
    return f"id: {place}\nevent: {kind}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"


class _JobStream:
    """One reader of one job."""

    def __init__(self, store: Store, feed: Feed, jid: str, base: str) -> None:
        self.watcher = Watcher(jid)
        self._store, self._feed, self._jid, self._base = store, feed, jid, base
        self._place = Place(0, 0)
        self._logged = 0
        self._is_over = False

    def begin(self, last: _Last | None) -> list[bytes] | None:
        """What comes first: what was missed, or the whole; None where the reader has all there ever will be.

        Raises UnknownJob, StoreUnavailable.
        """
        if last is None:
            return self._whole()
        self._logged = last.logged or 0
        record = jobs.get_record(self._store, self._jid)
        missed = self._feed.behind(last.place, self._jid)
        if missed is None:
            return self._whole()
        found, end = missed
        if record.is_ended and not any(each.is_end for each in found):
            return None
        self._place = last.place
        if record.status is Status.SUBMITTED:
            self.watcher.waits_in = record.queue
        told = [line for each in found for line in self._told(each)]
        if not self._is_over:
            self._place = max(self._place, end)
            told += self._log()  # where the connection was cut between a job's status and its log
        return told

    def follow(self, first: Iterable[bytes]) -> Iterator[bytes]:
        """All of it, until the job has ended."""
        yield b"retry: 1000\n\n"
        yield from first
        while not self._is_over:
            item = self.watcher.get(HEARTBEAT)
            if item is None:
                yield f": heartbeat\nid: {self._id()}\n\n".encode()
            elif item is STOP:
                return
            elif item is LOST:
                with self._feed.asking:
                    whole = self._whole()
                yield from whole
            elif isinstance(item, Position):
                if self.watcher.waits_in is not None:
                    yield _lines(self._id(), "position", {"id": self._jid, "position": item.ahead})
            elif item.place > self._place:
                yield from self._told(item)

    def _id(self) -> str:
        return f"{self._place}-{self._logged}"

    def _told(self, event: Event) -> Iterator[bytes]:
        if self._is_over:
            return
        if event.is_end:
            yield from self._log()
        self._place = event.place
        if event.kind == "log":
            if event.part[1] > self._logged:
                yield from self._log()
            return
        if event.kind == "status":
            self.watcher.position = None
            self.watcher.waits_in = event.queue if event.status == Status.SUBMITTED.value else None
            self._is_over = event.is_end
        yield _lines(self._id(), event.kind, event.told())

    def _log(self) -> Iterator[bytes]:
        at = self._logged
        with self._feed.asking:
            text, self._logged = events.read_log(self._store, self._jid, at)
        if text:
            yield _lines(self._id(), "log", {"id": self._jid, "at": at, "text": text})

    def _whole(self) -> list[bytes]:
        """The job as it is, and what of its log the reader has not had yet; nothing of it comes again."""
        for _ in range(_TRIES):
            self._place = events.watch(self._store)
            job = jobs.get_job_by_id(self._jid, store=self._store)
            text, end = events.read_log(self._store, self._jid, self._logged)
            if all(each.job != self._jid for each in events.read_behind(self._store, self._place)):
                break  # else it is not known which of the events the whole has in it
        self._is_over = job.status in events.ENDED_WORDS
        self.watcher.waits_in = job.queue if job.status == Status.SUBMITTED.value else None
        self.watcher.position = job.position
        at, log_place = self._logged, self._place
        if self._is_over:  # the status goes last: whoever has but the log comes back for it
            log_place, self._logged = Place(0, 0), end
        status = [_lines(self._id(), "status", self._shown(job))]
        self._logged = end
        log = [_lines(f"{log_place}-{end}", "log", {"id": self._jid, "at": at, "text": text})] if text else []
        return log + status if self._is_over else status + log

    def _shown(self, job: Job) -> dict[str, Any]:
        at = job.finished or job.started or job.created
        links = {name: self._base + link for name, link in job.links.items()}
        return {**job, "links": links, "at": at}


_TRIES = 10


class _AllStream:
    """One reader of all jobs, or of some."""

    def __init__(self, store: Store, feed: Feed, fits: Callable[[Event], bool]) -> None:
        self.watcher = Watcher("")
        self._store, self._feed, self._fits = store, feed, fits
        self._place = Place(0, 0)

    def begin(self, last: _Last | None) -> list[bytes]:
        """What was missed. Raises StoreUnavailable."""
        if last is None:
            self._place = events.watch(self._store)
            return [f": open\nid: {self._place}\n\n".encode()]
        missed = self._feed.behind(last.place)
        if missed is None:
            return self._gap()
        self._place = last.place
        found, end = missed
        told = [line for each in found for line in self._told(each)]
        self._place = end
        return [*told, f": open\nid: {self._place}\n\n".encode()]

    def follow(self, first: Iterable[bytes]) -> Iterator[bytes]:
        """All of it, for as long as somebody reads."""
        yield b"retry: 1000\n\n"
        yield from first
        written = time.monotonic()
        while True:
            item = self.watcher.get(max(0.0, written + HEARTBEAT - time.monotonic()))
            lines: Iterable[bytes] = ()
            if item is STOP:
                return
            if item is LOST:
                lines = self._gap()
            elif isinstance(item, Event) and item.place > self._place:
                lines = self._told(item)
            elif item is None:
                lines = [f": heartbeat\nid: {self._place}\n\n".encode()]
            for each in lines:
                written = time.monotonic()
                yield each

    def _gap(self) -> list[bytes]:
        self._place = events.watch(self._store)
        detail = "Events are missing here; look at GET /jobs for how things are."
        return [_lines(str(self._place), "gap", {"detail": detail})]

    def _told(self, event: Event) -> Iterator[bytes]:
        self._place = event.place
        if not self._fits(event):
            return
        told = event.told()
        if event.kind == "log":
            with self._feed.asking:
                told["text"], _ = events.read_log(self._store, event.job, *event.part)
        yield _lines(str(event.place), event.kind, told)


def _fitting(store: Store, filters: dict[str, str]) -> Callable[[Event], bool]:
    """Whether an event's job fits. Raises Invalid for a status that is none."""
    words, task, queue, tag, batch = (filters.get(name) for name in _FILTERS)
    statuses = {_status(word) for word in words.split(",")} if words else set()

    @functools.lru_cache(maxsize=1000)
    def described(jid: str) -> tuple[tuple[str, ...], str]:
        return events.read_groups(store, jid)

    def fits(event: Event) -> bool:
        if (
            (statuses and event.status not in statuses)
            or (task and event.task != task)
            or (queue and event.queue != queue)
        ):
            return False
        if not (tag or batch):
            return True
        tags, its_batch = described(event.job)
        return (not tag or tag in tags) and (not batch or its_batch == batch)

    return fits


def _status(word: str) -> str:
    try:
        return Status.from_word(word).value
    except ValueError:
        detail = f"{word!r} is no status; they are {', '.join(each.value for each in Status)}."
        raise Invalid(detail, errors=[FieldError("/status", detail)]) from None
