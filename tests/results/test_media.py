"""What a function may return, and the bytes and media types that come of it."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest
from PIL import Image

from jobsapi.errors import Invalid, TooLarge
from jobsapi.results import Output, encode, encode_named

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


def _all(value: Any, folder: Path, saved: dict[str, Any] | None = None) -> dict[str, Output]:
    outputs = encode(value, saved or {}, folder, max_result=1 << 24)
    return {output.name: output for output in outputs}


def _one(value: Any, folder: Path) -> Output:
    (output,) = encode(value, {}, folder, max_result=1 << 24)
    assert output.name == ""
    return output


def _bytes(output: Output) -> bytes:
    if output.data is not None:
        assert output.path is None
        return output.data
    assert output.path is not None
    return output.path.read_bytes()


@pytest.mark.parametrize(
    ("value", "data"), [(None, b"null"), ("text", b'"text"'), ({}, b"{}"), ((1, 2), b"[1,2]"), ({"a": 1}, b'{"a":1}')]
)
def test_json_values_are_one_plain_output(value: Any, data: bytes, folder: Path) -> None:
    output = _one(value, folder)
    assert (output.media_type, _bytes(output), output.size) == ("application/json", data, len(data))


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"anything", "application/octet-stream"),
        (b"", "application/octet-stream"),
        (PNG + b"...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"%PDF-1.7", "application/pdf"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"<html><script>", "application/octet-stream"),
    ],
)
def test_bytes_are_known_by_how_they_begin(data: bytes, media_type: str, folder: Path) -> None:
    for value in (data, bytearray(data), memoryview(data), io.BytesIO(data)):
        output = _one(value, folder)
        assert (output.media_type, _bytes(output)) == (media_type, data)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.csv", "text/csv; charset=utf-8"),
        ("a.CSV", "text/csv; charset=utf-8"),
        ("a.csv.gz", "application/gzip"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a.geojson", "application/geo+json"),
        ("a.json", "application/json"),
        ("a.ndjson", "application/x-ndjson"),
        ("a.npy", "application/x-npy"),
        ("a.svg", "image/svg+xml"),
        ("a.tif", "image/tiff"),
        ("a.nc", "application/x-netcdf"),
        ("a.unheard-of", "application/octet-stream"),
        ("nothing", "application/octet-stream"),
    ],
)
def test_a_file_has_the_type_of_its_name(name: str, media_type: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text("1,2\n")
    output = _one(tmp_path / name, folder)
    assert (output.media_type, output.filename, _bytes(output)) == (media_type, name, b"1,2\n")


def test_a_text_file_that_is_not_utf8_is_not_said_to_be(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("ä".encode("latin-1"))
    assert _one(tmp_path / "a.txt", folder).media_type == "text/plain"


def test_a_letter_cut_in_two_by_the_look_at_a_files_head_does_not_matter(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x" + "ä" * 4096)
    assert _one(tmp_path / "a.txt", folder).media_type == "text/plain; charset=utf-8"


def test_a_file_is_copied_so_that_a_later_job_cannot_change_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for size in (10, 100_000):
        Path("out.bin").write_bytes(b"1" * size)
        output = _one(Path("out.bin"), folder)
        Path("out.bin").write_bytes(b"2")
        assert _bytes(output) == b"1" * size
        assert Path("out.bin").exists()


def test_a_missing_file_a_folder_and_a_pipe_are_refused_with_a_sentence(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in ((tmp_path / "no", "does not exist"), (tmp_path, "folder"), (tmp_path / "pipe", "regular file")):
        with pytest.raises(Invalid, match=words):
            _one(path, folder)


def test_a_figure_its_axes_and_a_grid_of_axes_become_a_png_and_the_figure_is_closed(folder: Path) -> None:
    figure, axes = plt.subplots(1, 2)
    plt.close(figure)
    for pick in (lambda f, _: f, lambda _, a: a[0], lambda _, a: a):
        figure, axes = plt.subplots(1, 2)
        output = _one(pick(figure, axes), folder)
        assert output.media_type == "image/png"
        assert Image.open(io.BytesIO(_bytes(output))).size[0] > 600
    assert plt.get_fignums() == []


def test_the_resolution_that_the_user_chose_is_kept(folder: Path) -> None:
    def width(figure: Any) -> int:
        return Image.open(io.BytesIO(_bytes(_one(figure, folder)))).size[0]

    assert width(plt.figure(figsize=(2, 2), dpi=50)) < 150 < width(plt.figure(figsize=(2, 2)))
    with mpl.rc_context({"savefig.dpi": 40}):
        assert width(plt.figure(figsize=(2, 2))) < 100


def test_an_image_becomes_a_png(folder: Path) -> None:
    output = _one(Image.new("RGB", (3, 4)), folder)
    assert Image.open(io.BytesIO(_bytes(output))).size == (3, 4)
    with pytest.raises(Invalid, match="convert"):
        _one(Image.new("F", (3, 4)), folder)


@pytest.mark.parametrize(
    ("frame", "csv"),
    [
        (pd.DataFrame({"a": [1, 2]}), b"a\n1\n2\n"),
        (pd.DataFrame({"a": [1, 2]}, index=["x", "y"]), b",a\nx,1\ny,2\n"),
        (pd.DataFrame({"a": [1, 2, 3]})[1:], b",a\n1,2\n2,3\n"),
        (pd.DataFrame({"k": ["x"], "a": [1]}).set_index("k"), b"k,a\nx,1\n"),
        (pd.Series([1, 2], name="n"), b"n\n1\n2\n"),
        (pd.Series([1]), b"value\n1\n"),
        (pl.DataFrame({"a": [1, 2]}), b"a\n1\n2\n"),
        (pl.LazyFrame({"a": [1, 2]}), b"a\n1\n2\n"),
        (pl.Series("n", [1]), b"n\n1\n"),
    ],
)
def test_frames_become_csv_with_parquet_and_arrow_beside_it(frame: Any, csv: bytes, folder: Path) -> None:
    output = _one(frame, folder)
    assert (output.media_type, _bytes(output)) == ("text/csv; charset=utf-8", csv)
    parquet, arrow = output.alternates
    assert parquet.media_type == "application/vnd.apache.parquet"
    assert arrow.media_type == "application/vnd.apache.arrow.stream"
    rows = csv.count(b"\n") - 1
    assert pa.parquet.read_table(io.BytesIO(_bytes(parquet))).num_rows == rows
    assert pa.ipc.open_stream(_bytes(arrow)).read_all().num_rows == rows


def test_a_frame_that_parquet_cannot_hold_is_csv_alone(folder: Path) -> None:
    output = _one(pd.DataFrame({"a": [1, "x", object]}), folder)
    assert output.alternates == ()


def test_a_polars_frame_that_csv_cannot_hold_is_refused_with_a_way_out(folder: Path) -> None:
    with pytest.raises(Invalid, match="to_dicts"):
        _one(pl.DataFrame({"a": [[1]]}), folder)


def test_a_dict_with_a_file_in_it_becomes_named_outputs(folder: Path) -> None:
    outputs = _all({"n": 1, "img": PNG, "rows": pd.DataFrame({"a": [1]}), "nothing": None}, folder)
    assert {name: output.media_type.partition(";")[0] for name, output in outputs.items()} == {
        "n": "application/json",
        "img": "image/png",
        "rows": "text/csv",
        "nothing": "application/json",
    }


def test_what_was_saved_stands_beside_what_was_returned(folder: Path) -> None:
    def shown(value: Any) -> dict[str, bytes]:
        return {n: _bytes(o) for n, o in _all(value, folder, {"a": 1, "b": b"x"}).items()}

    assert shown(None) == {"a": b"1", "b": b"x"}
    assert shown({"b": 2, "c": 3}) == {"a": b"1", "b": b"2", "c": b"3"}
    assert shown([5]) == {"a": b"1", "b": b"x", "result": b"[5]"}
    assert shown({"not a name": 1}) == {"a": b"1", "b": b"x", "result": b'{"not a name":1}'}


def test_what_is_saved_is_fixed_at_that_moment(folder: Path) -> None:
    rows = [1]
    saved = {"rows": encode_named("rows", rows, folder, max_result=100)}
    rows.append(2)
    assert _bytes(_all(None, folder, saved)["rows"]) == b"[1]"


@pytest.mark.parametrize("name", ["..", "", "a/b", "-x", "a b", "ä", "x" * 101, 5])
def test_a_name_that_cannot_stand_in_an_address_is_refused(name: Any, folder: Path) -> None:
    with pytest.raises(Invalid, match="name of an output"):
        _all({name: b"x"}, folder)
    with pytest.raises(Invalid, match="name of an output"):
        _all(None, folder, {name: 1})


@pytest.mark.parametrize("value", [object(), 1j, [b"x"], {"a": {"b": Path("x")}}, [pd.DataFrame({"a": [1]})], len])
def test_a_value_without_a_media_type_is_refused_with_what_would_work(value: Any, folder: Path) -> None:
    with pytest.raises(Invalid, match=r"has no media type.*pathlib\.Path.*matplotlib Figure.*dict of these"):
        _one(value, folder)


def test_the_refusal_names_the_type_and_the_place(folder: Path) -> None:
    with pytest.raises(Invalid, match=r"type object \(at /a/0\)") as refused:
        _one({"a": [object()]}, folder)
    assert refused.value.errors[0].pointer == "/a/0"


def test_more_than_the_limit_is_refused_whatever_it_is_made_of(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 101)
    for value in (b"x" * 101, "x" * 101, tmp_path / "file", {"a": b"x" * 60, "b": b"x" * 60}, np.zeros(100)):
        with pytest.raises(TooLarge, match="JOBSAPI_MAX_RESULT allows 100 bytes"):
            encode(value, {}, folder, max_result=100)
    encode(b"x" * 100, {}, folder, max_result=100)


def test_outputs_above_64_kib_are_files_and_smaller_ones_are_bytes(folder: Path) -> None:
    assert _one(b"x" * 65_536, folder).path is None
    large = _one("x" * 65_536, folder)
    assert large.data is None
    assert large.path is not None
    assert large.path.parent == folder
