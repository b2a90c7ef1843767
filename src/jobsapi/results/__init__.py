"""An output ↔ bytes and a media type; large ones go to files."""

from jobsapi.results.cell import Cell, Link, cells
from jobsapi.results.media import Output, encode, encode_named
from jobsapi.results.reading import Opened, combined, open_output, open_result, values
from jobsapi.results.stored import Stored, discard, fit_inline, remove_files, sweep, write

__all__ = [
    "Cell",
    "Link",
    "Opened",
    "Output",
    "Stored",
    "cells",
    "combined",
    "discard",
    "encode",
    "encode_named",
    "fit_inline",
    "open_output",
    "open_result",
    "remove_files",
    "sweep",
    "values",
    "write",
]
