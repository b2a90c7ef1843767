"""No body ever gets a 5xx: two thousand generated ones of every kind."""

from __future__ import annotations

import gzip
import json
import os
import random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from jobsapi.store import Store

HOW_MANY = 2000
SEED = int(os.environ.get("FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
"""A fresh one for each run; FUZZ_SEED repeats the run that printed it."""

PLACES = ["/jobs", "/data", "/data?dataset=other", "/data?id=a", "/data?records=/a"]
TYPES = [
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "text/plain",
    "multipart/form-data; boundary=x",
    "",
    "é/?",
]
JOBS = [
    {"task": "plot", "params": {"start": 1, "end": 2}, "priority": 3, "tags": ["a"]},
    {"task": "walk", "params": {"points": [{"x": 1, "next": {"x": 2}}], "mode": "slow"}, "queue": "q", "timeout": 5},
    {"task": "measure", "params": {"share": 0.5, "note": None}, "keep": 10, "max_deliveries": 2},
    {"task": "free", "params": {"any": {"thing": [1, "2", None]}}},
]
RECORDS = [[{"id": 1, "a": "x"}, {"id": 2, "a": "y"}], {"response": {"docs": [{"a": 1}]}}, {"a": [{"b": 1}], "n": 2}]
GOOD = dict(zip(PLACES, [JOBS[0], RECORDS[0], RECORDS[0], RECORDS[0], RECORDS[2]], strict=True))
ODD_NUMBERS = [0, -1, 1.5, -0.0, 1e308, 5e-324, 2**63, 2**64, -(2**63) - 1, 10**40, float("nan"), float("inf")]
ODD_TEXTS = [
    "",
    " ",
    "\0",
    "\ud800",
    "é",
    "🙂" * 50,
    "x" * 3000,
    "__proto__",
    "../..",
    "{}",
    "'\"",
    "\r\n",
    "%s",
    "nan",
]


class Dice:
    """Generates bodies; the same seed generates the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, *makers: Callable[[], Any]) -> Any:
        return self.random.choice(makers)()

    def value(self, depth: int = 0) -> Any:
        pick = self.random
        plain = [lambda: None, lambda: pick.random() < 0.5, lambda: pick.choice(ODD_NUMBERS), self.text]
        plain.append(lambda: pick.randrange(-5, 50))
        if depth < 5:
            plain.append(lambda: [self.value(depth + 1) for _ in range(pick.randrange(4))])
            plain.append(lambda: {self.text(): self.value(depth + 1) for _ in range(pick.randrange(4))})
        return self.of(*plain)

    def text(self) -> str:
        return str(self.of(lambda: self.random.choice(ODD_TEXTS), lambda: chr(self.random.randrange(0xFFFF)) * 3))

    def mutated(self, value: Any) -> Any:
        """The value with one part somewhere inside it replaced, added or taken away."""
        value = json.loads(json.dumps(value))
        spots: list[tuple[Any, Any]] = []

        def visit(each: Any) -> None:
            keys = list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else []
            for key in keys:
                spots.append((each, key))
                visit(each[key])

        visit(value)
        if not spots:
            return self.value()
        where, key = self.random.choice(spots)
        change = self.random.randrange(3)
        if change == 0:
            where[key] = self.value()
        elif change == 1:
            del where[key]
        elif isinstance(where, dict):
            where[self.text()] = self.value()
        else:
            where.insert(key, self.value())
        return value

    def near_valid(self) -> Any:
        return self.mutated(self.random.choice(JOBS + RECORDS))

    def encoded(self, value: Any) -> bytes:
        escape = self.random.random() < 0.7
        return json.dumps(value, ensure_ascii=escape).encode("utf-8", "surrogatepass")

    def damaged(self, body: bytes) -> bytes:
        if not body:
            return b"\0"
        at = self.random.randrange(len(body))
        return self.of(
            lambda: body[:at],
            lambda: body[:at] + self.random.randbytes(2) + body[at + 1 :],
            lambda: body + self.random.randbytes(3),
            lambda: body[at:],
        )

    def plain_body(self) -> bytes:
        deep = self.random.choice([5, 100, 250, 251, 254, 256, 300, 1000, 1030, 10_000])
        return self.of(
            lambda: self.random.randbytes(self.random.randrange(200)),
            lambda: self.encoded(self.value()),
            lambda: self.encoded(self.near_valid()),
            lambda: self.encoded(self.near_valid()),
            lambda: self.encoded([self.near_valid() for _ in range(self.random.randrange(1, 5))]),
            lambda: b"\n".join(self.encoded(self.near_valid()) for _ in range(self.random.randrange(1, 5))),
            lambda: self.damaged(self.encoded(self.random.choice(JOBS + RECORDS))),
            lambda: b'{"task":"free","params":{"x":' + b"[" * deep + b"]" * deep + b"}}",
            lambda: self.encoded(self.value()).decode("utf-8", "replace").encode("utf-16"),
            lambda: b"a,b\n" + b"\n".join(self.text().encode("utf-8", "surrogatepass") for _ in range(4)),
            lambda: (
                b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + self.encoded(self.value())
            ),
        )

    def request(self) -> tuple[bytes, dict[str, str]]:
        body, headers = self.plain_body(), {"Content-Type": self.random.choice(TYPES)}
        if self.random.random() < 0.2:
            headers["Content-Encoding"] = self.random.choice(["gzip", "gzip", "gzip", "GZIP ", "br", ""])
            body = gzip.compress(body, 1, mtime=0) if self.random.random() < 0.8 else body
            body = self.damaged(body) if self.random.random() < 0.3 else body
        return body, headers


def test_the_same_seed_generates_the_same_bodies() -> None:
    assert [Dice(7).request() for _ in range(50)] == [Dice(7).request() for _ in range(50)]


@pytest.mark.parametrize("place", PLACES)
def test_no_body_ever_gets_a_5xx(store: Store, app: Flask, place: str, recorded: Any) -> None:
    dice, http = Dice(SEED + PLACES.index(place)), app.test_client()
    statuses: dict[int, int] = {}
    for number in range(HOW_MANY if place in ("/jobs", "/data") else HOW_MANY // 10):
        body, headers = dice.request()
        answer = http.post(place, data=body, headers=headers)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        said = f"FUZZ_SEED={SEED}, body {number} of {place}: {body[:200]!r} {headers} → {answer.text[:500]}"
        assert answer.status_code < 500, said
        if answer.status_code >= 400:
            assert answer.content_type == "application/problem+json", said
            problem = answer.get_json()
            assert problem["status"] == answer.status_code, said
            assert {"type", "title", "detail"} <= set(problem), said
            assert all(set(fault) == {"pointer", "detail"} for fault in problem.get("errors", [])), said
            assert len(answer.data) < 50_000 + 10 * len(body), said
    accepted = http.post(place, json=GOOD[place]).status_code
    assert accepted in (201, 202)  # the API has come to no harm
    assert len({*statuses, accepted}) > 3, statuses  # and the others reached past the first check
    assert http.get("/jobs?limit=1000").status_code == 200
    assert len(recorded.jobs()) <= 1000
