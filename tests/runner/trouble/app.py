"""Tasks that fail in every way, over several files of one user."""

import asyncio
import importlib
import json
import sys
from pathlib import Path

from pydantic import BaseModel

from jobsapi import current_job, task

sys.path.insert(0, str(Path(__file__).parent))
from inner import deep


class Point(BaseModel):
    x: int


@task
def fail(how: str):
    return getattr(sys.modules[__name__], f"_{how}")()


def _nested():
    deep.divide(1, 0)


def _library():
    json.loads("{bad")


def _callback():
    return json.dumps({"x": object()}, default=deep.give_up)


def _caused():
    try:
        deep.divide(1, 0)
    except ZeroDivisionError as problem:
        raise RuntimeError("the table is empty") from problem


def _while_handling():
    try:
        json.loads("{bad")
    except ValueError:
        deep.divide(1, 0)


def _group():
    problems = []
    for text in ("{bad", "[bad"):
        try:
            json.loads(text)
        except ValueError as problem:
            problems.append(problem)
    raise ExceptionGroup("two files cannot be read", problems)


def _syntax():
    importlib.import_module("inner.broken_syntax")


def _missing():
    import nothing_of_this_name  # noqa: F401


def _recursion():
    deep.down(0)


def _ping_pong():
    deep.ping(0)


def _deeper():
    sys.setrecursionlimit(20_000)
    deep.ping(0)


def _large():
    raise ValueError("x" * 1_000_000 + "the end")


def _chain():
    problem = None
    for number in range(300):
        try:
            deep.fail_from(problem, number)
        except ValueError as raised:
            problem = raised
    raise problem


def _installed():
    Point(x="no")


def _async():
    async def wait():
        deep.divide(1, 0)

    asyncio.run(wait())


def _ours():
    current_job().save("a/b", 1)


def _unfit():
    return object()
