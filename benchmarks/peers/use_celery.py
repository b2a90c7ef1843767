"""Celery: broker in database 0, results in database 1."""

import os

from celery import Celery, group

from lines import Driver

URL = os.environ["BENCH_URL"]
app = Celery("use_celery", broker=f"{URL}/0", backend=f"{URL}/1")
app.conf.worker_prefetch_multiplier = 64  # its guide: many short tasks want 64 or 128
app.conf.worker_send_task_events = False
app.conf.task_send_sent_event = False


@app.task(name="echo")
def echo(n: int) -> int:
    return n


class UseCelery(Driver):
    packages = ("celery", "kombu", "redis", "hiredis")
    finished, database = ("DBSIZE",), 1

    def enqueue(self, count: int) -> None:
        for n in range(count):
            echo.delay(n)

    def bulk(self, count: int) -> None:
        self.last = group(echo.s(n) for n in range(count)).apply_async()[-1]

    def send(self, number):
        return echo.delay(number)

    def result(self, job):
        return job.get(timeout=30)

    def worker(self, variant: str) -> list[str]:
        pool = {"solo": ["--pool=solo"], "threads": ["--pool=threads", "-c", "4"], "processes": ["-c", "2"]}[variant]
        quiet = ["--loglevel=ERROR", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        return ["-m", "celery", "-A", "use_celery", "worker", *pool, *quiet]


DRIVER = UseCelery
