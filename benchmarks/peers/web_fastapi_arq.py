"""FastAPI in front of arq; the body is checked, as FastAPI does."""

import contextlib
import os

from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI
from pydantic import BaseModel


class Body(BaseModel):
    n: int


@contextlib.asynccontextmanager
async def pool(app):
    app.state.arq = await create_pool(RedisSettings.from_dsn(os.environ["BENCH_URL"]))
    yield


app = FastAPI(lifespan=pool)


@app.post("/jobs", status_code=202)
async def submit(body: Body):
    job = await app.state.arq.enqueue_job("echo", body.n)
    return {"id": job.job_id, "status": "submitted"}
