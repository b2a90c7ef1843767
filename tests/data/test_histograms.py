"""Histograms of fields: what the index counts is what a look at every record counts."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi import data
from jobsapi.data import histograms

if TYPE_CHECKING:
    from jobsapi.store import Store

CHANCE = random.Random(5)
ROWS = [
    {
        "id": n,
        "mass": CHANCE.choice([CHANCE.gauss(0, 50), CHANCE.randrange(-9, 9)]),
        "town": CHANCE.choice(["Bell", "Avon", "Cork", "the Hague"]),
        "at": {"wet": CHANCE.choice([True, False, None])},
        "name": f"name {n}",
        "const": 3,
    }
    for n in range(3000)
]


@pytest.fixture(params=["once", "replaced"])
def rows(request: pytest.FixtureRequest, store: Store) -> list[dict[str, Any]]:
    """The records of the data set, loaded in one go, or in parts of which some replace others."""
    if request.param == "once":
        data.load(ROWS, store=store)
    else:
        data.load([{**row, "mass": 1000, "town": "nowhere"} for row in ROWS[500:900]], store=store)
        data.load(ROWS[:1700], store=store)
        data.load(ROWS[1700:], store=store)
    return ROWS


def counted(numbers: list[float], told: dict[str, Any]) -> list[int]:
    """The same by a look at each number."""
    low, high, bins = told["low"], told["high"], len(told["counts"])
    edges = [low, *(low * (1 - i / bins) + high * (i / bins) for i in range(1, bins)), high]
    counts = [sum(a <= each < b for each in numbers) for a, b in itertools.pairwise(edges)]
    counts[-1] += sum(each == high for each in numbers)
    return counts


@pytest.mark.parametrize(
    ("text", "where", "fits"),
    [
        ("", {}, lambda _: True),
        ("bell", {}, lambda row: row["town"] == "Bell"),
        ("", {"mass.gte": 20, "mass.lte": 23}, lambda row: 20 <= row["mass"] <= 23),
        ("hague", {"at.wet": True}, lambda row: row["town"] == "the Hague" and row["at"]["wet"]),
    ],
)
def test_the_index_counts_what_a_look_at_every_record_counts(
    store: Store, rows: list[dict[str, Any]], text: str, where: dict[str, Any], fits: Any
) -> None:
    found = [row for row in rows if fits(row)]

    def told(field: str) -> dict[str, Any]:
        return data.histogram(field, text, where=where, store=store)

    mass = told("mass")
    numbers = [row["mass"] for row in found]
    assert mass["total"] == len(found) == data.search(text, where=where, limit=1, store=store).total
    assert mass["numbers"]["counts"] == counted(numbers, mass["numbers"])
    assert sum(mass["numbers"]["counts"]) == len(found)
    assert mass["numbers"]["low"] <= min(numbers) <= max(numbers) <= mass["numbers"]["high"]
    assert mass["values"] is None
    towns = Counter(row["town"] for row in found)
    assert told("town")["values"]["different"] == len(towns)
    assert Counter(dict(told("town")["values"]["top"])) == towns
    wet = Counter(str(row["at"]["wet"]).lower() for row in found if row["at"]["wet"] is not None)
    assert Counter(dict(told("at.wet")["values"]["top"])) == wet
    assert told("const")["numbers"] == {"low": 3, "high": 3, "counts": [len(found)]}
    assert told("name")["values"]["different"] == len(found)
    assert len(told("name")["values"]["top"]) == min(12, len(found))


def test_of_a_whole_set_the_bounds_are_the_values_own(store: Store) -> None:
    data.load([{"n": n} for n in (-(2**62), 0, 2**63 - 1)], store=store)
    told = data.histogram("n", bins=3, store=store)["numbers"]
    assert told == {"low": -(2**62), "high": 2**63 - 1, "counts": [1, 1, 1]}
    data.load([{"x": 1e308}, {"x": -1e308}], store=store)
    assert data.histogram("x", bins=2, store=store)["numbers"]["counts"] == [1, 1]


def test_a_search_that_lies_close_together_has_bins_of_its_own(store: Store) -> None:
    data.load([{"n": n, "kind": "near" if n < 50 else "far"} for n in range(100_000)], store=store)
    told = data.histogram("n", "near", store=store)["numbers"]
    assert told["high"] < 200
    assert sum(map(bool, told["counts"])) > 3
    assert sum(told["counts"]) == 50


def test_where_nothing_or_too_much_is_there_nothing_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"numbers": None, "values": None}
    assert data.histogram("n", store=store) == {"field": "n", "total": 0, **nothing}
    data.load([{"n": n, "t": str(n)} for n in range(6000)], store=store)
    assert data.histogram("other", store=store) == {"field": "other", "total": 6000, **nothing}
    assert data.histogram("n", "none", store=store) == {"field": "n", "total": 0, **nothing}
    assert data.histogram("t", store=store)["values"] is None
    monkeypatch.setattr(histograms, "_MOST_COUNTED", 5999)
    assert data.histogram("n", store=store)["numbers"] is not None
    assert data.histogram("n", "7", store=store) == {"field": "n", "total": 1, **nothing}


def test_a_list_counts_once_for_each_of_its_values(store: Store) -> None:
    data.load([{"tags": ["a", "b"]}, {"tags": ["a", 7, None]}], store=store)
    told = data.histogram("tags", store=store)
    assert told["values"] == {"different": 2, "top": [["a", 2], ["b", 1]]}
    assert told["numbers"] == {"low": 7, "high": 7, "counts": [1]}
