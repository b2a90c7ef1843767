"""jobsapi: one Python function, one command, and it is a job behind an HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobsapi.client import AsyncClient, Client
    from jobsapi.runner.current import current_job
    from jobsapi.tasks import Retry, task

__all__ = ["AsyncClient", "Client", "Retry", "__version__", "current_job", "task"]

__version__ = "0.1.0"

_LATE = {
    "AsyncClient": "jobsapi.client",
    "Client": "jobsapi.client",
    "Retry": "jobsapi.tasks",
    "current_job": "jobsapi.runner.current",
    "task": "jobsapi.tasks",
}


def __getattr__(name: str) -> Any:
    """Each is imported when it is first asked for: who needs a client needs no tasks, and may not have them."""
    if name not in _LATE:
        raise AttributeError(f"module 'jobsapi' has no attribute {name!r}")
    import importlib

    try:
        return getattr(importlib.import_module(_LATE[name]), name)
    except ModuleNotFoundError as problem:
        if (problem.name or "").startswith("jobsapi"):
            raise ImportError(f"jobsapi-client has no {name!r}; it comes with the whole: pip install jobsapi") from None
        raise
