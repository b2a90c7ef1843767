"""What `make run` does: starts the whole system, loads four years of Seattle's weather, and plots them in a job.

Everything goes over HTTP, as it does for any user; afterwards the system goes on until Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from importlib import resources
from pathlib import Path
from typing import Any

from jobsapi import Client
from jobsapi.errors import JobsApiError
from jobsapi.serve import serve
from jobsapi.settings import Settings

WEATHER = Path(str(resources.files("vega_datasets") / "_data" / "seattle-weather.csv"))
OUT = Path("out")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=None)
    settings = Settings.from_environment(port=parser.parse_args().port)
    print("Starting the API, a worker and a server of their own …", flush=True)
    try:
        return serve(None, settings, announce=lambda used, _tasks: threading.Thread(target=tour, args=(used,)).start())
    except JobsApiError as problem:
        print(problem.detail, file=sys.stderr)
        return 2


def tour(settings: Settings) -> None:
    client = Client(settings.local_url)
    loaded = client.load_data(WEATHER, id="date")
    print(f"\nLoaded {loaded['total']:,} days of Seattle's weather: POST {client.url}/data?id=date")
    windy = list(client.search_data("snow", **{"wind.gte": 5}))
    print(f"{len(windy)} of them had snow and much wind: GET {client.url}/data?search=snow&wind.gte=5")

    job = client.add_job("plot", {"start": 0, "end": loaded["total"], "field": "temp_max"})
    print(f"\nPosted a job, which was answered at once: POST {client.url}/jobs")
    show_until_ended(client, job)
    print(f"\nIts summary: {client.get_results(job.id)['summary']}")
    for path in client.save_results(job.id, OUT):
        print(f"Saved {path}")
    print(to_try_next(client.url, job.id), flush=True)


def show_until_ended(client: Client, job: Any) -> None:
    told = ""
    while True:
        progress = job.progress or {}
        word = f"  {job.status:12}{(progress.get('fraction') or 0):5.0%}  {progress.get('message') or ''}".rstrip()
        if word != told:
            print(word, flush=True)
            told = word
        if job.finished:
            return
        time.sleep(0.1)
        job = client.get_job_by_id(job.id)


def to_try_next(url: str, jid: str) -> str:
    return f"""
Try next, in another terminal:

  curl "{url}/data?search=rain&temp_max.gte=25"
  curl {url}/data/2012/01/01
  curl {url}/jobs -d '{{"start": 0, "end": 365, "field": "wind"}}'
  curl {url}/jobs/{jid}
  curl {url}/jobs/{jid}/results
  curl {url}/jobs/{jid}/results/plot -o plot.png
  curl {url}/help

Everything is described at {url}/docs. Ctrl-C stops it all."""


if __name__ == "__main__":
    sys.exit(main())
