"""The tasks of the tests of many jobs in one child."""

import asyncio
import contextvars
import functools
import logging
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from jobsapi import current_job, task

_lock = threading.Lock()
_barriers = {}
_rooms = defaultdict(asyncio.Event)
_inside = defaultdict(int)
_setting = contextvars.ContextVar("setting", default="")
_setting.set("of the app")


def _barrier(name, of):
    with _lock:
        return _barriers.setdefault((name, of), threading.Barrier(of, timeout=30))


@task
def meet(of: int, name: str = "here") -> int:
    """Ends when so many are there at the same time."""
    _barrier(name, of).wait()
    return os.getpid()


@task
async def meet_async(of: int, name: str = "there") -> int:
    place = name, of
    _inside[place] += 1
    if _inside[place] == of:
        _rooms[place].set()
    await _rooms[place].wait()
    return os.getpid()


@task
def talk(word: str, of: int):
    """Talks in turns with others, in every way that Python code has."""
    barrier = _barrier("talk", of)
    job = current_job()
    ways = (
        lambda: print(word, "printed"),
        lambda: print(word, "on stderr", file=sys.stderr),
        lambda: logging.getLogger(word).info("logged"),
        lambda: job.log(f"{word} told"),
        lambda: sys.stdout.buffer.write(f"{word} as bytes\n".encode()),
        lambda: print(word, end=" "),
        lambda: print("in pieces"),
    )
    for way in ways:
        barrier.wait()
        way()


@task
async def talk_async(word: str, of: int):
    print(word, "begins")
    await meet_async(of, "talkers")
    await asyncio.to_thread(print, word, "in a thread of its own")
    print(word, "no newline", end="")


@task
def spill(kilobytes: int):
    for _ in range(kilobytes):
        print("x" * 1023)


@task
def below(of: int):
    """Writes where nobody knows whose it is."""
    os.write(1, b"from the descriptor\n")
    subprocess.run(["echo", "from a subprocess"], check=True)
    print("from Python")


def _self():
    job = current_job()
    return {"id": job.id, "token": job.token, "n": job.params["n"], "setting": _setting.get()}


@task
def whoami(n: int, of: int) -> list:
    barrier, seen = _barrier("who", of), []
    for i in range(3):
        barrier.wait()
        seen.append(_self())
        _setting.set(f"of {n}") if i == 1 else None
        current_job().progress(i / 2, str(n))
        current_job().save(f"saved{i}", n)
    return seen


@task
async def whoami_async(n: int, of: int) -> list:
    seen = []
    for i in range(3):
        await meet_async(of, f"who{i}")
        seen.append(_self())
    return [*seen, await asyncio.to_thread(_self)]


@task
def fail(kind: str = "ValueError"):
    raise {"ValueError": ValueError, "SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt}[kind]("no luck")


@task
async def fail_async(kind: str = "ValueError"):
    await asyncio.sleep(0)
    fail(kind)


@task
def wait(marks: str) -> str:
    """Looks whether it shall stop."""
    Path(marks).touch()
    while not current_job().cancelled:
        time.sleep(0.01)
    print("cleaned up")
    return "half of it"


@task
async def wait_async(marks: str):
    Path(marks).touch()
    try:
        await asyncio.Event().wait()
    finally:
        print("cleaned up")


@task
def stubborn(marks: str, seconds: float = 60):
    Path(marks).touch()
    time.sleep(seconds)


@task
async def stubborn_async(marks: str):
    Path(marks).touch()
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


@task
def unheeding(marks: str, go: str) -> str:
    """Never looks, and ends all the same."""
    Path(marks).touch()
    while not Path(go).exists():
        time.sleep(0.005)
    return "all of it"


def _seen(n):
    return {"n": n, "id": current_job().id}


def _decorated(function):
    async def inner(n):
        await asyncio.sleep(0)
        return function(n)

    return functools.partial(inner)


@task(name="decorated")
def _decorated_task(n: int):
    """A plain function that gives a coroutine."""
    return _decorated(_seen)(n)


@task
def die(marks: str):
    while not Path(marks).exists():
        time.sleep(0.005)
    os._exit(7)


@task
async def large(size: int) -> bytes:
    return b"y" * size


@task
def fork() -> int:
    if os.fork() == 0:
        return 0
    os.wait()
    return os.getpid()


@task
def term() -> str:
    """What systemd does to every process of a service."""
    os.kill(os.getpid(), 15)
    program = "import signal; print(repr(signal.getsignal(15)))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


@task
def grow(megabytes: int) -> int:
    global HELD  # noqa: PLW0603 -- it is to stay after the job
    HELD = b"x" * (megabytes << 20)
    time.sleep(1.1)  # the size is looked at once a second
    return os.getpid()
