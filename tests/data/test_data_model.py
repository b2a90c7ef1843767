"""Searches of generated data sets find what a plain walk over the records finds."""

from __future__ import annotations

import itertools
import re
import uuid

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsapi import data
from jobsapi.settings import Settings
from jobsapi.store import connect

WORDS = st.sampled_from(["rain", "rainy", "Rain", "été", "ETE", "snow", "2", "2.5", "x-ray", "a_b", "null", "日本", ""])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 2.0, 2.5, -1.5, 1e300, 1e-7]),
    st.lists(WORDS, max_size=3).map(" ".join),
)
FIELDS = st.sampled_from(["a", "b", "c.d"])
RECORDS = st.dictionaries(FIELDS, st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(FIELDS, SCALARS)))
KEYED = st.tuples(st.integers(1, 12), RECORDS).map(lambda pair: {"id": pair[0]} | pair[1])
LOADS = st.lists(st.lists(KEYED, max_size=8), max_size=12)
QUERIES = st.lists(st.tuples(WORDS, st.booleans()), max_size=2).map(lambda ws: " ".join(w + "*" * b for w, b in ws))
VALUES = SCALARS.map(lambda value: value if isinstance(value, str) else orjson.dumps(value).decode())
WHERE = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b", "c.d", "a.b", "id"]), st.sampled_from(["", ".gte", ".lte"])).map("".join),
    VALUES,
    max_size=2,
)
ACCENTS = str.maketrans("éÉ", "ee")


def leaves(path, value):
    if isinstance(value, dict):
        return itertools.chain.from_iterable(leaves(f"{path}.{name}", inner) for name, inner in value.items())
    if isinstance(value, list):
        return itertools.chain.from_iterable(leaves(path, inner) for inner in value)
    return [(path, value)]


def words(value):
    if value is None:
        return set()
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    found = set(re.findall(r"\d+(?:\.\d+)+|[^\W_]+", text.translate(ACCENTS).lower()))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        found.add(str(int(abs(value))))
    return found


def as_number(text):
    return orjson.loads(text) if re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text) else None


def is_equal(value, text):
    if isinstance(value, str):
        return value == text
    if value is None or isinstance(value, bool):
        return orjson.dumps(value).decode() == text
    return as_number(text) == value


def is_within(value, low, high):
    if value is None or isinstance(value, bool):
        return False
    if not isinstance(value, str):
        low, high = (None if end is None else as_number(end) for end in (low, high))
        if low is None and high is None:
            return False
    return (low is None or low <= value) and (high is None or value <= high)


def fits(record, query, where):
    its = [leaf for name, value in record.items() for leaf in leaves(name, value)]
    every = set().union(*(words(value) for _, value in its))
    for piece in query.split():
        wanted = re.findall(r"\d+(?:\.\d+)+|[^\W_]+", piece.translate(ACCENTS).lower())
        for at, word in enumerate(wanted):
            is_beginning = piece.endswith("*") and at == len(wanted) - 1
            if not any(each.startswith(word) if is_beginning else each == word for each in every):
                return False
    ranges = {}
    for name, text in where.items():
        field, _, end = name.rpartition(".")
        if end in ("gte", "lte"):
            ranges.setdefault(field, {})[end] = text
        elif not any(path == name and is_equal(value, text) for path, value in its):
            return False
    return all(
        any(
            path == field
            and not (isinstance(value, int | float) and any(as_number(end) is None for end in ends.values()))
            and is_within(value, ends.get("gte"), ends.get("lte"))
            for path, value in its
        )
        for field, ends in ranges.items()
    )


@pytest.fixture(scope="module")
def new_store(server_url):
    made = []

    def new():
        made.append(
            connect(Settings.from_environment({"REDIS_URL": server_url, "JOBSAPI_NAMESPACE": uuid.uuid4().hex}))
        )
        return made[-1]

    yield new
    for store in made:
        store.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(LOADS, st.lists(st.tuples(QUERIES, WHERE), min_size=1, max_size=6))
def test_a_search_finds_what_a_walk_finds(new_store, loads, searches):
    store = new_store()
    model = {}
    for load in loads:
        for record in load:
            model.pop(record["id"], None)
            model[record["id"]] = record
        assert data.load(load, store=store)["total"] == len(model)
    assert list(data.records(store=store)) == list(model.values())
    for query, where in searches:
        expected = [record for record in model.values() if fits(record, query, where)]
        page = data.search(query, where=where, store=store)
        assert page == data.Page(expected, None, len(expected)), (query, where)
    for key in range(1, 13):
        held = [record for record in model.values() if record["id"] == key]
        found = data.search(where={"id": key}, store=store).records
        assert [record for record in found if record["id"] == key] == held
