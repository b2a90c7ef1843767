"""/schedules: made, listed, shown, removed, and what is refused."""

import pytest

from jobsapi import schedules
from jobsapi.timing import Timing

DAILY = {"name": "daily", "task": "plot", "params": {"start": 1, "end": 2}, "cron": "0 9 * * *"}


def test_a_schedule_is_made_shown_listed_and_removed(http):
    answer = http.post("/schedules", json=DAILY | {"timezone": "Europe/Berlin", "misses": "once", "tags": ["x"]})
    assert (answer.status_code, answer.headers["Location"]) == (201, "/schedules/daily")
    made = answer.json
    assert (made["cron"], made["timezone"], made["misses"]) == ("0 9 * * *", "Europe/Berlin", "once")
    assert made["next"][11:] in ("07:00:00.000Z", "08:00:00.000Z")
    assert made["options"] == {"tags": ["x"]}
    assert http.get("/schedules/daily").json == made
    assert http.get("/schedules").json == {"schedules": [made]}
    assert http.delete("/schedules/daily").json == made
    assert http.get("/schedules/daily").status_code == 404
    assert http.delete("/schedules/daily").json["type"] == "urn:jobsapi:problem:unknown-schedule"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "a b"}, "/name"),
        ({"name": None}, "/name"),
        ({"task": "none"}, "/task"),
        ({"params": {"start": 1}}, "/params/end"),
        ({"params": [1]}, "/params"),
        ({"cron": "x"}, "/cron"),
        ({"cron": None}, "/every"),
        ({"every": 5}, "/every"),
        ({"timezone": "Mars/Base"}, "/timezone"),
        ({"misses": "maybe"}, "/misses"),
        ({"priority": 101}, "/priority"),
        ({"store": 1}, "/store"),
        ({"other": 1}, "/other"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(http, refused, change, pointer):
    problem = refused(http.post("/schedules", json=DAILY | change), 422, "invalid")
    assert pointer in [each["pointer"] for each in problem["errors"]]


def test_a_schedule_that_code_makes_is_not_changed_here(http, store):
    described = [{"name": "plot", "schedule": Timing(every=60).described()}]
    schedules.publish(store, "app", described)
    assert http.post("/schedules", json=DAILY | {"name": "plot"}).status_code == 409
    assert http.delete("/schedules/plot").status_code == 409
