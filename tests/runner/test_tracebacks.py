"""The traceback of a job that failed: the user's own lines, in order, and few others; the log has all of it."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path

import orjson
import pytest

from jobsapi.runner import Output, Pool, Raised, Work
from jobsapi.tracebacks import MOST

TROUBLE = Path(__file__).parent / "trouble"


@pytest.fixture(scope="module")
def fail(tmp_path_factory):
    """How a job of the app failed: its error's traceback, and its log."""
    folder = tmp_path_factory.mktemp("user") / "trouble"
    shutil.copytree(TROUBLE, folder)
    (folder / "inner" / "broken_syntax.txt").rename(folder / "inner" / "broken_syntax.py")
    wake, _ = os.pipe()
    pool = Pool(str(folder / "app.py"), 1)
    pool.start()

    def run(how: str) -> tuple[str, str]:
        log, sent = b"", False
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if pool.free and not sent:
                params = orjson.dumps({"how": how})
                pool.run([Work(how, "token", "fail", params, 1, None, 1_000, None)])
                sent = True
            for event in pool.poll(0.1, wake):
                if isinstance(event, Output):
                    log += event.data
                elif isinstance(event, Raised):
                    return event.traceback, log.decode()
        raise AssertionError(log)

    yield run
    pool.close()


def files(trace: str) -> list[str]:
    """The files whose lines are shown, in order."""
    return [Path(name).name for name in re.findall(r'File "([^"]+)", line', trace)]


def folds(trace: str) -> list[str]:
    return re.findall(r"\[(.*left out.*)\]", trace)


def test_lines_of_every_file_of_the_user_are_shown_and_the_log_has_all(fail):
    trace, log = fail("nested")
    assert files(trace) == ["app.py", "app.py", "deep.py"]
    assert "return a / b" in trace
    assert trace.endswith("ZeroDivisionError: division by zero\n")
    assert folds(trace) == []
    assert "execution.py" in log
    assert len(files(log)) > 3


def test_of_a_library_that_the_user_called_one_line_tells(fail):
    trace, log = fail("library")
    assert files(trace) == ["app.py", "app.py"]
    assert re.fullmatch(
        r"3 frames of the standard library left out; the last: json/decoder.py, line \d+, in raw_decode",
        folds(trace)[0],
    )
    assert "JSONDecodeError: Expecting property name" in trace
    assert "decoder.py" in log


def test_what_a_library_calls_back_is_shown_after_it(fail):
    trace, _ = fail("callback")
    assert files(trace) == ["app.py", "app.py", "deep.py"]
    assert trace.index("frames of the standard library left out") < trace.index("deep.py")


def test_an_installed_package_is_named(fail):
    trace, _ = fail("installed")
    assert files(trace) == ["app.py", "app.py"]
    assert [
        fold for fold in folds(trace) if fold.startswith("1 frame of pydantic left out; the last: pydantic/main.py")
    ]


@pytest.mark.parametrize(
    ("how", "sentence", "shown"),
    [
        ("caused", "The above exception was the direct cause", ["app.py", "deep.py", "app.py", "app.py"]),
        ("while_handling", "During handling of the above exception", ["app.py", "app.py", "app.py", "deep.py"]),
    ],
)
def test_what_it_was_raised_from_is_shown_in_the_same_way(fail, how, sentence, shown):
    trace, _ = fail(how)
    assert sentence in trace
    assert files(trace) == shown
    assert "execution.py" not in trace


def test_each_exception_of_a_group_is_shown(fail):
    trace, _ = fail("group")
    assert "ExceptionGroup: two files cannot be read (2 sub-exceptions)" in trace
    assert trace.count("JSONDecodeError") == 2
    assert set(files(trace)) == {"app.py"}
    assert len(folds(trace)) == 2


def test_a_syntax_error_shows_the_place_in_the_users_file(fail):
    trace, _ = fail("syntax")
    assert files(trace) == ["app.py", "app.py", "broken_syntax.py"]
    assert "def broken(:" in trace
    assert "frozen" not in trace


def test_a_missing_package_shows_the_import(fail):
    trace, _ = fail("missing")
    assert trace.rstrip().endswith("ModuleNotFoundError: No module named 'nothing_of_this_name'")
    assert "import nothing_of_this_name" in trace


def test_a_recursion_is_told_in_a_few_lines(fail):
    trace, _ = fail("recursion")
    assert "Previous line repeated" in trace
    assert "RecursionError" in trace
    assert len(trace.splitlines()) < 30


@pytest.mark.parametrize("how", ["ping_pong", "deeper"])
def test_of_a_deep_stack_both_ends_are_shown(fail, how):
    trace, _ = fail(how)
    assert re.search(r"\[[\d,]+ frames left out\]", trace)
    assert "RecursionError" in trace
    assert len(files(trace)) == 40
    assert len(trace) <= MOST + 100


@pytest.mark.parametrize(("how", "end"), [("large", "the end\n"), ("chain", "ValueError: number 299\n")])
def test_a_very_long_one_keeps_both_ends(fail, how, end):
    trace, _ = fail(how)
    assert "characters left out" in trace
    assert trace.startswith("Traceback")
    assert trace.endswith(end)
    assert len(trace) <= MOST + 100


def test_what_runs_coroutines_is_not_shown_before_them(fail):
    trace, _ = fail("async")
    assert files(trace) == ["app.py", "app.py", "app.py", "deep.py"]


def test_what_the_user_called_of_this_package_is_one_line(fail):
    trace, _ = fail("ours")
    assert files(trace) == ["app.py", "app.py"]
    assert "of jobsapi left out; the last: jobsapi/" in trace


def test_where_no_line_is_the_users_the_message_stands_alone(fail):
    trace, _ = fail("unfit")
    assert files(trace) == []
    assert len(trace.splitlines()) == 1
