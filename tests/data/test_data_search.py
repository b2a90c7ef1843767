"""What a search finds: words, beginnings of words, exact values, ranges; pages and cursors."""

from __future__ import annotations

import datetime as dt

import pytest

from jobsapi import data
from jobsapi.errors import Invalid, UnknownRecord, Unreadable

PLANTS = [
    {"id": "a", "name": "Crème brûlée", "tags": ["Süß", "ΣΊΣΥΦΟΣ"], "price": 2, "at": "2024-05-01", "ok": True},
    {"id": "b", "name": "cream", "price": 2.0, "size": {"cm": 10, "box": "L-5"}, "at": "2024-05-01T10:00:00Z"},
    {"id": "c", "name": "creamery at 2.5 °C", "price": "2", "at": "2023-12-31", "ok": False, "note": None},
    {"id": "d", "name": "Москва, 北京", "price": -2.5, "size": {"cm": 1e-07, "box": ""}, "version": "v1.2.3"},
    {"id": "e", "name": "L5", "price": 1 << 60, "note": "null", "ok": "true", "limit": 5, "mag.gte": 7},
]


@pytest.fixture
def plants(store):
    data.load(PLANTS, store=store)
    return store


def found(store, text="", **where):
    page = data.search(text, where={name.replace("__", "."): value for name, value in where.items()}, store=store)
    assert page.total == len(page.records)
    return "".join(record["id"] for record in page.records)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", "abcde"),
        ("cream", "b"),
        ("CREAM", "b"),
        ("cream*", "bc"),
        ("crea* 2.5", "c"),
        ("creme", "a"),
        ("crème BRULEE", "a"),
        ("creme cream", ""),
        ("suss", "a"),
        ("SÜSS", "a"),
        ("σισυφος", "a"),
        ("москв*", "d"),
        ("北京", "d"),
        ("北*", "d"),
        ("2", "abc"),
        ("2.0", "b"),
        ("2.5", "cd"),
        ("10", "b"),
        ("l-5", "b"),
        ("l5", "e"),
        ("l", "b"),
        ("1.2.3", ""),
        ("v1.2.3", "d"),
        ("1e-7", "d"),
        ("1152921504606846976", "e"),
        ("2024", "ab"),
        ("2024-05-01", "a"),
        ("true", "ae"),
        ("null", "e"),
        ("*", "abcde"),
        (" , - ", "abcde"),
        ("nothing", ""),
        ("d", "d"),
    ],
)
def test_every_word_must_occur(plants, text, ids):
    assert found(plants, text) == ids


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"price": "2"}, "abc"),
        ({"price": 2}, "abc"),
        ({"price": "2.0"}, "ab"),
        ({"price": "-2.5"}, "d"),
        ({"price": "02"}, ""),
        ({"price": 1 << 60}, "e"),
        ({"price": (1 << 60) + 1}, ""),
        ({"name": "cream"}, "b"),
        ({"name": "Cream"}, ""),
        ({"name": "Crème brûlée"}, "a"),
        ({"tags": "Süß"}, "a"),
        ({"size__cm": "10"}, "b"),
        ({"size__cm": "0.0000001"}, "d"),
        ({"size__box": ""}, "d"),
        ({"size": "10"}, ""),
        ({"ok": "true"}, "ae"),
        ({"ok": True}, "ae"),
        ({"ok": False}, "c"),
        ({"note": "null"}, "ce"),
        ({"note": None}, "ce"),
        ({"limit": "5"}, "e"),
        ({"where.mag.gte": "7"}, "e"),
        ({"mag__gte": "7"}, ""),
        ({"unheard": "of"}, ""),
        ({"price": "2", "name": "cream"}, "b"),
    ],
)
def test_a_field_equals_what_reads_the_same(plants, where, ids):
    assert found(plants, **where) == ids


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"price__gte": "2"}, "abce"),
        ({"price__lte": "2"}, "abcd"),
        ({"price__gte": "-2.5", "price__lte": "1.9"}, "d"),
        ({"price__gte": "3"}, "e"),
        ({"at__gte": "2024"}, "ab"),
        ({"at__gte": "2024-05-01", "at__lte": "2024-05-01"}, "a"),
        ({"at__lte": dt.date(2024, 5, 1)}, "ac"),
        ({"name__gte": "creamery"}, "cd"),
        ({"name__gte": "x", "name__lte": "a"}, ""),
        ({"ok__gte": "a"}, "e"),
        ({"price__gte": "2", "ok": "true"}, "ae"),
        ({"size__cm__gte": "1"}, "b"),
        ({"unheard__gte": "1"}, ""),
    ],
)
def test_a_range_includes_its_ends(plants, where, ids):
    assert found(plants, **where) == ids


