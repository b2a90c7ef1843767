"""Huey: notify_result, which tells a waiting caller at once, only where a caller waits; it costs every job a little."""

import os

from huey import RedisHuey

from lines import Driver

URL = os.environ["BENCH_URL"]
huey = RedisHuey("bench", url=f"{URL}/0", notify_result=os.environ.get("BENCH_ROW") == "latency")


@huey.task()
def echo(n: int) -> int:
    return n


class UseHuey(Driver):
    packages = ("huey", "redis", "hiredis")
    finished = ("HLEN", "huey.results.bench")

    def enqueue(self, count: int) -> None:
        for n in range(count):
            self.last = echo(n)

    def bulk(self, count: int) -> None:
        self.last = list(echo.map(range(count)))[-1]

    def send(self, number):
        return echo(number)

    def result(self, job):
        return job.get(blocking=True, timeout=30, preserve=True)

    def worker(self, variant: str) -> list[str]:
        kind = {"one": ["-k", "thread", "-w", "1"], "threads": ["-k", "thread", "-w", "4"]}
        kind["processes"] = ["-k", "process", "-w", "2"]
        return ["-m", "huey.bin.huey_consumer", "use_huey.huey", *kind[variant], "-q"]


DRIVER = UseHuey
