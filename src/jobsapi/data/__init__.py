"""Data sets: what jobs work on. Loaded as a whole, in order; searched by an index; read in ranges.

A data set has a *generation*, which a load or `empty` replaces in one step. Searches, cursors and ranges stay in the
one they began with, a job in the one that was current when it first asked, plus its own loads. `docs/data.md` says how
it is built. `get_raw` and `search_raw` give records as the JSON they are stored as.
"""

from jobsapi.data.histograms import histogram
from jobsapi.data.ranges import Records, records
from jobsapi.data.searching import Page, get, get_raw, search, search_raw
from jobsapi.data.sets import datasets, empty, load
from jobsapi.data.sweeping import sweep

__all__ = [
    "Page",
    "Records",
    "datasets",
    "empty",
    "get",
    "get_raw",
    "histogram",
    "load",
    "records",
    "search",
    "search_raw",
    "sweep",
]
