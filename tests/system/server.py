"""A server of a test's own, killed and started again on its files; a witness cuts them to what a disk would hold."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobsapi.errors import StoreUnavailable
from jobsapi.settings import Settings
from jobsapi.store import Store, client_for, wait_until_up
from tests.system.preload import IS_POSSIBLE, library

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Server", "Witness", "a_server"]


class Server:
    """A Redis or Valkey that keeps an append-only file, and syncs it before it answers unless `options` say otherwise.

    On a Unix socket, and on `port` of 127.0.0.1 where one is given.
    """

    def __init__(
        self, binary: str, folder: Path, *options: str, port: int = 0, environment: dict[str, str] | None = None
    ) -> None:
        self.folder, self.socket, self.port = folder, folder / "s", port
        self.url = f"redis://127.0.0.1:{port}/0" if port else f"unix://{self.socket}"
        self._command = [binary, "--port", str(port), "--unixsocket", str(self.socket), "--dir", str(folder)]
        self._command += ["--bind", "127.0.0.1"] if port else []
        self._command += ["--save", "", "--appendonly", "yes", "--appendfsync", "always", *options]
        self._environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        """Start it; returns when it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=self._environment, start_new_session=True
            )
        if wait and not self.answers(30):
            raise AssertionError(f"the server does not start: {(self.folder / 'server.log').read_text()[-2000:]}")

    def answers(self, seconds: float) -> bool:
        """Whether it answered within so many seconds."""
        client = client_for(self.url)
        try:
            return wait_until_up(Store(client, Settings(), self.url), seconds)
        except StoreUnavailable:
            return False
        finally:
            client.close()

    def kill(self) -> None:
        """SIGKILL, at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def call(self, *words: str) -> object:
        """What it replies to one command."""
        client = client_for(self.url)
        try:
            return client.execute_command(*words)
        finally:
            client.close()

    @property
    def file(self) -> Path:
        """The part of its append-only file that it writes to now."""
        return max((self.folder / "appendonlydir").glob("*.incr.aof"), key=lambda each: int(each.name.split(".")[-3]))


@contextmanager
def a_server(binary: str, *options: str, port: int = 0, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """A server that runs, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="jt-"))
    made = Server(binary, folder, *options, port=port, environment=environment)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder, ignore_errors=True)


_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a file held when a sync of it began is on the disk once the sync has ended: its inode and that size go into a
   list of records of two 64-bit numbers, one after the other. */
static int synced(const char *name, int fd) {
  static int list = -2;
  struct stat before;
  int known = fstat(fd, &before) == 0;
  const char *slow = getenv("WITNESS_SYNC_US");
  if (slow) usleep(atoi(slow));
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  int result = real(fd);
  if (list == -2) list = open(getenv("WITNESS_LIST"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  uint64_t record[2] = {before.st_ino, before.st_size};
  if (known && result == 0 && S_ISREG(before.st_mode) && write(list, record, sizeof record) < 0) abort();
  return result;
}
int fsync(int fd) { return synced("fsync", fd); }
int fdatasync(int fd) { return synced("fdatasync", fd); }
"""


class Witness:
    """Notes how much of each file the server has synced: a library that is loaded before the C library's own calls.

    `is_possible` is False where there is no C compiler.
    """

    is_possible = IS_POSSIBLE

    def __init__(self, folder: Path, *, sync_takes: float = 0.0) -> None:
        """`sync_takes`: seconds that every sync lasts the longer, as on a disk that is slow or busy."""
        self._list = folder / "synced"
        preload = library(folder, "witness", _SOURCE)
        self.environment = {"LD_PRELOAD": preload, "WITNESS_LIST": str(self._list)}
        if sync_takes:
            self.environment["WITNESS_SYNC_US"] = str(round(sync_takes * 1e6))

    def cut(self, file: Path) -> int:
        """Take from the file what was never synced, as a power cut may; how many bytes that were."""
        inode, size = file.stat().st_ino, file.stat().st_size
        data = self._list.read_bytes() if self._list.exists() else b""
        synced = max((length for number, length in struct.iter_unpack("=QQ", data) if number == inode), default=0)
        os.truncate(file, synced)
        return size - synced
