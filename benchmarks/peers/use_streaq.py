"""streaq: results kept for a day; uvloop on both sides."""

import os
from datetime import timedelta

import uvloop
from streaq import Worker

from lines import Driver

URL = os.environ["BENCH_URL"]
worker = Worker(redis_url=f"{URL}/0", concurrency=100, anyio_kwargs={"use_uvloop": True})
STEP = 1000


@worker.task(ttl=timedelta(days=1))
async def echo(n: int) -> int:
    return n


class UseStreaq(Driver):
    packages = ("streaq", "coredis")
    left = ("XLEN", "streaq:default:queues:normal")

    def prepare(self) -> None:
        self.loop = uvloop.new_event_loop()
        self.loop.run_until_complete(worker.__aenter__())

    def enqueue(self, count: int) -> None:
        async def run():
            for n in range(count):
                await echo.enqueue(n)

        self.loop.run_until_complete(run())

    def bulk(self, count: int) -> None:
        async def run():
            for start in range(0, count, STEP):
                tasks = [echo.enqueue(n) for n in range(start, min(count, start + STEP))]
                await worker.enqueue_many(tasks)
            self.last = tasks[-1]

        self.loop.run_until_complete(run())

    def send(self, number):
        async def run():
            return await echo.enqueue(number)

        return self.loop.run_until_complete(run())

    def result(self, job):
        return self.loop.run_until_complete(job.result(timeout=30)).result

    def worker(self, variant: str) -> list[str]:
        return ["-m", "streaq", "run", "use_streaq:worker", "--workers", {"one": "1", "processes": "2"}[variant]]


DRIVER = UseStreaq
