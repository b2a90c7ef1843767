"""What one job's document holds over HTTP: its options, its children, and the same in a list as in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from jobsapi import jobs
from jobsapi.documents import SHOWN, document, of_record
from jobsapi.options import TOLD
from jobsapi.record import JobRecord
from jobsapi.states import Status

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from jobsapi.store import Store

NO_JOB = "00AbCdEfGhIjKlMnOpQr"


def ids(answer: Any) -> list[str]:
    return [job["id"] for job in answer.json["jobs"]]


def test_a_job_shows_the_options_it_was_sent_with_and_no_others(store: Store, http: FlaskClient) -> None:
    said = {
        "timeout": 2.5,
        "memory_mb": 300,
        "backoff": [1, 2.5],
        "max_attempts": 3,
        "max_deliveries": 2,
        "expires_in": 60,
        "key": "k",
        "on_conflict": "return",
        "keep": 0.5,
        "priority": -4,
        "tags": ["a"],
        "queue": "q",
    }
    made = http.post("/jobs", json={"task": "free", "params": {}, **said}).get_json()["id"]
    shown = http.get(f"/jobs/{made}").get_json()
    assert {name: shown[name] for name in said} == said
    jobs.claim_jobs(store, "w", {"q": ["free"]}, 1, 10.0)
    assert http.get(f"/jobs/{made}").get_json()["expires_in"] == 60
    bare = http.post("/jobs", json={"task": "free"}).get_json()["id"]
    assert not TOLD.keys() & http.get(f"/jobs/{bare}").get_json().keys()


def test_a_jobs_children_are_a_list_like_others(store: Store, http: FlaskClient) -> None:
    parent = jobs.add_job("free", {}, store=store)["id"]
    assert "children" not in http.get(f"/jobs/{parent}").get_json()["links"]
    assert http.get(f"/jobs/{parent}/children").get_json() == {"jobs": [], "next": None, "total": 0}
    made = [jobs.add_job("free", {"n": n}, after=[parent], store=store)["id"] for n in range(3)]
    job = http.get(f"/jobs/{parent}").get_json()
    assert job["children"] == 3
    page = http.get(job["links"]["children"] + "?limit=2")
    assert ids(page) == made[:0:-1]
    assert page.get_json()["total"] == 3
    assert page.headers["Link"] == f'<{page.get_json()["next"]}>; rel="next"'
    rest = http.get(page.get_json()["next"]).get_json()
    assert [each["id"] for each in rest["jobs"]] == made[:1]
    assert rest["next"] is None
    assert rest["jobs"][0] == next(each for each in http.get("/jobs").get_json()["jobs"] if each["id"] == made[0])
    assert ids(http.get(f"/jobs/{parent}/children?status=scheduled")) == made[::-1]
    assert ids(http.get(f"/jobs/{parent}/children?status=complete")) == []
    assert http.get(f"/jobs/{parent}/children?tag=t").status_code == 422
    assert http.get(f"/jobs/{parent}/children?cursor=r1").status_code == 400


_TEXTS = st.none() | st.text(st.characters(codec="utf-8"), max_size=8).map(str.encode)
_NUMBERS = st.none() | st.integers(1, 10**14).map(lambda number: b"%d" % number)
_ROWS = st.fixed_dictionaries(
    dict.fromkeys(("pr", "a", "ma", "d", "c", "ra", "b", "e", "cr"), _NUMBERS)
    | dict.fromkeys(("t", "q", "r", "w", "tg"), _TEXTS)
    | dict.fromkeys(
        ("p", "pg", "er"), st.none() | st.dictionaries(st.text('ab"\\é', max_size=3), st.floats()).map(orjson.dumps)
    )
    | {"s": st.sampled_from([each.code.encode() for each in Status]), "bt": st.sampled_from([None, NO_JOB.encode()])}
)


@given(_ROWS)
def test_a_list_shows_a_job_as_python_does_whatever_its_record_holds(values: dict[str, bytes | None]) -> None:
    record = JobRecord.from_fields(NO_JOB, values)
    assert record is not None
    text = document(NO_JOB.encode(), [values[name] for name in SHOWN], b"")
    assert text == orjson.dumps(record.shown())
    assert of_record(record, "") == text
