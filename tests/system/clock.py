"""A machine's clock that is stepped while its processes run: they are told another time of day, as if it was set.

Only the time of day: clocks that count from the start of the machine do not jump when it is set.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.system.preload import library

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SteppedClock"]

_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t step(void) {
  static volatile int64_t *seconds;
  if (!seconds) {
    int fd = open(getenv("STEPPED_CLOCK"), O_RDONLY | O_CLOEXEC);
    void *shared = mmap(0, sizeof *seconds, PROT_READ, MAP_SHARED, fd, 0);
    if (fd < 0 || shared == MAP_FAILED) abort();
    close(fd);
    seconds = shared;
  }
  return *seconds;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = syscall(SYS_clock_gettime, clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += step();
  return result;
}
int gettimeofday(struct timeval *now, void *zone) {
  int result = syscall(SYS_gettimeofday, now, zone);
  if (result == 0) now->tv_sec += step();
  return result;
}
time_t time(time_t *where) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (where) *where = now.tv_sec;
  return now.tv_sec;
}
"""


class SteppedClock:
    """The clock of those processes that are started with `environment`."""

    def __init__(self, folder: Path) -> None:
        self._seconds = folder / "clock"
        self.set(0)
        preload = library(folder, "clock", _SOURCE)
        self.environment = {"LD_PRELOAD": preload, "STEPPED_CLOCK": str(self._seconds)}

    def set(self, seconds: int) -> None:
        """So far ahead of the truth (or, below 0, behind it) from now on."""
        with self._seconds.open("r+b" if self._seconds.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))
