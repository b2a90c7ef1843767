"""`AsyncClient`: the names of `Client`, awaited."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from jobsapi import AsyncClient, Client
from jobsapi.errors import JobFailed, UnknownJob

SECONDS = 30


@pytest.fixture
def run(jobs_api):
    """Run a coroutine function that takes a client, on an event loop of its own."""

    def of(main):
        async def whole():
            async with AsyncClient(jobs_api) as client, asyncio.timeout(SECONDS):
                return await main(client)

        return asyncio.run(whole())

    return of


def test_it_has_every_name_that_the_client_has_with_the_same_parameters():
    names = [each for each in dir(Client) if not each.startswith("_") and each != "url"]
    for name in names:
        ours, theirs = inspect.signature(getattr(AsyncClient, name)), inspect.signature(getattr(Client, name))
        assert list(ours.parameters) == list(theirs.parameters), name


def test_a_handle_is_awaited(run, working):
    async def main(client):
        handle = await client.submit("double", value=21)
        assert handle.id
        assert await handle == 42
        assert (await handle.job()).status == await handle.status() == "complete"
        assert await asyncio.gather(*[await client.submit("double", value=each) for each in range(20)]) == [
            2 * each for each in range(20)
        ]
        with pytest.raises(JobFailed):
            await (await client.submit("break_down", why="so"))
        return await (await client.handle(handle.id)).result()

    assert run(main) == 42


def test_many_jobs_that_wait_hold_no_thread(run, jobs_worker):
    async def main(client):
        handles = await client.map("double", range(50))
        waiting = asyncio.gather(*handles)
        assert (await client.tasks())[0]["name"]
        await asyncio.to_thread(jobs_worker.run_all)
        return await waiting

    assert run(main) == [2 * each for each in range(50)]


def test_who_stops_waiting_leaves_the_job_alone(run):
    async def main(client):
        handle = await client.submit("double", value=1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await handle
        assert await handle.status() == "submitted"
        assert await handle.cancel() is True
        await handle.wait()
        assert handle.cancelled()

    run(main)


def test_events_come_as_they_happen(run, working):
    async def main(client):
        handle = await client.submit("talk")
        events = [event async for event in handle.events()]
        assert events[-1].data["status"] == "complete"
        assert await handle.logs() == "first\nsecond\n"
        async for _ in handle.events():
            break  # who has seen enough leaves
        await client.remove_job(handle.id)
        with pytest.raises(UnknownJob):
            [event async for event in handle.events()]

    run(main)


def test_the_rest_is_there_too(run, working):
    async def main(client):
        job = await client.add_job("double", {"value": 2})
        assert (await client.wait_for_job(job.id)).status == "complete"
        assert await client.get_results(job.id) == 4
        assert [each.id async for each in client.list_jobs(page=1)] == [job.id]
        sweep = await client.with_options(priority=3).sweep("double", {"value": [1, 2]}, plus=1)
        assert await sweep.results() == [3, 5]
        assert [row["result"] for row in await sweep.rows()] == [3, 5]
        assert sweep[0].future.job.priority == 3
        [problem] = await (await client.map("break_down", ["x"])).results(return_exceptions=True)
        assert isinstance(problem, JobFailed)
        with pytest.raises(UnknownJob):
            await client.get_job_by_id("00nothing")

    run(main)
