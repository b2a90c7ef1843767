"""The process that starts a folder's embedded server, again when it dies, and stops it after its last user.

`embedded` runs this file by its path in a bare interpreter (`-I -S`) in the server's folder, so it imports the standard
library alone and names every file relative to that folder: a folder that is moved takes its server along.
Three lock files carry all that is known for certain, because a lock ends with its holder, however that one ends:

    users.lock         shared by all processes that use the server; the keeper that gets it alone stops the server
    keeper.lock        held by the one keeper: who starts a keeper takes it and hands it down
    store/server.lock  held by the server through a descriptor it inherits. Locked means: connect, do not start another.
                       It lies with the data it guards, so that it is not removed without them.

A keeper also goes by the *identity* of its lock file. It names the socket's folder, and nobody else has it while the
keeper lives: a copy of the folder, or another in its old place, never meets a server that is not its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

__all__ = [
    "Keeper",
    "NotPrivateError",
    "ask",
    "check_private",
    "environment",
    "identity",
    "make_private",
    "read_record",
    "try_lock",
]

USERS, KEEPER, SERVER = "users.lock", "keeper.lock", "store/server.lock"
RECORD = "server.json"
"""What the users read: the socket, the machine, the keeper and the identity of its lock."""
PID = "server.pid"  # the server writes it itself: a keeper that is killed could leave a gap
ALWAYS = "always"  # there while a user wants `appendfsync always`, so that a server started again has it too
LOG = "server.log"
STORE = "store"

_JEMALLOC = [
    f"{folder}/libjemalloc.so.2"
    for folder in ("/usr/local/lib", *sorted(map(str, Path("/usr/lib").glob("*-linux-gnu"))), "/usr/lib64", "/usr/lib")
]
"""Where distributions put it."""

_LOG_LIMIT = 1024 * 1024  # bytes, above which a log is put aside when a server starts
_STARTS, _WINDOW = 5, 60.0  # so many starts within so many seconds are the most
_TICK = 2.0  # seconds between two looks at the socket and the folder
_STOPPING = 10.0  # seconds for each way of stopping the server


class NotPrivateError(Exception):
    """A folder that should be ours alone is not."""


def try_lock(path: str | Path, how: int = fcntl.LOCK_EX) -> int | None:
    """A descriptor that holds the lock on the file, made if need be, or None where another holds it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError:
        os.close(lock)
        raise
    return lock


def ask(address: str, *words: str, timeout: float = 1.0) -> str | None:
    """The first line of the server's reply to one command, or None where nothing answers in time (s)."""
    command = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(timeout)
        wire.connect(address)
        wire.sendall(command.encode("ascii"))
        reply = b""
        while b"\r\n" not in reply and (more := wire.recv(4096)):
            reply += more
        return reply.partition(b"\r\n")[0].decode() or None
    return None


def check_private(folder: str | Path) -> None:
    """Raise NotPrivateError unless the folder is a real one, ours and closed to others; OSError if it is missing."""
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise NotPrivateError(f"{folder} is not a folder.")
    if found.st_uid != os.geteuid():
        raise NotPrivateError(f"{folder} belongs to another user (id {found.st_uid}).")
    if found.st_mode & 0o077:
        raise NotPrivateError(f"{folder} is open to other users (mode {stat.S_IMODE(found.st_mode):o}).")


def make_private(folder: str | Path) -> None:
    """Make the folder with mode 0700, or check that the one that is there is private."""
    with contextlib.suppress(FileExistsError):
        Path(folder).mkdir(mode=0o700)
    check_private(folder)


def identity(path: str | Path | int) -> str:
    """What a file (or an open one's descriptor) keeps when it is moved, and a copy of it does not have."""
    found = os.stat(path)  # noqa: PTH116 - a descriptor too
    return f"{found.st_dev}:{found.st_ino}"


