"""Where outputs lie, who can read them, and when they go."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import jobs, results
from jobsapi.errors import NotHolder, ResultExpired, SetupError, TooLarge, UnknownResult
from jobsapi.results import Output
from jobsapi.store import Store

if TYPE_CHECKING:
    from pathlib import Path

KIB, MIB = 1 << 10, 1 << 20
Claiming = Callable[[Store], jobs.Claim]


def _content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def _hash_of(store: Store, claim: jobs.Claim) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = store.redis.hgetall(store.keys.outputs(claim.id, claim.token))
    return found


def _write(store: Store, claim: jobs.Claim, *outputs: Output) -> tuple[bytes, bytes]:
    stored = results.write(store, claim.id, claim.token, outputs)
    return stored.descriptor, stored.inline


def _open(store: Store, claim: jobs.Claim, stored: tuple[bytes, bytes], name: str = "") -> results.Opened:
    return results.open_output(store, claim.id, claim.token, *stored, name=name)


def _read(store: Store, claim: jobs.Claim, stored: tuple[bytes, bytes], name: str = "") -> bytes:
    return b"".join(_open(store, claim, stored, name).read())


def test_a_small_json_value_needs_no_descriptor_and_no_key_of_its_own(store: Store, claimed: Claiming) -> None:
    claim = claimed(store)
    stored = _write(store, claim, Output("", "application/json", data=b"[1,2]"))
    assert stored == (b"", b"[1,2]")
    assert _hash_of(store, claim) == {}
    assert store.redis.exists(store.keys.unclaimed_outputs()) == 0
    assert _read(store, claim, stored) == b"[1,2]"


@pytest.mark.parametrize("size", [0, 1, 4096, 4097, 256 * KIB, 256 * KIB + 1, 3 * MIB])
def test_outputs_of_any_size_come_back_whole_and_in_any_range(
    size: int, store: Store, claimed: Claiming, tmp_path: Path
) -> None:
    claim, content = claimed(store), _content(size)
    (tmp_path / "f").write_bytes(content)
    for output in (Output("", "image/png", data=content), Output("", "image/png", path=tmp_path / "f")):
        stored = _write(store, claim, output)
        opened = _open(store, claim, stored)
        assert (opened.size, opened.media_type) == (size, "image/png")
        assert b"".join(opened.read()) == content
        dice = random.Random(size)
        for _ in range(20):
            start, end = sorted((dice.randint(0, size), dice.randint(0, size + 10)))
            pieces = list(opened.read(start, end))
            assert b"".join(pieces) == content[start:end]
            assert max(map(len, pieces), default=0) <= 256 * KIB or size <= 4096


def test_small_outputs_share_the_record_and_larger_ones_the_hash(store: Store, claimed: Claiming) -> None:
    claim = claimed(store)
    contents = {"a": _content(3000), "b": _content(2000), "c": _content(1000), "d": _content(300 * KIB)}
    outputs = [Output(name, "application/x-npy", data=content) for name, content in contents.items()]
    stored = _write(store, claim, *outputs)
    assert stored[1] == contents["a"] + contents["c"]
    assert sorted(_hash_of(store, claim)) == [b"1:0", b"3:0", b"3:1"]
    for name, content in contents.items():
        assert _read(store, claim, stored, name) == content


def test_outputs_that_the_store_does_not_take_go_to_the_shared_folder(
    small_store: Store, claimed: Claiming, tmp_path: Path
) -> None:
    claim, large, small = claimed(small_store), _content(2 * MIB), _content(10 * KIB)
    stored = _write(
        small_store, claim, Output("large", "image/png", data=large), Output("small", "image/png", data=small)
    )
    files = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [large]
    assert sorted(_hash_of(small_store, claim)) == [b"1:0"]
    assert _read(small_store, claim, stored, "large") == large
    assert _read(small_store, claim, stored, "small") == small
    assert b"".join(_open(small_store, claim, stored, "large").read(300_000, 900_000)) == large[300_000:900_000]


def test_without_a_shared_folder_the_refusal_says_which_setting_helps(store: Store, claimed: Claiming) -> None:
    claim = claimed(store)
    tight = Store(store.redis, dataclasses.replace(store.settings, max_stored_result=MIB), store.url)
    with pytest.raises(TooLarge, match=r"2 MiB; the store takes 1 MiB .*JOBSAPI_RESULTS"):
        _write(tight, claim, Output("", "image/png", data=bytes(2 * MIB)))
    assert _hash_of(store, claim) == {}


def test_the_embedded_servers_folder_takes_large_outputs_by_itself(
    store: Store, claimed: Claiming, tmp_path: Path
) -> None:
    settings = dataclasses.replace(store.settings, max_stored_result=MIB, redis_url="", folder=tmp_path / ".jobsapi")
    laptop, claim, content = Store(store.redis, settings, store.url), claimed(store), _content(2 * MIB)
    stored = _write(laptop, claim, Output("", "image/png", data=content))
    assert _read(laptop, claim, stored) == content
    assert (tmp_path / ".jobsapi" / "results").is_dir()


def test_an_api_without_the_shared_folder_says_so(small_store: Store, store: Store, claimed: Claiming) -> None:
    claim = claimed(small_store)
    stored = _write(small_store, claim, Output("", "image/png", data=bytes(2 * MIB)))
    with pytest.raises(SetupError, match="JOBSAPI_RESULTS is not set"):
        _read(store, claim, stored)
    elsewhere = dataclasses.replace(store.settings, results="/nowhere")
    with pytest.raises(SetupError, match="/nowhere"):
        _read(Store(store.redis, elsewhere, store.url), claim, stored)


def test_a_shared_folder_that_cannot_be_written_says_so(store: Store, claimed: Claiming, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = dataclasses.replace(store.settings, max_stored_result=MIB, results=str(tmp_path / "file"))
    with pytest.raises(SetupError, match="cannot be written"):
        _write(Store(store.redis, settings, store.url), claimed(store), Output("", "image/png", data=bytes(2 * MIB)))


def test_alternates_for_which_there_is_no_room_are_left_out(store: Store, claimed: Claiming) -> None:
    tight = Store(store.redis, dataclasses.replace(store.settings, max_stored_result=MIB), store.url)
    claim, arrow = claimed(store), "application/vnd.apache.arrow.stream"
    forms = (
        Output("", "application/vnd.apache.parquet", data=bytes(MIB)),
        Output("", arrow, data=_content(9 * KIB)),
    )
    stored = _write(tight, claim, Output("", "text/csv", data=_content(20 * KIB), alternates=forms))
    opened = results.open_output(tight, claim.id, claim.token, *stored, accept=arrow)
    assert b"".join(opened.read()) == _content(9 * KIB)


def test_64_mib_are_written_and_read_in_a_few_mib_of_memory(store: Store, claimed: Claiming, tmp_path: Path) -> None:
    claim, digest, piece = claimed(store), hashlib.sha256(), _content(MIB)
    with (tmp_path / "large").open("wb") as file:
        for i in range(64):
            part = i.to_bytes(4, "big") + piece[4:]
            file.write(part)
            digest.update(part)
    tracemalloc.start()
    stored = _write(store, claim, Output("", "image/tiff", path=tmp_path / "large"))
    seen = hashlib.sha256()
    for each in _open(store, claim, stored).read():
        seen.update(each)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen.digest() == digest.digest()
    assert peak < 16 * MIB


def test_a_name_that_is_not_there_is_unknown_and_the_message_lists_those_that_are(
    store: Store, claimed: Claiming
) -> None:
    claim = claimed(store)
    stored = _write(store, claim, Output("a", "image/png", data=b"1"), Output("b", "image/png", data=b"2"))
    for name in ("c", ""):
        with pytest.raises(UnknownResult, match="a, b"):
            _open(store, claim, stored, name)


def test_a_rerun_never_overwrites_what_another_run_stored(store: Store, claimed: Claiming) -> None:
    claim = claimed(store)
    stored = _write(store, claim, Output("", "image/png", data=_content(9000)))
    other = claim._replace(token="other")
    again = _write(store, other, Output("", "image/png", data=_content(9001)))
    assert _read(store, claim, stored) == _content(9000)
    assert _read(store, other, again) == _content(9001)
    assert _open(store, claim, stored).etag != _open(store, other, again).etag


def test_in_python_values_files_and_named_outputs_come_back(store: Store, finished: Callable[..., str]) -> None:
    assert jobs.get_results(finished(store, [2**80, None, 1.5]), store=store) == [2**80, None, 1.5]
    assert jobs.get_results(finished(store, b"x" * 5000), store=store) == b"x" * 5000
    assert jobs.get_results(finished(store, {"n": 1, "img": b"\0" * 5000}), store=store) == {
        "n": 1,
        "img": b"\0" * 5000,
    }
    assert jobs.get_results(finished(store, None, {"a": [1]}), store=store) == {"a": [1]}


# --- Sweeping -------------------------------------------------------------------------------------------------------


def _large(store: Store, claim: jobs.Claim) -> tuple[bytes, bytes]:
    return _write(
        store, claim, Output("a", "image/png", data=bytes(2 * MIB)), Output("b", "image/png", data=bytes(9000))
    )


def _files(tmp_path: Path) -> list[Any]:
    return [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]


def _later(store: Store, seconds: float) -> None:
    store.now = store.time_ms() + round(seconds * 1000)


def test_outputs_of_a_worker_that_died_before_it_finished_are_swept(
    small_store: Store, claimed: Claiming, tmp_path: Path
) -> None:
    claim = claimed(small_store)
    _large(small_store, claim)
    _later(small_store, 21)
    jobs.lose_job(small_store, claim.id, claim.token, "The worker died.")
    assert results.sweep(small_store) == 1
    assert _hash_of(small_store, claim) == {}
    assert _files(tmp_path) == []
    assert small_store.redis.zcard(small_store.keys.unclaimed_outputs()) == 0


def test_outputs_are_not_swept_before_two_leases_nor_while_their_claim_holds(
    small_store: Store, claimed: Claiming, tmp_path: Path
) -> None:
    claim = claimed(small_store)
    stored = _large(small_store, claim)
    _later(small_store, 1000)  # a write that takes long: its lease is renewed meanwhile, or at least not taken
    assert results.sweep(small_store) == 0
    jobs.lose_job(small_store, claim.id, claim.token, "The worker died.")
    _later(small_store, 19)
    assert results.sweep(small_store) == 0
    assert _read(small_store, claim, stored, "a") == bytes(2 * MIB)
    _later(small_store, 2)
    assert results.sweep(small_store) == 1
    assert _files(tmp_path) == []


def test_outputs_that_a_completion_took_are_never_swept(small_store: Store, claimed: Claiming) -> None:
    claim = claimed(small_store)
    stored = _large(small_store, claim)
    jobs.complete_job(small_store, claim.id, claim.token, *stored)
    _later(small_store, 1000)
    assert results.sweep(small_store) == 0
    assert _read(small_store, claim, stored, "b") == bytes(9000)


def test_outputs_written_again_after_a_completion_whose_reply_was_lost_are_not_swept(
    small_store: Store, claimed: Claiming, tmp_path: Path
) -> None:
    claim = claimed(small_store)
    for _ in range(2):  # the worker did not hear of the first completion and does it all again
        stored = _large(small_store, claim)
        jobs.complete_job(small_store, claim.id, claim.token, *stored)
    _later(small_store, 1000)
    assert results.sweep(small_store) == 0
    assert _read(small_store, claim, stored, "a") == bytes(2 * MIB)
    assert _read(small_store, claim, stored, "b") == bytes(9000)
    assert small_store.redis.zcard(small_store.keys.unclaimed_outputs()) == 0


def test_a_sweep_that_died_half_way_is_repeated(small_store: Store, claimed: Claiming, tmp_path: Path) -> None:
    claim = claimed(small_store)
    _large(small_store, claim)
    jobs.lose_job(small_store, claim.id, claim.token, "The worker died.")
    _later(small_store, 21)
    assert small_store.run("sweep_outputs", 20_000, 100) == [f"{claim.id}:{claim.token}".encode()]
    assert len(_files(tmp_path)) == 1  # the sweeper dies here, before the files are gone
    _later(small_store, 21)
    assert results.sweep(small_store) == 1
    assert _files(tmp_path) == []


def test_what_a_stopped_worker_writes_after_the_sweep_is_swept_too(store: Store, claimed: Claiming) -> None:
    claim = claimed(store)
    jobs.lose_job(store, claim.id, claim.token, "Its lease ran out.")
    stored = _write(store, claim, Output("", "image/png", data=bytes(9000)))
    with pytest.raises(NotHolder):
        jobs.complete_job(store, claim.id, claim.token, *stored)
    _later(store, 21)
    assert results.sweep(store) == 1
    assert _hash_of(store, claim) == {}


def test_many_orphans_go_in_small_steps(store: Store, claimed: Claiming) -> None:
    claim = claimed(store)
    for i in range(120):
        _write(store, claim._replace(token=f"gone{i}"), Output("", "image/png", data=bytes(5000)))
    held = _write(store, claim, Output("", "image/png", data=bytes(5000)))
    _later(store, 21)
    assert results.sweep(store) + results.sweep(store) == 120
    assert results.sweep(store) == 0
    assert _read(store, claim, held) == bytes(5000)


def test_a_worker_whose_completion_was_refused_discards_its_outputs_at_once(
    small_store: Store, claimed: Claiming, tmp_path: Path
) -> None:
    claim = claimed(small_store)
    _large(small_store, claim)
    results.discard(small_store, claim.id, claim.token)
    assert _hash_of(small_store, claim) == {}
    assert _files(tmp_path) == []
    assert small_store.redis.zcard(small_store.keys.unclaimed_outputs()) == 0


def test_a_removed_job_takes_its_files_with_it(
    small_store: Store, finished: Callable[..., str], tmp_path: Path
) -> None:
    jid = finished(small_store, bytes(2 * MIB))
    assert len(_files(tmp_path)) == 1
    jobs.remove_job(jid, store=small_store)
    assert _files(tmp_path) == []
    assert list((tmp_path / "shared").rglob(f"{jid}*")) == []


def test_outputs_that_go_while_they_are_read_end_in_an_error_not_in_a_short_read(
    small_store: Store, claimed: Claiming
) -> None:
    claim = claimed(small_store)
    stored = _write(small_store, claim, Output("", "image/png", data=bytes(600 * KIB)))
    pieces = _open(small_store, claim, stored).read()
    next(pieces)
    small_store.redis.unlink(small_store.keys.outputs(claim.id, claim.token))
    with pytest.raises(ResultExpired):
        list(pieces)
    with pytest.raises(ResultExpired):
        _open(small_store, claim, stored)
