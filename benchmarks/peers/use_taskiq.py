"""Taskiq: results in database 1; its list broker, and its stream broker, which acknowledges."""

import asyncio
import os

import uvloop
from taskiq.serializers import ORJSONSerializer
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend, RedisStreamBroker

from lines import Driver

URL = os.environ["BENCH_URL"]
KIND = {"list": ListQueueBroker, "streams": RedisStreamBroker}[os.environ.get("BENCH_KIND", "list")]
broker = KIND(f"{URL}/0").with_result_backend(RedisAsyncResultBackend(f"{URL}/1", serializer=ORJSONSerializer()))
broker = broker.with_serializer(ORJSONSerializer())
STEP = 100


@broker.task
async def echo(n: int) -> int:
    return n


class UseTaskiq(Driver):
    packages = ("taskiq", "taskiq-redis", "redis", "hiredis", "uvloop", "orjson")
    finished, database = ("DBSIZE",), 1

    def prepare(self) -> None:
        self.loop = uvloop.new_event_loop()
        self.loop.run_until_complete(broker.startup())

    def enqueue(self, count: int) -> None:
        async def run():
            for n in range(count):
                await echo.kiq(n)

        self.loop.run_until_complete(run())

    def bulk(self, count: int) -> None:
        async def run():
            for start in range(0, count, STEP):
                numbers = range(start, min(count, start + STEP))
                tasks = await asyncio.gather(*(echo.kiq(n) for n in numbers))
            self.last = tasks[-1]

        self.loop.run_until_complete(run())

    def send(self, number):
        return self.loop.run_until_complete(echo.kiq(number))

    def result(self, job):
        told = self.loop.run_until_complete(job.wait_result(check_interval=0.001, timeout=30))
        return told.return_value

    def worker(self, variant: str) -> list[str]:
        settings = ["--workers", {"one": "1", "processes": "2"}[variant], "--max-async-tasks", "100"]
        return ["-m", "taskiq", "worker", "use_taskiq:broker", *settings, "--log-level", "ERROR"]


DRIVER = UseTaskiq
