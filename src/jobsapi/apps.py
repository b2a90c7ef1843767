"""Imports a user's app, which registers its tasks: a file, a module, or the built-in example."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jobsapi import tasks
from jobsapi.errors import SetupError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["BUILT_IN", "load"]

BUILT_IN = "jobsapi.example"
"""The module whose tasks are used where no app is named."""


def load(app: str | None) -> ModuleType:
    """Import `file.py` or `package.module` (None: the built-in example), which registers its tasks.

    Raises SetupError where there is no such file or module, or where it registers no task.
    """
    name = app or BUILT_IN
    module = _from_file(Path(name)) if name.endswith(".py") else _from_module(name)
    if not tasks.registered():
        raise SetupError(f"{name} registers no task: put @task (from jobsapi import task) above a function.")
    return module


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise SetupError(f"There is no file {path}.")
    path = path.resolve()
    sys.path.insert(0, str(path.parent))
    name = path.stem if path.stem.isidentifier() and path.stem not in sys.modules else f"app_{abs(hash(str(path)))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a path that ends in .py always has a spec and a loader
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _from_module(name: str) -> ModuleType:
    if (here := str(Path.cwd())) not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is None:
        hint = f" Did you mean {name.replace('.', os.sep)}.py?" if Path(f"{name}.py").is_file() else ""
        raise SetupError(f"There is no module {name!r} here.{hint}")
    return importlib.import_module(name)
