"""RQ: its default worker forks for each job; SimpleWorker runs them in its own process."""

import os

from redis import Redis
from rq import Queue

from lines import Driver

URL = os.environ["BENCH_URL"]
STEP = 1000


def echo(n: int) -> int:
    return n


class UseRq(Driver):
    packages = ("rq", "redis", "hiredis")
    finished = ("ZCARD", "rq:finished:default")

    def prepare(self) -> None:
        self.queue = Queue(connection=Redis.from_url(URL))

    def enqueue(self, count: int) -> None:
        for n in range(count):
            self.send(n)

    def bulk(self, count: int) -> None:
        for start in range(0, count, STEP):
            numbers = range(start, min(count, start + STEP))
            jobs = self.queue.enqueue_many([Queue.prepare_data("use_rq.echo", (n,), result_ttl=86400) for n in numbers])
        self.last = jobs[-1]

    def send(self, number):
        return self.queue.enqueue("use_rq.echo", number, result_ttl=86400)

    def result(self, job):
        return job.latest_result(timeout=30).return_value

    def worker(self, variant: str) -> list[str]:
        program = ["-c", "from rq.cli import main; main()"]
        if variant == "pool":
            return [*program, "worker-pool", "-n", "2", "--url", URL, "--logging-level", "ERROR", "default"]
        kind = {"fork": "rq.worker.Worker", "simple": "rq.worker.SimpleWorker"}[variant]
        return [*program, "worker", "-w", kind, "--url", URL, "--quiet", "default"]


DRIVER = UseRq
