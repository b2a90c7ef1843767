"""`jobsapi.testing` as a project's author uses it: a folder with tasks and tests, and pytest run in it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.client.pages import DOCS, write_files

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (DOCS / "testing.md").read_text()
PLUGIN = 'pytest_plugins = ["jobsapi.testing"]\n'


def run_pytest(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))


@pytest.fixture
def project(tmp_path):
    (tmp_path / "conftest.py").write_text(PLUGIN)
    return tmp_path


def test_the_pages_examples_pass(tmp_path):
    write_files(PAGE, tmp_path)
    done = run_pytest(tmp_path, "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout
    assert not (tmp_path / ".jobsapi").exists(), "the folder's own server was left alone"


def test_every_kind_of_task_runs_in_the_tests_process(project):
    write(
        project,
        app="""
            import os, sys
            from pathlib import Path
            from jobsapi import current_job, data, jobs, task

            def value_of() -> int:
                return os.getpid()

            @task
            async def pid() -> int:
                return value_of()

            @task
            def parent(value: int) -> int:
                return value

            @task
            def child() -> list[int]:
                return [each.result for each in current_job().parents]

            @task
            def counted() -> int:
                return sum(record["n"] for record in data.records(0, 2))

            @task
            def files() -> dict:
                Path("note.txt").write_text("hello")
                current_job().save("picture", b"\\x89PNG\\r\\n\\x1a\\n")
                return {"note": Path("note.txt"), "number": 2**70}

            @task(memory_mb=100)
            def leaves() -> None:
                print("out")
                print("err", file=sys.stderr)
                sys.exit(3)

            @task
            def spawns(left: int) -> None:
                if left:
                    jobs.add_job(spawns, {"left": left - 1})
            """,
        test_app="""
            import asyncio, os
            import pytest
            import app
            from jobsapi import data, jobs
            from jobsapi.client.values import Image
            from jobsapi.errors import Invalid, JobFailed

            def test_async(run_job):
                assert run_job(app.pid).result() == os.getpid()

            def test_async_in_a_loop(run_job):
                async def main():
                    return run_job(app.pid).result()
                assert asyncio.run(main()) == os.getpid()

            def test_parents(run_job):
                parents = [jobs.add_job("parent", {"value": each}).id for each in (1, 2)]
                assert run_job.with_options(after=parents)("child").result() == [1, 2]

            def test_data(run_job):
                data.load(b'[{"n": 1}, {"n": 2}, {"n": 3}]', media_type="application/json")
                assert run_job("counted").result() == 3

            def test_each_test_begins_with_nothing(run_job):
                assert jobs.list_jobs()[0] == []
                assert data.datasets() == []

            def test_files(run_job, tmp_path, monkeypatch):
                monkeypatch.chdir(tmp_path)
                result = run_job("files").result()
                assert (result["note"].text, result["note"].name, result["number"]) == ("hello", "note.txt", 2**70)
                assert isinstance(result["picture"], Image)

            def test_exit(run_job, capsys):
                job = run_job("leaves")
                assert (job.status, job.error["type"]) == ("failed", "SystemExit")
                assert isinstance(job.exception(), SystemExit)
                assert job.logs().startswith("out\\nerr\\nTraceback")
                assert capsys.readouterr().out == "out\\n"

            def test_jobs_of_jobs(jobs_worker):
                jobs.add_job("spawns", {"left": 3})
                assert len(jobs_worker.run_all()) == 4
                assert jobs_worker.run_next() is None

            def test_unknown(run_job):
                with pytest.raises(Invalid, match="Known tasks: child, counted"):
                    run_job("nonsense")

            def test_a_paused_queue_is_told(run_job, jobs_store):
                jobs.pause_queue(jobs_store, "default")
                with pytest.raises(AssertionError, match="paused"):
                    run_job("pid")

            def test_what_the_test_itself_raises_goes_through(run_job, monkeypatch):
                monkeypatch.setattr(app, "value_of", lambda: pytest.fail("seen"))
                with pytest.raises(pytest.fail.Exception, match="seen"):
                    run_job("pid")
            """,
    )
    done = run_pytest(project, "-W", "error")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_servers_end_with_the_run_and_nothing_else_is_touched(project):
    write(
        project,
        app="""
            from jobsapi import task

            @task
            def one() -> int:
                return 1
            """,
        test_app="""
            import app, os
            from pathlib import Path

            def test_one(run_job, jobs_server, start_worker):
                assert run_job("one").result() == 1
                worker = start_worker("app.py")
                pid = next(Path(jobs_server.folder).rglob("*.pid")).read_text()
                Path("pids").write_text(f"{pid} {worker.pid}")
                os.kill(os.getpid(), 9)
            """,
    )
    done = run_pytest(project, REDIS_URL="redis://127.0.0.1:1/0", JOBSAPI_NAMESPACE="precious")
    assert done.returncode == -9, done.stdout
    from tests.system import is_alive, until

    pids = [int(each) for each in (project / "pids").read_text().split()]
    assert len(pids) == 2
    until("server and worker are gone", lambda: not any(map(is_alive, pids)))


def test_a_worker_that_does_not_come_up_says_why(project):
    write(
        project,
        broken="raise RuntimeError('no such model')\n",
        test_broken="""
            import pytest

            def test_it(start_worker):
                with pytest.raises(AssertionError, match="no such model"):
                    start_worker("broken.py")
            """,
    )
    assert run_pytest(project).returncode == 0
