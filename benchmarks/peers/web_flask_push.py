"""The least that Flask can do for a job: read JSON, push it onto a list, answer; nothing is checked or recorded."""

import json
import os
import uuid

import redis
from flask import Flask, request

app = Flask(__name__)
server = redis.Redis.from_url(os.environ["BENCH_URL"])


@app.post("/jobs")
def submit():
    job = {"id": uuid.uuid4().hex, "status": "submitted", "params": request.get_json()}
    server.rpush("jobs", json.dumps(job))
    return job, 202
