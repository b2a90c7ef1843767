"""Batches from the command line and from `Client`, against a real system."""

from __future__ import annotations

import csv
import json

import pytest

from jobsapi.errors import UnknownBatch
from tests.system import until


@pytest.fixture
def batch(system):
    """The id of a batch of two jobs that have ended: one complete, one failed."""
    client = system.client()
    made = client.add_jobs([{"task": "add", "params": {"a": 1}}, {"task": "fail"}])
    until("it has ended", lambda: client.get_batch(made[0].batch).finished)
    return made[0].batch


def test_a_client_sees_a_batch_as_python_does(system, batch):
    client = system.client()
    found = client.get_batch(batch)
    assert (found.total, found.counts["complete"], found.counts["failed"], found.task) == (2, 1, 1, None)
    assert next(client.list_batches(page=1)).id == batch
    rows = list(client.batch_results(batch))
    assert [(row["status"], row["reason"], row["a"], row["result"]) for row in rows] == [
        ("complete", None, 1, 3),
        ("failed", "error", None, None),
    ]
    assert [job.id for job in client.list_jobs(batch=batch)] == [rows[1]["id"], rows[0]["id"]]
    assert client.cancel_batch(batch).counts == found.counts
    with pytest.raises(UnknownBatch):
        client.get_batch("00" + "x" * 18)


def test_batch_status_says_how_far_it_is(system, batch):
    done = system.run("batch", "status", batch)
    told = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert (told["id"], told["jobs"], told["complete"], told["failed"]) == (batch, "2", "1", "1")
    assert json.loads(system.run("batch", "status", batch, "--json").stdout)["counts"]["failed"] == 1
    assert batch in system.run("batch", "list").stdout


def test_batch_results_are_csv_on_stdout_or_in_a_file(system, batch):
    printed = system.run("batch", "results", batch).stdout
    rows = list(csv.DictReader(printed.splitlines()))
    assert [(row["status"], row["a"], row["result"]) for row in rows] == [("complete", "1", "3"), ("failed", "", "")]
    done = system.run("batch", "results", batch, "-o", "table.csv")
    assert done.stdout == "table.csv\n"
    assert (system.folder / "table.csv").read_text() == printed
    assert json.loads(system.run("batch", "results", batch, "--json").stdout)["rows"][0]["result"] == 3


def test_batch_cancel_stops_what_is_active(system):
    never = str(system.folder / "never")
    made = system.client().add_jobs([{"task": "hold", "params": {"until": never}} for _ in range(5)])
    done = system.run("batch", "cancel", made[0].batch)
    assert done.returncode == 0, done.stderr
    found = until("it has ended", lambda: (b := system.client().get_batch(made[0].batch)).finished and b)
    assert found.counts["cancelled"] == 5


def test_an_unknown_batch_is_said_in_one_sentence(system):
    done = system.run("batch", "status", "nothing")
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "jobsapi: No batch has the id 'nothing'. `jobsapi batches` lists those that are there.\n",
    )


def test_a_sweep_prints_the_batchs_id_or_with_wait_its_table(system):
    flags = ["--sweep", "a=1,2", "--sweep", "b=10,20"]
    done = system.run("submit", "add", *flags, "--tag", "swept")
    assert system.client().get_batch(done.stdout.strip()).sweep == ["a", "b"]
    done = system.run("submit", "add", *flags, "--wait")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [(row["a"], row["b"], row["result"]) for row in csv.DictReader(done.stdout.splitlines())]
    assert rows == [("1", "10", "11"), ("1", "20", "21"), ("2", "10", "12"), ("2", "20", "22")]
    done = system.run("submit", "add", "b=1", "--sweep", "a=1,2", "--wait", "--json")
    assert json.loads(done.stdout)["counts"]["complete"] == 2


def test_a_sweep_that_does_not_fit_or_does_not_complete_says_so(system):
    done = system.run("submit", "add", "--sweep", "a=1,x")
    assert (done.returncode, done.stdout) == (2, "")
    assert "/sweep/a/1" in done.stderr
    done = system.run("submit", "hold", "until=/", "--sweep", "seconds=1,2", "--expires-in", "0.001", "--wait")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("jobsapi: 2 of 2 jobs did not complete; `jobsapi jobs --batch ")


def test_a_client_sends_a_sweep_and_waits_for_it(system):
    client = system.client()
    batch = client.wait_for_batch(client.add_sweep("add", {"a": range(3)}, {"b": 1}).id, 60)
    assert [row["result"] for row in client.batch_results(batch.id)] == [1, 2, 3]
    held = client.add_sweep("hold", {"until": [str(system.folder / "never")]})
    with pytest.raises(TimeoutError):
        client.wait_for_batch(held.id, 0.1)
    client.cancel_batch(held.id)
