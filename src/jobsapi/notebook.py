"""Jobs and batches as HTML for notebooks, every value escaped."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["batch_html", "job_html", "jobs_html", "share_html"]

_SIGNS = {
    "scheduled": "◷",
    "submitted": "…",
    "in progress": "▶",
    "complete": "✓",
    "failed": "✗",
    "cancelled": "⊘",
}
"""A status is never told by a colour alone, and notebooks have colours of their own."""

_LONGEST = 300
_MOST_ROWS = 20


def job_html(job: Mapping[str, Any]) -> str:
    """One job: what it is, how far it is, and why it did not complete."""
    rows = [("task", _text(job.get("task"))), ("status", _status(job))]
    rows += [("parameters", _code(job["params"]))] if job.get("params") else []
    rows += [("progress", bar)] if (bar := _progress(job)) else []
    rows += [("error", f"<pre>{_error(job['error'])}</pre>")] if job.get("error") else []
    rows += [("advice", _text(job["advice"]))] if job.get("advice") else []
    rows += [(name, _text(job[name])) for name in ("created", "started", "finished") if job.get(name)]
    return _table(f"job {_text(job.get('id'))}", [f"<th>{name}</th><td>{value}</td>" for name, value in rows])


def batch_html(batch: Mapping[str, Any]) -> str:
    """A batch: how many of its jobs have which status."""
    counts = {name.replace("_", " "): count for name, count in (batch.get("counts") or {}).items() if count}
    rows = [f"<th>{_sign(name)} {_text(name)}</th><td>{count:,}</td>" for name, count in counts.items()]
    task = f", {_text(batch['task'])}" if batch.get("task") else ""
    return _table(f"batch {_text(batch.get('id'))}: {batch.get('total', 0):,} jobs{task}", rows)


def jobs_html(jobs: Iterable[Mapping[str, Any]]) -> str:
    """Several jobs as a table, a row each; of many the first."""
    found = list(jobs)
    rows = ["<th>id</th><th>task</th><th>parameters</th><th>status</th><th>progress</th>"]
    for job in found[:_MOST_ROWS]:
        cells = (_text(job.get("id")), _text(job.get("task")), _code(job.get("params")), _status(job), _progress(job))
        rows.append("".join(f"<td>{each}</td>" for each in cells))
    if len(found) > _MOST_ROWS:
        rows.append(f'<td colspan="5">… and {len(found) - _MOST_ROWS:,} more</td>')
    ended = sum(job.get("status") in ("complete", "failed", "cancelled") for job in found)
    return _table(f"{len(found):,} jobs, {ended:,} ended", rows)


def share_html(label: str, done: int, total: int) -> str:
    """How many of a number are done, as a bar and in figures."""
    return f'{_text(label)} <progress max="{total}" value="{done}"></progress> {done:,} of {total:,}'


def _table(caption: str, rows: Iterable[str]) -> str:
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table><caption style="text-align:left">{caption}</caption><tbody>{body}</tbody></table>'


def _status(job: Mapping[str, Any]) -> str:
    status = str(job.get("status"))
    reason = f" ({_text(job['reason'])})" if job.get("reason") and job["reason"] != status else ""
    return f"{_sign(status)} {_text(status)}{reason}"


def _sign(status: str) -> str:
    return _SIGNS.get(status, "?")


def _progress(job: Mapping[str, Any]) -> str:
    told = job.get("progress") or {}
    fraction, message = told.get("fraction"), told.get("message")
    bar = "" if fraction is None else f'<progress max="1" value="{float(fraction):.4f}"></progress> {fraction:.0%}'
    return f"{bar} {_text(message)}".strip() if message else bar


def _error(error: Mapping[str, Any]) -> str:
    return _text(error.get("traceback") or f"{error.get('type')}: {error.get('message')}", 10_000)


def _code(value: Any) -> str:
    return f"<code>{_text(json.dumps(value, ensure_ascii=False))}</code>"


def _text(value: Any, longest: int = _LONGEST) -> str:
    text = str(value)
    return html.escape(text if len(text) <= longest else text[:longest] + "…")
