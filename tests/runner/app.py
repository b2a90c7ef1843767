"""The tasks of the runner's tests."""

import ctypes
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from pydantic import BaseModel, field_validator

from jobsapi import current_job, task

IMPORTED = time.time_ns()
SETUPS = []


def setup():
    SETUPS.append(IMPORTED)


@task
def facts() -> dict:
    return {"pid": os.getpid(), "imported": IMPORTED, "setups": len(SETUPS), "cwd": str(Path.cwd())}


@task
def talk(lines: int = 1):
    for i in range(lines):
        print(f"line {i}")
    sys.stdout.write("no newline")
    os.write(2, b"raw\n")
    subprocess.run(["echo", "from a subprocess"], check=True)
    logging.getLogger("mine").info("logged")
    libc = ctypes.CDLL(None)
    libc.printf(b"from C")


@task
def spill(megabytes: int):
    block = b"x" * 1_000_000
    for _ in range(megabytes):
        os.write(1, block)


@task
def fail(kind: str = "ValueError"):
    if kind == "exit":
        sys.exit("gone")
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "surrogate":
        raise FileNotFoundError(os.fsdecode(b"caf\xe9.csv"))
    raise ValueError("no such luck")


class Even(BaseModel):
    n: int

    @field_validator("n")
    @classmethod
    def check(cls, value):
        if value % 2:
            raise ValueError("is odd")
        return value


@task
def even(pair: Even):
    return pair.n


@task
def die(how: str):
    if how == "exit":
        os._exit(7)
    os.kill(os.getpid(), 9)


@task
def report():
    job = current_job()
    job.progress(0.25, "a quarter")
    for i in range(1000):
        job.progress(i / 1000)
    job.progress(1, "all")
    job.save("table", [[1, 2], [3, 4]])
    job.log("a line")
    return {"id": job.id, "token": job.token, "attempt": job.attempt}


@task
def wait(marks: str, how: str = "plain"):
    """Sleep in one of several stubborn ways; tell its pid and that of a grandchild first."""
    program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    grandchild = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    Path(marks).write_text(f"{os.getpid()} {grandchild.pid}")
    if how == "gil":
        ctypes.PyDLL(None).sleep(60)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            time.sleep(1)
        except BaseException:
            if how == "plain":
                Path(marks + ".cleaned").write_text(str(current_job().cancelled))
                raise


@task
def leave(what: str, pids: str):
    """Leave something running behind."""
    if what == "thread":
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    else:
        left = subprocess.Popen(["sleep", "60"], start_new_session=True)
        Path(pids).write_text(str(left.pid))


@task
def grow(megabytes: int):
    global HELD  # noqa: PLW0603 -- it is to stay after the job
    HELD = b"x" * (megabytes << 20)


@task
def take(megabytes: int, where: str = "python"):
    """Take memory, touch it, and stay: here, in C, or in a grandchild with a session of its own."""
    if where == "grandchild":
        program = f"import time; held = b'x' * ({megabytes} << 20); time.sleep(60)"
        subprocess.run([sys.executable, "-c", program], start_new_session=True, check=True)
    elif where == "shared":
        held = b"x" * (megabytes << 20)
        for _ in range(3):
            if os.fork() == 0:
                time.sleep(0.3)
                os._exit(len(held) % 1)
        for _ in range(3):
            os.wait()
        return
    elif where == "C":
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        libc.memset(ctypes.c_void_p(libc.malloc(ctypes.c_size_t(megabytes << 20))), 1, ctypes.c_size_t(megabytes << 20))
        time.sleep(60)
    else:
        try:
            held = b"x" * (megabytes << 20)
            time.sleep(60)
        except BaseException:
            time.sleep(60)


@task
def large(size: int) -> bytes:
    return b"y" * size


@task
def nothing_fits():
    current_job().save("large", b"y" * 1_000_000)
    return object()


@task
def save_and_die():
    current_job().save("large", b"y" * 1_000_000)
    os._exit(7)


@task
async def later(n: int) -> int:
    return n + 1


@task
def length(text: str) -> int:
    return len(text)
