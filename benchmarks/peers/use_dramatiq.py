"""Dramatiq: broker in database 0, results in database 1."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends.redis import RedisBackend

from lines import Driver

URL = os.environ["BENCH_URL"]
broker = RedisBroker(url=f"{URL}/0")
broker.add_middleware(Results(backend=RedisBackend(url=f"{URL}/1"), store_results=True, result_ttl=86_400_000))
dramatiq.set_broker(broker)


@dramatiq.actor
def echo(n: int) -> int:
    return n


class UseDramatiq(Driver):
    packages = ("dramatiq", "redis", "hiredis")
    finished, database = ("DBSIZE",), 1

    def enqueue(self, count: int) -> None:
        for n in range(count):
            self.last = echo.send(n)

    def send(self, number):
        return echo.send(number)

    def result(self, job):
        return job.get_result(block=True, timeout=30_000)

    def worker(self, variant: str) -> list[str]:
        processes = {"one": "1", "processes": "2"}[variant]
        return ["-m", "dramatiq", "use_dramatiq", "--processes", processes, "--threads", "8", "--skip-logging"]


DRIVER = UseDramatiq
