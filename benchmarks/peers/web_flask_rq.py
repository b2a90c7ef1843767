"""Flask in front of RQ."""

import os

from flask import Flask, request
from redis import Redis
from rq import Queue

app = Flask(__name__)
queue = Queue(connection=Redis.from_url(os.environ["BENCH_URL"]))


@app.post("/jobs")
def submit():
    job = queue.enqueue("use_rq.echo", request.get_json()["n"], result_ttl=86400)
    return {"id": job.id, "status": "submitted"}, 202
