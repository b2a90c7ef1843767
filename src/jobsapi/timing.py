"""When a schedule is due: every so many seconds, or by a cron expression in a time zone."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from dataclasses import asdict, dataclass
from typing import Any

from cronsim import CronSim, CronSimError

__all__ = ["MISSES", "BadTiming", "Timing"]

MISSES = ("skip", "once", "all")
"""What becomes of due times at which no worker was there: nothing, one run for all of them, one for each."""

_TICK = dt.timedelta(microseconds=1)


class BadTiming(ValueError):
    """A timing that cannot be; `field` is the one at fault."""

    def __init__(self, field: str, detail: str) -> None:
        """`detail`: what it is or must be, to follow the field's name."""
        super().__init__(f"{field} {detail}")
        self.field, self.detail = field, detail


@dataclass(frozen=True)
class Timing:
    """Due times, ms since the epoch. Those of `every` are its multiples, so that a new start of anything moves none.

    A cron expression follows the clock of its time zone: a time that a change to summer time leaves out is made up for
    right after it, and one that comes twice when it ends is due once. Raises BadTiming.
    """

    every: float | None = None
    """Seconds."""
    cron: str | None = None
    timezone: str = "UTC"
    misses: str = "skip"

    def __post_init__(self) -> None:
        """Refuse what could only fail when it is due."""
        if (self.every is None) == (self.cron is None):
            raise BadTiming("every", "or cron is needed, and only one of them")
        if self.misses not in MISSES:
            raise BadTiming("misses", f"is one of {', '.join(MISSES)}")
        if self.every is not None:
            fits = isinstance(self.every, int | float) and not isinstance(self.every, bool) and 0.1 <= self.every <= 1e8
            if not fits:
                raise BadTiming("every", "is a number of seconds from 0.1 to 100,000,000")
            return
        try:
            zoneinfo.ZoneInfo(self.timezone)
        except (ValueError, TypeError, OSError, zoneinfo.ZoneInfoNotFoundError):
            raise BadTiming("timezone", "is no name of a time zone, as Europe/Berlin is one") from None
        try:
            self.next_after(0)
        except (CronSimError, TypeError, AttributeError):
            raise BadTiming("cron", "is no cron expression, as `30 4 * * MON-FRI` is one") from None
        except StopIteration:
            raise BadTiming("cron", "is never due") from None

    def next_after(self, ms: int) -> int:
        """The first due time after `ms`."""
        if self.every is not None:
            step = round(self.every * 1000)
            return (ms // step + 1) * step
        assert self.cron is not None
        return _ms(next(CronSim(self.cron, self._local(ms))))

    def latest(self, ms: int) -> int:
        """The last due time that is not after `ms`."""
        if self.every is not None:
            step = round(self.every * 1000)
            return ms // step * step
        assert self.cron is not None
        return _ms(next(CronSim(self.cron, self._local(ms) + _TICK, reverse=True)))

    def described(self) -> dict[str, Any]:
        """Its fields by name."""
        return asdict(self)

    def _local(self, ms: int) -> dt.datetime:
        zone = zoneinfo.ZoneInfo(self.timezone)
        return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=ms)).astimezone(zone)


def _ms(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)
