"""`records`: a sequence with a slice's semantics, read as it is used; frames of it."""

from __future__ import annotations

import sys

import pytest

from jobsapi import data
from jobsapi.errors import SetupError

TOTAL = 3000


@pytest.fixture
def rows(store):
    """Records in several segments, some of them replaced: what a list of them would hold."""
    loads = [[{"id": n, "x": n * n} for n in range(start, start + 1000)] for start in (0, 1000, 1900)]
    loads.append([{"id": 5, "x": -1}])
    held = {}
    for load in loads:
        data.load(load, store=store)
        for row in load:
            held.pop(row["id"], None)
            held[row["id"]] = row
    return list(held.values())


SLICES = [(0, None), (1, 2), (0, 0), (5, 3), (-3, None), (-3, -1), (2890, 5000), (900, 1100), (-9999, 4), (2, None)]


@pytest.mark.parametrize(("start", "end"), SLICES)
def test_a_range_is_what_a_slice_of_a_list_is(store, rows, start, end):
    found = data.records(start, end, store=store)
    assert len(found) == len(rows[start:end])
    assert list(found) == rows[start:end]


@pytest.mark.parametrize("cut", [slice(1, None), slice(None, None, -1), slice(-10, None, 3), slice(50, 10)])
def test_slices_and_indexes_of_a_range(store, rows, cut):
    found = data.records(100, 2000, store=store)
    assert list(found[cut]) == rows[100:2000][cut]
    assert found[0] == rows[100]
    assert found[-1] == rows[1999]
    for index in (1900, -1901):
        with pytest.raises(IndexError):
            found[index]


def test_a_range_is_read_as_it_is_used(store, rows):
    def calls():
        return sum(each["calls"] for name, each in store.redis.info("commandstats").items() if name == "cmdstat_hmget")

    found = iter(data.records(store=store))
    before = calls()
    next(found)
    assert calls() - before <= 5  # pieces of four segments; a few of some hundred chunks
    assert len(list(found)) == len(rows) - 1


def test_frames(store):
    data.load([{"id": n, "name": f"n{n}", "x": n / 2 if n else None} for n in range(10)], store=store)
    pandas = data.records(2, 5, store=store).to_pandas()
    assert list(pandas["x"]) == [1.0, 1.5, 2.0]
    assert list(pandas.columns) == ["id", "name", "x"]
    polars = data.records(0, 3, store=store).to_polars()
    assert polars["x"].to_list() == [None, 0.5, 1.0]
    assert len(data.records(3, 3, store=store).to_pandas()) == len(data.records(3, 3, store=store).to_polars()) == 0


@pytest.mark.parametrize(("library", "method"), [("pandas", "to_pandas"), ("polars", "to_polars")])
def test_without_the_library_a_sentence_says_what_to_install(store, monkeypatch, library, method):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SetupError, match=r"jobsapi\[frames\]"):
        getattr(data.records(store=store), method)()


def test_records_as_large_as_they_may_be_are_read(store):
    big = [{"id": n, "x": str(n) * 900_000} for n in range(6)]
    data.load(big, store=store)
    assert list(data.records(store=store)) == big
    assert data.records(store=store)[3] == big[3]