def test_words_and_fields_together(plants):
    assert found(plants, "crea*", price="2") == "bc"
    assert found(plants, "crea*", price__lte="2", ok="false") == "c"


def test_both_ends_of_a_range_meet_one_element_of_a_list(store):
    data.load([{"id": "a", "x": [1, 9]}, {"id": "b", "x": [1, 5]}], store=store)
    assert found(store, x__gte="4", x__lte="6") == "b"


def test_a_value_that_is_no_scalar_is_invalid(plants):
    for value in ([1], {"a": 1}, object(), float("inf")):
        with pytest.raises(Invalid) as problem:
            data.search(where={"name": value}, store=plants)
        assert problem.value.errors[0].pointer == "/name"


def test_long_values_are_told_apart(store):
    long = "x" * 5000
    data.load([{"id": "a", "t": long + "1"}, {"id": "b", "t": long + "2"}, {"id": "c", "t": "x" * 128}], store=store)
    assert found(store, t=long + "1") == "a"
    assert found(store, long + "2") == "b"
    assert found(store, long) == ""
    assert found(store, long + "*") == "ab"
    assert found(store, t__gte=long) == "ab"
    assert found(store, t__lte="x" * 128) == "c"
    assert found(store, t__lte=long) == "abc"


def test_fields_of_any_name_are_found(store):
    names = ["", ".", "a b", "ü", "x" * 3000, "a\0b", ".gte"]
    data.load([{"id": str(n), "deep": {name: n}} for n, name in enumerate(names)], store=store)
    for n, name in enumerate(names):
        page = data.search(where={f"where.deep.{name}": n}, store=store)
        assert [record["id"] for record in page.records] == [str(n)]


def test_pages_follow_one_another_to_the_end(store):
    data.load([{"n": n, "even": n % 2 == 0} for n in range(1000)], store=store)
    data.load([{"n": n, "even": n % 2 == 0} for n in range(1000, 1050)], store=store)
    cursor, seen = None, []
    while True:
        page = data.search("true", limit=60, cursor=cursor, store=store)
        assert page.total == 525
        seen += [record["n"] for record in page.records]
        if (cursor := page.next) is None:
            break
        assert len(page.records) == 60
    assert seen == list(range(0, 1050, 2))


def test_a_page_that_ends_with_the_last_record_has_no_next(store):
    data.load([{"n": n} for n in range(10)], store=store)
    assert data.search(limit=10, store=store).next is None
    assert data.search(limit=9, store=store).next


@pytest.mark.parametrize(
    "cursor", ["", "x", "äöü", "W10", "eyJhIjoxfQ", "bnVsbA", "WzEsMiwzLDRd", "A" * 5000, "WyIiLDAsMF0"]
)
def test_what_is_no_cursor_is_unreadable(plants, cursor):
    with pytest.raises(Unreadable):
        data.search(cursor=cursor, store=plants)


def test_a_cursor_belongs_to_its_search_and_its_data_set(plants):
    cursor = data.search(limit=1, store=plants).next
    assert data.search(limit=2, cursor=cursor, store=plants).records == PLANTS[1:3]
    with pytest.raises(Unreadable, match="another search"):
        data.search("cream", cursor=cursor, store=plants)
    with pytest.raises(Unreadable):
        data.search(dataset="other", cursor=cursor, store=plants)


def test_a_data_set_that_is_not_there_has_nothing(store):
    assert data.search("x", dataset="none", store=store) == data.Page([], None, 0)
    with pytest.raises(UnknownRecord, match="none"):
        data.get(1, dataset="none", store=store)


def test_raw_records_are_the_json_that_was_loaded(store):
    data.load(b'[{"id": 1, "x": "\\u00fc", "y": 1.50}]', store=store)
    raw = '{"id":1,"x":"ü","y":1.5}'.encode()
    assert data.get_raw(1, store=store) == raw
    assert data.search_raw("ü", store=store).records == [raw]


def test_words_that_very_many_records_have_are_found_with_others(store):
    data.load([{"n": n, "t": f"common {'rare' if n % 1000 == 0 else 'usual'}"} for n in range(20_000)], store=store)
    assert data.search("common", store=store).total == 20_000
    assert [record["n"] for record in data.search("common rare", store=store).records] == list(range(0, 20_000, 1000))
    assert data.search("common us*", where={"n.gte": "10000", "n.lte": "19999"}, store=store).total == 9990