def read_record(folder: str | Path) -> dict[str, Any] | None:
    """What the folder's keeper wrote down; None where there is nothing, or only a copy of another folder's record."""
    try:
        record = json.loads((Path(folder) / RECORD).read_bytes())
        return record if record["lock"] == identity(Path(folder) / KEEPER) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Keeper:
    """One folder's keeper; `lock` is the descriptor of keeper.lock, `address` the socket's path."""

    def __init__(self, lock: int, binary: str, address: str) -> None:
        self.lock = lock
        self.binary = binary
        self.address = address
        self.server: subprocess.Popen[bytes] | None = None  # None: adopted from a keeper that died
        self.ready = False  # it has answered
        self.since = time.monotonic()  # when it was started, adopted or told to start again
        self.starts: list[float] = []
        self.events: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()

    def settle_in(self) -> None:
        """Make the folder of the data, and tell the users who keeps it from now on, and where the server is."""
        Path(STORE).mkdir(mode=0o700, exist_ok=True)
        Path(STORE).chmod(0o700)
        self._write_record()

    def run(self) -> None:
        """Start or adopt the server, and stay until the last user is gone or the server cannot be helped."""
        free = try_lock(SERVER)
        if free is None:
            self.ready = True
            self._tell_when_free(SERVER, "gone")
        else:
            self._start(free)
        self._tell_when_free(USERS, "alone")
        going = True
        while going:
            going = self._step()

    def _step(self) -> bool:
        """Wait for one event and deal with it; False when there is nothing left to keep."""
        try:
            event, lock = self.events.get(timeout=_TICK if self.ready else 0.05)
        except queue.Empty:
            return self._look()
        if event == "gone":
            return self._start_again(lock)
        self._stop()
        self._clean_up()
        Path(ALWAYS).unlink(missing_ok=True)
        os.close(self.lock)  # first: a user who is let in by the end of `lock` finds the place free
        os.close(lock)
        return False

    def _tell_when_free(self, path: str, event: str) -> None:
        """Put (event, descriptor) on the queue once the lock is ours; a thread waits for it in the kernel."""
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

        def wait() -> None:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.events.put((event, lock))

        threading.Thread(target=wait, daemon=True).start()

    def _start(self, lock: int) -> None:
        """Start the server, which takes over `lock`."""
        self.since = time.monotonic()
        self.starts.append(self.since)
        Path(PID).unlink(missing_ok=True)
        _bound_log()
        with contextlib.suppress(OSError, NotPrivateError):  # the server's own complaint then stands in the log
            make_private(Path(self.address).parent)
        with Path(LOG).open("ab") as log:
            self.server = subprocess.Popen(
                [self.binary, *_options(self.address)],
                env=environment(self.binary),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
            )
        os.close(lock)
        self.ready = False
        self._tell_when_free(SERVER, "gone")

    def _start_again(self, lock: int) -> bool:
        """Start a server in place of one that ended, unless that has been tried enough."""
        code = self.server.wait() if self.server else None
        if not self._in_place():
            self._remove_socket()
            return False
        now = time.monotonic()
        self.starts = [at for at in self.starts if now - at < _WINDOW]
        refused = code is not None and code > 0 and not self.ready  # it said why, and will say it again
        if refused or len(self.starts) >= _STARTS:
            _log(f"the server ended (code {code}) after {len(self.starts)} starts within {_WINDOW:.0f} s: given up")
            self._clean_up()
            return False
        _log(f"the server ended (code {code}); it is started again")
        if len(self.starts) > 1:
            time.sleep(0.05 * 2 ** len(self.starts))
        self._start(lock)
        return True

    def _look(self) -> bool:
        """See that the server can be reached where its users look for it; False where its folder was removed."""
        if not self._in_place():
            self._stop()
            self._remove_socket()
            return False
        if not self.ready:
            self.ready = (ask(self.address, "PING") or "-LOADING").split()[0] != "-LOADING"
        # The server writes its process id before it listens, so after a while without a socket it was removed.
        if time.monotonic() - self.since > _TICK and Path(PID).exists() and not Path(self.address).exists():
            self._bind_again()
        return True

    def _bind_again(self) -> None:
        """Have the server started again under the same address, which its users know, if its folder can be made."""
        self.since = time.monotonic()
        try:
            make_private(Path(self.address).parent)
        except (OSError, NotPrivateError) as problem:
            _log(f"the socket is gone, and its folder cannot be made again: {problem}")
            return
        _log("the socket is gone: the server is started again")
        self._signal(signal.SIGTERM)

    def _in_place(self) -> bool:
        """Whether the working folder still holds the lock file that is ours: else it was removed, or emptied."""
        try:
            return identity(KEEPER) == identity(self.lock)
        except FileNotFoundError:
            return False

    def _stop(self) -> None:
        """End the server and wait until it is gone: by its own command, else by ever harder signals."""
        if ask(self.address, "SHUTDOWN", "NOSAVE", timeout=_STOPPING) is None and self._gone(0.5):
            return  # its goodbye is the closed connection; NOSAVE means no snapshot: the append-only file is synced
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal(number)
            if self._gone(_STOPPING):
                return
        _log("the server does not end")

    def _gone(self, seconds: float) -> bool:
        """Whether the server ended within so many seconds."""
        deadline = time.monotonic() + seconds
        event = ""
        while event != "gone":
            try:
                event, lock = self.events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:  # another keeper, in a folder made anew around the same data, may have been faster
                return self.server is not None and self.server.poll() is not None
            os.close(lock)
        if self.server:
            self.server.wait()
        return True

    def _signal(self, number: signal.Signals) -> None:
        """Send the signal to the server, ours or adopted; server.lock is held, so the pid file is the server's."""
        if self.server:
            self.server.send_signal(number)
            return
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(Path(PID).read_text()), number)

    def _write_record(self) -> None:
        """Tell the users where the server is, in one step."""
        record = {
            "socket": self.address,
            "host": socket.gethostname(),
            "lock": identity(self.lock),
            "keeper": os.getpid(),
        }
        Path(f"{RECORD}.new").write_text(json.dumps(record))
        Path(f"{RECORD}.new").replace(RECORD)

    def _clean_up(self) -> None:
        """Remove what only a running server needs."""
        for path in (RECORD, PID):
            Path(path).unlink(missing_ok=True)
        self._remove_socket()

    def _remove_socket(self) -> None:
        Path(self.address).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it was removed, or is not empty
            Path(self.address).parent.rmdir()


