"""The hand-written floor, driven as the peers are."""

import os
from uuid import uuid4

import orjson
import redis

from benchmarks.floor import BATCH, Floor
from lines import Driver

URL = os.environ["BENCH_URL"]


class UseFloor(Driver):
    packages = ("redis", "hiredis")
    finished = ("INCRBY", "{floor}:done", 0)

    def prepare(self) -> None:
        self.client = redis.Redis.from_url(URL)
        self.floor = Floor(self.client)

    def enqueue(self, count: int) -> None:
        for n in range(count):
            self.floor.create([(uuid4().hex, orjson.dumps({"n": n}))])

    def bulk(self, count: int) -> None:
        for start in range(0, count, BATCH):
            numbers = range(start, min(count, start + BATCH))
            jobs = [(uuid4().hex, orjson.dumps({"n": n})) for n in numbers]
            self.floor.create(jobs)
        self.last = jobs[-1][0]

    def result(self, job):
        return orjson.loads(self.client.hget("{floor}:j:" + job, "v"))

    def worker(self, variant: str) -> list[str]:
        return ["-m", "benchmarks.floor", URL]


DRIVER = UseFloor
