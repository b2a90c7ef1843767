"""Finds this program's store at its first use, and remembers the folder it was found from."""

from __future__ import annotations

import functools
import os
import sys
import time

from jobsapi import store as stores
from jobsapi.errors import StoreUnavailable

__all__ = ["connected", "folder", "note", "the_store"]

_ASK_EVERY = 1.0


@functools.cache
def folder() -> str:
    """The working folder at the first use; the embedded server is this folder's, also after a chdir."""
    return os.getcwd()  # noqa: PTH109 - a text, as it goes into an argument


def the_store() -> stores.Store:
    """The store of the environment. Raises StoreUnavailable, SetupError."""
    folder()
    return stores.default()


def connected(*, patient: bool) -> stores.Store:
    """The same; where `patient`, it waits until a named server is there."""
    while True:
        try:
            return the_store()
        except StoreUnavailable as problem:
            if not patient:
                raise
            note(f"{problem.detail} Trying again.")
            time.sleep(_ASK_EVERY)  # a server that is not there sends no event


def note(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"jobsapi.classic: {text}\n")
    sys.stderr.flush()
