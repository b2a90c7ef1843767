"""Data sets: load rate, memory, and how long the first page of a search takes.

    python -m benchmarks.data [--records 100000] [FILE …]

Loads generated records, then the files, each into a Valkey of its own run, and prints for each: records and bytes of
JSON, records a second, the server's memory for the data set with its index beside that of the same JSON put into one
hash by pipelined HSET alone, the loading process's memory, and the first page of searches for two words.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks.server import fresh_store
from jobsapi import data
from jobsapi.data.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.store import Store

SEARCHES = 500
PAGE = 100


def generated(count: int) -> Iterator[dict[str, Any]]:
    """Records of about 200 bytes: an id, a name, a sentence, numbers, a date, a category, an inner object."""
    random_ = random.Random(7)
    known = ["".join(random_.choices("abcdefghijklmnopqrstuvwxyz", k=random_.randint(3, 9))) for _ in range(20_000)]
    weights = [1 / (rank + 10) for rank in range(len(known))]  # some words are common, most are rare
    drawn: list[str] = []
    for number in range(count):
        if len(drawn) < 10:
            drawn = random_.choices(known, weights, k=10_000)
        yield {
            "id": f"r{number}",
            "name": " ".join(islice(iter(drawn.pop, None), 2)),
            "note": " ".join(islice(iter(drawn.pop, None), 8)),
            "magnitude": round(random_.gauss(3, 1), 2),
            "day": f"20{random_.randrange(10, 26)}-{random_.randrange(1, 13):02}-{random_.randrange(1, 29):02}",
            "kind": random_.choice(("mine", "quake", "blast", "landslide", "unknown")),
            "checked": random_.random() < 0.5,
            "place": {"lat": round(random_.uniform(-90, 90), 4), "lon": round(random_.uniform(-180, 180), 4)},
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    given = parser.parse_args()
    with fresh_store() as store:
        _tell(f"{given.records:,} generated records", measured(store, generated(given.records)))
        for file in given.files:
            _tell(file.name, measured(store, file))


def measured(store: Store, source: Any) -> dict[str, float]:
    """Loads it into the empty store, then searches it. Sizes are bytes, times of searches ms."""
    store.redis.flushdb()
    empty = _memory(store)
    started = time.perf_counter()
    loaded = data.load(source, store=store)["loaded"]
    seconds = time.perf_counter() - started
    ours = _memory(store) - empty
    size = sum(len(orjson.dumps(record)) for record in data.records(store=store))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    told = {"records": loaded, "json": size, "rate": loaded / seconds, "memory": ours, "own memory": own}
    plain, plain_rate = _plain(store)
    return told | {"plain": plain, "plain rate": plain_rate} | _searches(store, _pairs(store))


def _tell(name: str, told: dict[str, float]) -> None:
    size = told["json"]
    print(f"{name}: {told['records']:,} records, {size / 1e6:.1f} MB of JSON")
    print(f"  loaded at {told['rate']:,.0f} records a second; pipelined HSET alone at {told['plain rate']:,.0f}")
    print(f"  memory in the server: {told['memory'] / 1e6:.1f} MB, {told['memory'] / size:.2f} of the JSON; ", end="")
    print(f"the JSON alone in a hash: {told['plain'] / 1e6:.1f} MB, {told['plain'] / size:.2f}")
    print(f"  memory of this process at its highest: {told['own memory'] / 2**20:.0f} MB")
    print(
        f"  first page of {PAGE}, two words, both of one record: p50 {told['p50']:.2f} ms, p99 {told['p99']:.2f} ms; "
        f"found {told['found']:,.0f} (median), {told['most found']:,} (most)"
    )


def _plain(store: Store) -> tuple[int, float]:
    """The server's memory for the records as JSON in one hash, by number; and records a second with nothing else."""
    before, seconds = _memory(store), 0.0
    numbered = enumerate(data.records(store=store))
    while some := {str(number): orjson.dumps(record) for number, record in islice(numbered, 1000)}:
        started = time.perf_counter()
        store.redis.hset("plain", mapping=some)
        seconds += time.perf_counter() - started
    used = _memory(store) - before
    count = store.redis.hlen("plain")
    store.redis.unlink("plain")
    return used, count / seconds


def _memory(store: Store) -> int:
    """The server's memory once it has freed what was removed."""
    while store.redis.info("memory")["lazyfree_pending_objects"]:
        time.sleep(0.01)
    return int(store.redis.info("memory")["used_memory"])


def _pairs(store: Store) -> list[str]:
    """Searches for two words that some record has."""
    random_ = random.Random(11)
    records = data.records(store=store)
    found = []
    while len(found) < SEARCHES:
        its = {
            word
            for value in records[random_.randrange(len(records))].values()
            for word in (words(value) if isinstance(value, str) else ())
        }
        if len(its) > 1:
            found.append(" ".join(random_.sample(sorted(its), 2)))
    return found


def _searches(store: Store, texts: list[str]) -> dict[str, float]:
    took, totals = [], []
    for text in texts:
        started = time.perf_counter()
        page = data.search_raw(text, limit=PAGE, store=store)
        took.append((time.perf_counter() - started) * 1000)
        totals.append(page.total)
    cuts = statistics.quantiles(took, n=100)
    return {"p50": cuts[49], "p99": cuts[98], "found": statistics.median(totals), "most found": max(totals)}


if __name__ == "__main__":
    main()
