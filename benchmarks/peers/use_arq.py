"""arq: results kept for an hour, its default; no log line a job; both sides look every 10 ms instead of every 500."""

import asyncio
import os

from arq import create_pool
from arq.connections import RedisSettings

from lines import Driver

URL = os.environ["BENCH_URL"]
SETTINGS = RedisSettings.from_dsn(f"{URL}/0")
LOOK_EVERY = 0.01
STEP = 100


async def echo(ctx, n: int) -> int:
    return n


class Worker:
    functions = [echo]
    redis_settings = SETTINGS
    poll_delay = LOOK_EVERY
    max_jobs = 100
    log_results = False


class UseArq(Driver):
    packages = ("arq", "redis", "hiredis")
    left = ("ZCARD", "arq:queue")

    def prepare(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.pool = self.loop.run_until_complete(create_pool(SETTINGS))

    def enqueue(self, count: int) -> None:
        async def run():
            for n in range(count):
                await self.pool.enqueue_job("echo", n)

        self.loop.run_until_complete(run())

    def bulk(self, count: int) -> None:
        async def run():
            for start in range(0, count, STEP):
                numbers = range(start, min(count, start + STEP))
                jobs = await asyncio.gather(*(self.pool.enqueue_job("echo", n) for n in numbers))
            self.last = jobs[-1]

        self.loop.run_until_complete(run())

    def send(self, number):
        return self.loop.run_until_complete(self.pool.enqueue_job("echo", number))

    def result(self, job):
        return self.loop.run_until_complete(job.result(timeout=30, poll_delay=LOOK_EVERY))

    def worker(self, variant: str) -> list[str]:
        return ["-c", "from arq.cli import cli; cli()", "use_arq.Worker"]


DRIVER = UseArq
