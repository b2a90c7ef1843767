"""SAQ: results kept for a day."""

import asyncio
import contextlib
import os

from saq import Queue

from lines import Driver

URL = os.environ["BENCH_URL"]
queue = Queue.from_url(f"{URL}/0")
STEP = 100


async def echo(ctx, *, n: int) -> int:
    return n


settings = {"queue": queue, "functions": [echo], "concurrency": 100}


class UseSaq(Driver):
    packages = ("saq", "redis", "hiredis")
    left = ("ZCARD", "saq:default:incomplete")

    def prepare(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(queue.connect())

    def enqueue(self, count: int) -> None:
        async def run():
            for n in range(count):
                await queue.enqueue("echo", n=n, ttl=86400)

        self.loop.run_until_complete(run())

    def bulk(self, count: int) -> None:
        async def run():
            for start in range(0, count, STEP):
                numbers = range(start, min(count, start + STEP))
                jobs = await asyncio.gather(*(queue.enqueue("echo", n=n, ttl=86400) for n in numbers))
            self.last = jobs[-1]

        self.loop.run_until_complete(run())

    def send(self, number):
        return self.loop.run_until_complete(queue.enqueue("echo", n=number, ttl=86400))

    def result(self, job):
        async def wait():
            for _ in range(30):  # a job that ends before the caller listens is not told of: ask again
                with contextlib.suppress(asyncio.TimeoutError):
                    await job.refresh(until_complete=1.0)
                if job.completed:
                    break
            return job.result

        return self.loop.run_until_complete(wait())

    def worker(self, variant: str) -> list[str]:
        return ["-c", "from saq.__main__ import main; main()", "use_saq.settings"]


DRIVER = UseSaq