def environment(binary: str) -> dict[str, str]:
    """What the server is started with: a better memory allocator than glibc's, where the machine has one.

    Servers are made for jemalloc; the embedded one has the C library's, and glibc's searches for pieces of memory: a
    fifth of the server's time with some thousand jobs, half with millions. So jemalloc is loaded before it (Debian's
    `libjemalloc2`), if the server starts with it; else glibc keeps more freed pieces of each size at hand, which helps
    while jobs are few and costs up to 30 MB. A user's own settings stay.
    """
    own = dict(os.environ)
    if "LD_PRELOAD" in own or "GLIBC_TUNABLES" in own:
        return own
    for library in filter(os.path.exists, _JEMALLOC):
        loaded = own | {"LD_PRELOAD": library}
        tried = subprocess.run([binary, "--version"], env=loaded, capture_output=True, check=False)
        if tried.returncode == 0 and not tried.stderr:
            return loaded
    return own | {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=2000"}


def _options(address: str) -> list[str]:
    """The server's command line. Its `dir` is the last to be read from here: later paths would start there."""
    chosen = {
        "port": "0",
        "unixsocket": address,
        "unixsocketperm": "700",
        "daemonize": "no",
        "databases": "16",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always" if Path(ALWAYS).exists() else "everysec",
        "aof-load-truncated": "yes",
        "maxmemory-policy": "noeviction",
        "pidfile": f"../{PID}",
        "dir": STORE,
    }
    return [word for name, value in chosen.items() for word in (f"--{name}", value)]


def _bound_log() -> None:
    """Put a long log aside, in the place of the one before."""
    with contextlib.suppress(FileNotFoundError):
        if Path(LOG).stat().st_size > _LOG_LIMIT:
            Path(LOG).replace(f"{LOG}.1")


def _log(text: str) -> None:
    with contextlib.suppress(OSError), Path(LOG).open("a") as log:  # a full disk must not end the keeper
        log.write(f"{os.getpid()}:K {time.strftime('%d %b %Y %H:%M:%S')} # keeper: {text}\n")


def main(lock: str, binary: str, address: str) -> None:
    """Become the keeper: leave the starter behind, so that it has no child to wait for, and keep.

    The starter goes on when the keeper has settled in: a server that is adopted answers before that, and the record
    would still name the keeper that died.
    """
    is_settled, settled = os.pipe()
    if os.fork():
        os.close(settled)
        os.read(is_settled, 1)  # it is closed, by the keeper or with it
        os._exit(0)
    os.close(is_settled)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A stop of everything at once reaches the users too, and they need the server to hand their jobs back.
        signal.signal(number, lambda *_: None)
    os.set_inheritable(int(lock), False)
    keeper = Keeper(int(lock), binary, address)
    keeper.settle_in()
    os.close(settled)
    keeper.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
