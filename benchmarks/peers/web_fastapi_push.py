"""The least that FastAPI can do: check the body, push it onto a list, answer; and read one key."""

import json
import os
import uuid

from fastapi import FastAPI, Response
from pydantic import BaseModel
from redis.asyncio import Redis


class Body(BaseModel):
    n: int


app = FastAPI()
server = Redis.from_url(os.environ["BENCH_URL"])


@app.post("/jobs", status_code=202)
async def submit(body: Body):
    job = {"id": uuid.uuid4().hex, "status": "submitted", "params": {"n": body.n}}
    await server.rpush("jobs", json.dumps(job))
    return job


@app.get("/jobs/{jid}")
async def read(jid: str):
    return Response(await server.get(jid), media_type="application/json")
