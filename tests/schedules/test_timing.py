"""Due times: every so many seconds, cron expressions, and changes of summer time."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsapi.timing import BadTiming, Timing

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def ms(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).timestamp() * 1000)


def following(timing: Timing, start: str, count: int) -> list[str]:
    found, at = [], ms(start)
    for _ in range(count):
        at = timing.next_after(at)
        found.append(dt.datetime.fromtimestamp(at / 1000, BERLIN).isoformat())
    return found


def test_every_is_due_at_multiples_of_itself_whenever_it_began():
    timing = Timing(every=0.5)
    assert [timing.next_after(at) for at in (0, 1, 499, 500, 501)] == [500, 500, 500, 1000, 1000]
    assert [timing.latest(at) for at in (500, 501, 999, 1000)] == [500, 500, 500, 1000]


def test_a_daily_time_stays_at_its_hour_when_summer_time_begins_and_ends():
    timing = Timing(cron="0 9 * * *", timezone="Europe/Berlin")
    assert following(timing, "2026-03-28T12:00:00+01:00", 2) == [
        "2026-03-29T09:00:00+02:00",
        "2026-03-30T09:00:00+02:00",
    ]
    assert following(timing, "2026-10-24T12:00:00+02:00", 2) == [
        "2026-10-25T09:00:00+01:00",
        "2026-10-26T09:00:00+01:00",
    ]


def test_a_time_that_is_left_out_is_made_up_for_right_after_the_change():
    timing = Timing(cron="30 2 * * *", timezone="Europe/Berlin")
    assert following(timing, "2026-03-28T12:00:00+01:00", 2) == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_a_time_that_comes_twice_is_due_once():
    timing = Timing(cron="30 2 * * *", timezone="Europe/Berlin")
    first, second = following(timing, "2026-10-24T12:00:00+02:00", 2)
    assert first.startswith("2026-10-25T02:30:00")
    assert second == "2026-10-26T02:30:00+01:00"


def test_every_hour_is_every_hour_through_both_changes():
    timing = Timing(cron="0 * * * *", timezone="Europe/Berlin")
    for start in ("2026-03-28T22:00:00+01:00", "2026-10-24T22:00:00+02:00"):
        at, gaps = ms(start), set()
        for _ in range(8):
            at, before = timing.next_after(at), at
            gaps.add(at - before)
        assert gaps == {3_600_000}


@given(
    st.integers(ms("2025-01-01T00:00:00+00:00"), ms("2027-01-01T00:00:00+00:00")),
    st.sampled_from(["* * * * *", "*/7 3 * * *", "0 9 * * MON-FRI", "15 0 1 * *"]),
    st.sampled_from(["UTC", "Asia/Kolkata"]),
)
def test_the_latest_due_time_is_the_one_before_the_next(at, cron, timezone):
    timing = Timing(cron=cron, timezone=timezone)
    latest, following = timing.latest(at), timing.next_after(at)
    assert latest <= at < following
    assert timing.next_after(latest) == following
    assert timing.latest(following) == following


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("every", {}),
        ("every", {"every": 1, "cron": "* * * * *"}),
        *(("every", {"every": each}) for each in (0, -1, 0.05, 1e9, "1", True)),
        *(("cron", {"cron": each}) for each in ("", "* * * *", "61 * * * *", "0 0 30 2 *", 5)),
        *(("timezone", {"cron": "* * * * *", "timezone": each}) for each in ("", "Mars/Base", "../etc/passwd", 5)),
        ("misses", {"every": 1, "misses": "maybe"}),
    ],
)
def test_a_timing_that_cannot_be_is_refused_with_its_field(field, fields):
    with pytest.raises(BadTiming) as caught:
        Timing(**fields)
    assert caught.value.field == field
