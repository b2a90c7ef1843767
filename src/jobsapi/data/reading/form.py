"""The file that a multipart form holds, as a stream."""

from __future__ import annotations

from email.message import Message
from typing import TYPE_CHECKING

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from jobsapi.data.reading import formats
from jobsapi.data.reading.source import CHUNK
from jobsapi.errors import FieldError, Invalid, Unreadable, UnsupportedMedia

if TYPE_CHECKING:
    from werkzeug.sansio.multipart import Event

    from jobsapi.data.reading.source import Readable

__all__ = ["FormFile"]

_MOST_BESIDE = 1 << 20
"""The most that a part's header, or what stands before and behind the parts, may take, in bytes."""


class FormFile:
    """The one file of a form: read it to its end, then `finish`. Raises Invalid, Unreadable, UnsupportedMedia."""

    def __init__(self, stream: Readable, media_type: str) -> None:
        """`media_type`: the form's own, with its boundary."""
        message = Message()
        message["Content-Type"] = media_type
        boundary = message.get_param("boundary", "")
        if not isinstance(boundary, str) or not boundary:
            raise Unreadable("The form's media type names no boundary.")
        self._stream = stream
        self._decoder = MultipartDecoder(boundary.encode("utf-8", "replace"), _MOST_BESIDE + CHUNK)
        self._held = b""
        self._is_over = False
        self._file = self._begin()

    def format(self) -> formats.Format | None:
        """By its own media type, or its name; None where neither says anything. Raises UnsupportedMedia."""
        by_name = formats.of_file_name(self._file.filename)
        try:
            return formats.of_media_type(self._file.headers.get("Content-Type", "")) or by_name
        except UnsupportedMedia:
            if by_name is None:
                raise
            return by_name  # some systems call a CSV file a spreadsheet

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes of the file."""
        while not self._held and not self._is_over:
            event = self._next()
            assert isinstance(event, Data)  # within a part there is nothing else
            self._held = event.data
            self._is_over = not event.more_data
        some, self._held = self._held[:size], self._held[size:]
        return some

    def finish(self) -> None:
        """See the form's end. Raises Invalid where it holds more than the file."""
        while self.read(CHUNK):
            pass
        while not isinstance(event := self._next(), Epilogue):
            self._refuse(event)

    def _begin(self) -> File:
        while not isinstance(event := self._next(), Epilogue):
            if isinstance(event, File) and event.filename:
                return event
            self._refuse(event)
        raise Invalid("The form holds no file.", errors=[FieldError("", "holds no file")])

    def _refuse(self, event: Event) -> None:
        """What else a form may hold is not read, so it must not seem to be."""
        if isinstance(event, Field):
            detail = "is a field; `dataset`, `id` and `records` belong into the address, behind the question mark"
        elif isinstance(event, File):
            detail = "is a second file; one is loaded at a time" if event.filename else "is a file without a name"
        else:
            return
        raise Invalid(f"The form's part {event.name!r} {detail}.", errors=[FieldError("", detail)])

    def _next(self) -> Event:
        try:
            while isinstance(event := self._decoder.next_event(), NeedData):
                self._decoder.receive_data(self._stream.read(CHUNK) or None)
        except (ValueError, RequestEntityTooLarge) as cause:
            raise Unreadable("The form cannot be read: it breaks off, or it is not as its boundary says.") from cause
        return event
