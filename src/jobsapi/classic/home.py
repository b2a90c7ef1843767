"""Finds this program's store at its first use, and remembers the folder it was found from."""

from __future__ import annotations

import functools
import itertools
import os
import sys
import time

from jobsapi import store as stores
from jobsapi.errors import StoreUnavailable
from jobsapi.settings import Settings

__all__ = ["connected", "folder", "note", "the_store", "the_url", "wait_for"]

_ASK_EVERY = 1.0
_SAY_EVERY = 60
_PAUSE = 0.5
_LONGEST_WAIT = 5.0


@functools.cache
def folder() -> str:
    """The working folder at the first use; the embedded server is this folder's, also after a chdir."""
    return os.getcwd()  # noqa: PTH109 - a text, as it goes into an argument


def the_store() -> stores.Store:
    """The store of the environment. Raises StoreUnavailable, SetupError."""
    folder()
    return stores.default()


def the_url() -> str:
    """The address of the same server; asks nothing of a named one. Raises StoreUnavailable, SetupError."""
    return Settings.from_environment().server_url or the_store().url


def connected(*, patient: bool) -> stores.Store:
    """The same; where `patient`, it waits until a named server is there."""
    for tries in itertools.count():
        try:
            return the_store()
        except StoreUnavailable as problem:
            if not patient:
                raise
            if tries % _SAY_EVERY == 0:
                note(f"{problem.detail} Trying again.")
            time.sleep(_ASK_EVERY)  # a server that is not there sends no event
    raise AssertionError  # it counts without end


def wait_for(store: stores.Store) -> None:
    """Pause before another try of what the store did not do: a moment at least, for it may answer and still refuse."""
    time.sleep(_PAUSE)
    stores.wait_until_up(store, _LONGEST_WAIT)


def note(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"jobsapi.classic: {text}\n")
    sys.stderr.flush()
