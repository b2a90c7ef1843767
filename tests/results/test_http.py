"""What a client of the API sees of results."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from jobsapi import jobs
from jobsapi.names import new_id
from jobsapi.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient

Finishing = Callable[..., str]
Claiming = Callable[[Store], jobs.Claim]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(5000)
PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"


def test_a_json_value_comes_as_json(store: Store, http: FlaskClient, finished: Finishing) -> None:
    jid = finished(store, {"mean": 1.5, "odd": float("nan")})
    for address in (f"/jobs/{jid}/results", f"/results/{jid}"):
        answer = http.get(address)
        assert (answer.status_code, answer.content_type) == (200, "application/json")
        assert answer.data == b'{"mean":1.5,"odd":null}'
        assert answer.headers["Content-Length"] == str(len(answer.data))


def test_an_image_comes_as_an_image(store: Store, http: FlaskClient, finished: Finishing) -> None:
    answer = http.get(f"/jobs/{finished(store, PNG)}/results")
    assert (answer.content_type, answer.data) == ("image/png", PNG)


def test_results_are_sandboxed(store: Store, http: FlaskClient, finished: Finishing, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<script>alert(1)</script>")
    answer = http.get(f"/jobs/{finished(store, tmp_path / 'page.html')}/results")
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "allow-scripts" not in policy


def test_named_outputs_are_an_object_whose_files_are_links(
    store: Store, http: FlaskClient, finished: Finishing
) -> None:
    jid = finished(store, {"n": [1, 2], "plot": PNG}, {"note": "hi"})
    answer = http.get(f"/jobs/{jid}/results")
    link = f"/jobs/{jid}/results/plot"
    assert answer.content_type == "application/json"
    assert answer.json == {
        "note": "hi",
        "n": [1, 2],
        "plot": {"href": link, "type": "image/png", "bytes": len(PNG)},
    }
    assert http.get(f"/results/{jid}").json == answer.json
    assert http.get(link).data == PNG
    assert http.get(f"/jobs/{jid}/results/n").json == [1, 2]
    assert http.get(f"/jobs/{jid}/results/none").json["type"].endswith("unknown-result")
    assert http.get(f"/jobs/{jid}/results/a/b").status_code == 404


def test_a_json_file_among_named_outputs_is_a_link_since_it_may_hold_anything(
    store: Store, http: FlaskClient, finished: Finishing, tmp_path: Path
) -> None:
    (tmp_path / "f.json").write_text("{no json")
    jid = finished(store, {"f": tmp_path / "f.json"})
    assert http.get(f"/jobs/{jid}/results").json["f"]["type"] == "application/json"


def test_a_large_json_value_stands_in_the_object_as_a_whole(
    store: Store, http: FlaskClient, finished: Finishing
) -> None:
    numbers = list(range(200_000))
    jid = finished(store, {"numbers": numbers, "plot": PNG, "big": 2**70})
    answer = http.get(f"/jobs/{jid}/results")
    assert json.loads(answer.data)["numbers"] == numbers
    assert json.loads(answer.data)["big"] == 2**70
    part = http.get(f"/jobs/{jid}/results", headers={"Range": "bytes=999990-1200000"})
    assert part.data == answer.data[999990:1200001]


@pytest.mark.parametrize("size", [1, 5000, 700_000])
def test_ranges_are_slices(size: int, store: Store, http: FlaskClient, finished: Finishing) -> None:
    content = random.Random(size).randbytes(size)
    address = f"/jobs/{finished(store, content)}/results"
    dice = random.Random(size)
    asked = [(0, 0), (0, size - 1), (size - 1, size - 1), (0, size + 5)]
    asked += [tuple(sorted((dice.randrange(size), dice.randrange(size)))) for _ in range(10)]
    for first, last in asked:
        answer = http.get(address, headers={"Range": f"bytes={first}-{last}"})
        assert answer.status_code == 206
        assert answer.data == content[first : last + 1]
        assert answer.headers["Content-Range"] == f"bytes {first}-{min(last, size - 1)}/{size}"
        assert answer.headers["Content-Length"] == str(len(answer.data))
    assert http.get(address, headers={"Range": f"bytes={size // 2}-"}).data == content[size // 2 :]
    assert http.get(address, headers={"Range": "bytes=-1"}).data == content[-1:]
    assert http.get(address, headers={"Range": f"bytes=-{size + 5}"}).data == content
    assert http.get(address).headers["Accept-Ranges"] == "bytes"


def test_a_range_behind_the_end_is_refused_with_the_size(store: Store, http: FlaskClient, finished: Finishing) -> None:
    for value, size in ((b"12345", 5), (b"", 0)):
        answer = http.get(f"/results/{finished(store, value)}", headers={"Range": "bytes=5-"})
        assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{size}")
        assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("asked", ["bytes=0-0,2-3", "lines=0-1", "bytes=3-1", "nonsense"])
def test_what_is_no_single_range_of_bytes_brings_everything(
    asked: str, store: Store, http: FlaskClient, finished: Finishing
) -> None:
    answer = http.get(f"/results/{finished(store, b'12345')}", headers={"Range": asked})
    assert (answer.status_code, answer.data) == (200, b"12345")


def test_an_entity_tag_saves_the_second_download(store: Store, http: FlaskClient, finished: Finishing) -> None:
    address = f"/results/{finished(store, PNG)}"
    tag = http.get(address).headers["ETag"]
    again = http.get(address, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert http.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_range_of_another_version_brings_everything(store: Store, http: FlaskClient, finished: Finishing) -> None:
    address = f"/results/{finished(store, PNG)}"
    tag = http.get(address).headers["ETag"]
    for version, status in ((tag, 206), ('"other"', 200), ("Wed, 21 Oct 2015 07:28:00 GMT", 200)):
        headers = {"Range": "bytes=0-3", "If-Range": version}
        assert http.get(address, headers=headers).status_code == status


def test_head_tells_the_size_and_sends_nothing(store: Store, http: FlaskClient, finished: Finishing) -> None:
    jid = finished(store, PNG * 100)
    for address in (f"/results/{jid}", f"/download/{jid}"):
        answer = http.head(address)
        assert (answer.status_code, answer.data) == (200, b"")
        assert (answer.content_type, answer.content_length) == ("image/png", len(PNG) * 100)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "text/csv; charset=utf-8"),
        ("*/*", "text/csv; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/csv; charset=utf-8"),
        ("text/csv;charset=utf-8", "text/csv; charset=utf-8"),
        (PARQUET, PARQUET),
        (f"text/csv;q=0.5, {ARROW}", ARROW),
    ],
)
def test_a_frame_comes_in_the_form_that_was_asked_for(
    accept: str | None, media_type: str, store: Store, http: FlaskClient, finished: Finishing
) -> None:
    jid = finished(store, pd.DataFrame({"a": range(3000)}))
    for address in (f"/results/{jid}", f"/download/{jid}"):
        answer = http.get(address, headers={"Accept": accept} if accept else {})
        assert (answer.status_code, answer.content_type, answer.headers["Vary"]) == (200, media_type, "Accept")


def test_a_named_frame_comes_in_the_form_that_was_asked_for_too(
    store: Store, http: FlaskClient, finished: Finishing
) -> None:
    jid = finished(store, {"rows": pd.DataFrame({"a": [1]})})
    answer = http.get(f"/jobs/{jid}/results/rows", headers={"Accept": PARQUET})
    assert answer.data.startswith(b"PAR1")
    assert http.get(f"/jobs/{jid}/results/rows").data == b"a\n1\n"


def test_a_form_that_cannot_be_had_is_refused_with_those_that_can(
    store: Store, http: FlaskClient, finished: Finishing
) -> None:
    frame, mixed = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1, "x", object]})
    for value, accept in ((frame, "image/png"), (mixed, PARQUET), ([1], ARROW)):
        answer = http.get(f"/results/{finished(store, value)}", headers={"Accept": accept})
        assert (answer.status_code, answer.json["type"]) == (406, "urn:jobsapi:problem:not-acceptable")
        assert accept in answer.json["detail"]


def test_what_has_one_form_is_sent_to_whoever_asks(store: Store, http: FlaskClient, finished: Finishing) -> None:
    answer = http.get(f"/results/{finished(store, [1])}", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json) == (200, [1])


def test_each_form_has_an_entity_tag_of_its_own(store: Store, http: FlaskClient, finished: Finishing) -> None:
    jid = finished(store, pd.DataFrame({"a": [1]}))
    tags = {http.get(f"/results/{jid}", headers={"Accept": kind}).headers["ETag"] for kind in ("*/*", PARQUET, ARROW)}
    assert len(tags) == 3


@pytest.mark.parametrize(
    ("value", "ending"), [([1], ".json"), (PNG, ".png"), (b"?", ""), (pd.DataFrame({"a": [1]}), ".csv")]
)
def test_a_download_has_the_jobs_id_and_a_fitting_ending_for_its_name(
    value: Any, ending: str, store: Store, http: FlaskClient, finished: Finishing
) -> None:
    jid = finished(store, value)
    answer = http.get(f"/download/{jid}")
    name = f"{jid}{ending or '.bin'}"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert answer.data == http.get(f"/results/{jid}").data


def test_a_downloaded_file_keeps_its_name_as_far_as_it_is_safe(
    store: Store, http: FlaskClient, finished: Finishing, tmp_path: Path
) -> None:
    for name in ("plain.csv", 'a "b"\n;c.csv', "Größe.csv"):
        (tmp_path / name).write_text("x")
        header = http.get(f"/download/{finished(store, tmp_path / name)}").headers["Content-Disposition"]
        assert header.startswith("attachment; filename=")
        assert "\n" not in header
        assert header.isascii()
    assert header.endswith("filename*=UTF-8''Gr%C3%B6%C3%9Fe.csv")
    shown = http.get(f"/results/{finished(store, tmp_path / 'plain.csv')}").headers
    assert shown["Content-Disposition"] == "inline; filename=plain.csv"


def test_a_job_that_has_not_ended_answers_404_with_a_time_to_come_back(
    store: Store, http: FlaskClient, claimed: Claiming
) -> None:
    jid = claimed(store).id
    for address in (f"/jobs/{jid}/results", f"/results/{jid}", f"/download/{jid}", f"/jobs/{jid}/results/x"):
        answer = http.get(address)
        assert (answer.status_code, answer.json["type"]) == (404, "urn:jobsapi:problem:result-not-ready")
        assert int(answer.headers["Retry-After"]) >= 1


def test_a_job_that_failed_answers_409_with_the_reason_and_the_error(
    store: Store, http: FlaskClient, claimed: Claiming
) -> None:
    claim = claimed(store)
    error = {"type": "ValueError", "message": "no such column", "traceback": ""}
    jobs.fail_job(store, claim.id, claim.token, "error", error)
    answer = http.get(f"/results/{claim.id}")
    assert (answer.status_code, answer.json["type"]) == (409, "urn:jobsapi:problem:no-result")
    for words in ("failed", "error", "ValueError: no such column"):
        assert words in answer.json["detail"]


def test_results_that_expired_answer_410_and_an_unknown_job_404(
    store: Store, http: FlaskClient, finished: Finishing
) -> None:
    jid = finished(store, [1])
    store.now = store.time_ms() + 8 * 24 * 3600 * 1000
    jobs.prune_jobs(store)
    assert http.get(f"/results/{jid}").status_code == 410
    assert http.get(f"/results/{new_id()}").json["type"].endswith("unknown-job")


def test_results_that_vanished_answer_410_not_a_broken_stream(
    store: Store, http: FlaskClient, finished: Finishing
) -> None:
    jid = finished(store, PNG * 100)
    token = jobs.get_record(store, jid).token
    store.redis.hdel(store.keys.outputs(jid, token), "0:0")
    assert http.get(f"/results/{jid}").status_code == 410


def test_a_large_result_of_the_shared_folder_is_streamed(
    small_store: Store, browse: Callable[[Store], FlaskClient], finished: Finishing
) -> None:
    content = random.Random(1).randbytes(3 << 20)
    jid = finished(small_store, content)
    http = browse(small_store)
    answer = http.get(f"/results/{jid}")
    pieces = list(answer.iter_encoded())
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 256 * 1024
    assert http.get(f"/results/{jid}", headers={"Range": "bytes=2000000-2000009"}).data == content[2000000:2000010]
