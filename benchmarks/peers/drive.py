"""Runs a driver: `python drive.py use_huey`. The driver is imported under the name by which its workers import it."""

import importlib
import os
import sys

from lines import serve

serve(importlib.import_module(sys.argv[1]).DRIVER(os.environ["BENCH_URL"]))
