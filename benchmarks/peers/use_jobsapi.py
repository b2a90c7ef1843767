"""jobsapi itself, through what its users call."""

import os

import app
from jobsapi import jobs, registry, tasks
from jobsapi.settings import Settings
from jobsapi.store import connect
from jobsapi.store.keys import Keys

from lines import Driver

URL = os.environ["BENCH_URL"]
STEP = 10_000


class UseJobsapi(Driver):
    packages = ("jobsapi", "redis", "hiredis")
    finished, database = ("ZCARD", Keys("jobsapi").listed("c", "default", "echo")), 1

    def prepare(self) -> None:
        self.store = connect(Settings(redis_url=URL))
        registry.publish(self.store, [tasks.get(app.echo.__name__).described()])

    def enqueue(self, count: int) -> None:
        for n in range(count):
            self.last = jobs.add_job("echo", {"n": n}, store=self.store)

    def bulk(self, count: int) -> None:
        for start in range(0, count, STEP):
            numbers = range(start, min(count, start + STEP))
            self.last = jobs.add_jobs([{"task": "echo", "params": {"n": n}} for n in numbers], store=self.store)[-1]

    def send(self, number):
        return jobs.add_job("echo", {"n": number}, store=self.store)

    def result(self, job):
        jobs.wait_for_job(job["id"], 30, store=self.store)
        return jobs.get_results(job["id"], store=self.store)

    def worker(self, variant: str) -> list[str]:
        kind = {"processes": ["--concurrency", "2"], "single": ["--concurrency", "1"], "threads": ["--threads", "8"]}
        return ["-m", "jobsapi", "worker", "app.py", *kind[variant]]


DRIVER = UseJobsapi
