"""jobsapi: one Python function, one command, and it is a job behind an HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobsapi.tasks import Retry, task

if TYPE_CHECKING:
    from jobsapi.client import Client
    from jobsapi.runner.current import current_job

__all__ = ["Client", "Retry", "__version__", "current_job", "task"]

__version__ = "0.1.0"

_LATE = {"Client": "jobsapi.client", "current_job": "jobsapi.runner.current"}


def __getattr__(name: str) -> Any:
    """What is heavier than a decorator is imported when it is first asked for."""
    if name not in _LATE:
        raise AttributeError(f"module 'jobsapi' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LATE[name]), name)
