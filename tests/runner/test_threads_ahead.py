"""Jobs that a child with threads was given ahead of their turn: they begin in it, or come back as if never given."""

from __future__ import annotations

import orjson
import pytest

from jobsapi.runner import Died, Done, Returned, Stopped, Work
from tests.runner.test_pool import ENDS
from tests.runner.test_threads import ThreadsDriver

THREADS = 2


class AheadDriver(ThreadsDriver):
    """One child with two threads, both at work until `go` is touched."""

    def __init__(self, folder) -> None:
        super().__init__(threads=THREADS)
        self.go = folder / "go"
        marks = [folder / f"marks{n}" for n in range(THREADS)]
        self.first = [self.begin("unheeding", marks=str(each), go=str(self.go)) for each in marks]
        self.until_exists(*marks)

    def ahead(self, *asked: tuple[str, dict], timeout: float | None = None) -> list[str]:
        ids = [f"job{next(self.numbers)}" for _ in asked]
        self.pool.run_ahead(
            [
                Work(jid, f"token-{jid}", task, orjson.dumps(params), 1, timeout, 1_000)
                for jid, (task, params) in zip(ids, asked, strict=True)
            ]
        )
        return ids

    def until_told(self, *ids: str) -> list:
        told = (*ENDS, Returned)
        events = self.poll_until(lambda found: set(ids) <= {each.job_id for each in found if isinstance(each, told)})
        return [each for each in events if isinstance(each, told) and each.job_id in ids]


@pytest.fixture
def driver(tmp_path):
    made = AheadDriver(tmp_path)
    yield made
    made.close()


def test_there_is_room_ahead_only_in_a_child_that_is_full(driver):
    assert driver.pool.free == 0
    assert driver.pool.room_ahead > 0
    driver.go.touch()
    driver.until_told(*driver.first)
    assert driver.pool.free == THREADS
    assert driver.pool.room_ahead == 0


def test_they_begin_as_others_end_and_never_more_than_there_are_threads(driver):
    ids = driver.ahead(*[("meet", {"of": 1}), ("meet_async", {"of": 1})] * 8)
    driver.go.touch()
    ends = driver.until_told(*driver.first, *ids)
    assert all(isinstance(each, Done) for each in ends if each.job_id in driver.first)
    assert driver.pool.ahead == 0


def test_those_behind_a_long_job_come_back(driver):
    ids = driver.ahead(*[("meet", {"of": 1})] * 3)
    assert driver.until_told(*ids) == [Returned(jid) for jid in ids]
    driver.go.touch()
    driver.until_told(*driver.first)
    assert driver.values(("meet", {"of": 1}))


def test_one_that_is_stopped_never_begins_and_the_others_come_back(driver, tmp_path):
    mark = tmp_path / "mark"
    stopped, other = driver.ahead(("wait", {"marks": str(mark)}), ("meet", {"of": 1}))
    driver.pool.stop(stopped, "cancelled")
    told = driver.until_told(stopped, other)
    assert sorted(told, key=lambda each: each.job_id) == [Stopped(stopped, "cancelled"), Returned(other)]
    assert not mark.exists()


def test_its_time_begins_with_its_run(driver):
    [jid] = driver.ahead(("meet", {"of": 9}), timeout=0.5)
    run = next(each for each in driver.pool._slots[0].runs.values() if each.work.id == jid)
    assert run.moment is None
    driver.go.touch()
    assert driver.until_told(*driver.first)
    driver.poll_until(lambda _: run.moment is not None)


def test_when_the_child_dies_only_those_that_may_have_begun_are_lost(driver):
    ids = driver.ahead(*[("meet", {"of": 1})] * 3)
    driver.pool._slots[0].process.kill()
    ends = driver.until_told(*driver.first, *ids)
    assert {each.job_id for each in ends if isinstance(each, Died)} == set(driver.first)
    assert {each.job_id for each in ends if isinstance(each, Returned)} == set(ids)
