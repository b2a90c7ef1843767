"""`jobs`, `status`, `results`, `logs`, `cancel`, `retry`."""

from __future__ import annotations

import datetime
import itertools
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobsapi.cli import complete
from jobsapi.cli.base import JOBS, REFUSED, Talk, app, shown_json, table, talks, tell_problem, write
from jobsapi.cli.submit import Output, print_results, progress, state
from jobsapi.errors import JobsApiError, UnknownJob
from jobsapi.options import TOLD
from jobsapi.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable

Jid = Annotated[str, typer.Argument(metavar="ID", help="The job's id.", autocompletion=complete.jobs)]
ActiveJids = Annotated[
    list[str], typer.Argument(metavar="ID", help="The job's id, or several.", autocompletion=complete.active_jobs)
]
EndedJids = Annotated[
    list[str], typer.Argument(metavar="ID", help="The job's id, or several.", autocompletion=complete.ended_jobs)
]

_ENDED = {status.value for status in ENDED}


@app.command("jobs", rich_help_panel=JOBS)
@talks
def list_jobs(
    talk: Talk,
    *,
    status: Annotated[
        str | None,
        typer.Option(
            help="scheduled, submitted, in_progress, complete, failed or cancelled.", autocompletion=complete.statuses
        ),
    ] = None,
    task: Annotated[str | None, typer.Option(help="Only this task's.", autocompletion=complete.tasks)] = None,
    queue: Annotated[str | None, typer.Option(help="Only this queue's.", autocompletion=complete.queues)] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    batch: Annotated[
        str | None, typer.Option(help="Only those of this batch.", autocompletion=complete.batches)
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only those made then or later: 2026-01-31T12:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Only those made then or earlier.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 20,
) -> None:
    """List jobs, newest first."""
    filters = {"status": status, "task": task, "queue": queue, "tag": tag, "batch": batch}
    found = talk.client.list_jobs(**filters, since=since, until=until, page=min(limit, 1000))
    jobs = list(itertools.islice(found, limit))
    head = ("ID", "TASK", "STATUS", "QUEUE", "CREATED", "PROGRESS")
    rows = ((each.id, each.task, state(each), each.queue, _when(each.created), progress(each)) for each in jobs)
    talk.show({"jobs": jobs}, lambda: table(head, rows))


@app.command(rich_help_panel=JOBS)
@talks
def status(talk: Talk, jid: Jid) -> None:
    """Show one job: where it is, what it was given, what became of it, its parents and children, what to do next."""
    job = talk.client.get_job_by_id(jid)
    talk.show(job, lambda: _described(job, _family(talk, job)))


@app.command(rich_help_panel=JOBS)
@talks
def results(talk: Talk, jid: Jid, *, output: Output = None) -> None:
    """Print what a job returned, or save it; exit code 1 while there is none."""
    if output is None:
        print_results(talk, jid)
        return
    written = [str(path) for path in talk.client.save_results(jid, output)]
    talk.show({"files": written}, lambda: "\n".join(written))


@app.command(rich_help_panel=JOBS)
@talks
def logs(
    talk: Talk,
    jid: Jid,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
) -> None:
    """Print what a job wrote."""
    is_running = follow and talk.client.get_job_by_id(jid).status not in _ENDED
    if is_running:
        from jobsapi.client.events import follow as events_of

        for event in events_of(talk.client._transport, jid):
            if event.kind == "log" and not talk.is_json:
                _to_stdout(event.data["text"].encode())
    if talk.is_json:
        write(shown_json({"id": jid, "log": talk.client.get_logs(jid).decode(errors="replace")}))
    elif not is_running:
        _to_stdout(talk.client.get_logs(jid))


def _to_stdout(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


@app.command(rich_help_panel=JOBS)
@talks
def cancel(talk: Talk, jids: ActiveJids) -> None:
    """Stop a job wherever it is, or several."""
    _each(talk, jids, talk.client.cancel_job, _stopped)


@app.command(rich_help_panel=JOBS)
@talks
def retry(talk: Talk, jids: EndedJids) -> None:
    """Give a job that has ended another try, or several."""
    _each(talk, jids, talk.client.retry_job, lambda job: job.status)


def _stopped(job: Any) -> str:
    return "it is being stopped" if job.status == "in progress" else str(job.status)


def _each(talk: Talk, jids: list[str], do: Callable[[str], Any], said: Callable[[Any], str]) -> None:
    """The same for every job, whatever becomes of the others; of one alone the document is the job itself."""
    if len(jids) == 1:
        job = do(jids[0])
        talk.show(job, lambda: f"{job.id}: {said(job)}")
        return
    done = []
    for jid in jids:
        try:
            done.append(do(jid))
        except JobsApiError as problem:
            tell_problem(problem)
        else:
            if not talk.is_json:
                write(f"{jid}: {said(done[-1])}")
    if talk.is_json:
        write(shown_json({"jobs": done}))
    if len(done) < len(jids):
        raise typer.Exit(REFUSED)


# --- What a person reads ----------------------------------------------------------------------------------------------


def _when(created: str) -> str:
    """A time as it was told; on a terminal, where space is dear, how long ago it was."""
    if not sys.stdout.isatty():
        return created
    from jobsapi.cli.watch import age

    past = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(created)
    return f"{age(past.total_seconds())} ago"


_MOST_RELATIVES = 5
"""How many of the jobs that it came after, and that came after it, are told each by itself."""


def _family(talk: Talk, job: Any) -> list[tuple[str, str]]:
    """A row for each of the first jobs that it came after, and of the newest that came after it."""
    rows = []
    for name in ("after", "after_any"):
        ids = job.get(name, [])
        told = [_relative(talk, jid) for jid in ids[:_MOST_RELATIVES]]
        rows += _headed(name.replace("_", " "), told, len(ids))
    if total := job.get("children"):
        found = itertools.islice(talk.client.children(job.id, page=_MOST_RELATIVES), _MOST_RELATIVES)
        rows += _headed("children", [f"{state(each)}  {each.id}  {each.task}" for each in found], total)
    return rows


def _relative(talk: Talk, jid: str) -> str:
    try:
        job = talk.client.get_job_by_id(jid)
    except UnknownJob:
        return f"removed  {jid}"
    return f"{state(job)}  {jid}  {job.task}"


def _headed(name: str, told: list[str], total: int) -> list[tuple[str, str]]:
    more = [f"and {total - len(told):,} more"] if total > len(told) else []
    return [(name if i == 0 else " ", each) for i, each in enumerate(told + more)]


def _described(job: Any, family: list[tuple[str, str]]) -> str:
    import json

    lines = {"id": job.id, "status": state(job), "task": job.task}
    lines |= {"params": json.dumps(job.params, ensure_ascii=False), "queue": job.queue, "progress": progress(job)}
    lines |= {name: job.get(name) for name in ("attempt", "position", "worker", "created", "run_at")}
    lines |= {name: job.get(name) for name in ("started", "finished", "batch")}
    lines |= {"took": _took(job), "tags": ", ".join(job.tags)}
    lines["options"] = ", ".join(f"{name}={json.dumps(job[name], ensure_ascii=False)}" for name in TOLD if name in job)
    if job.cancel_requested:
        lines["cancel"] = "asked for"
    if job.error:
        lines["error"] = f"{job.error['type']}: {job.error['message']}"
    rows = [(name, value) for name, value in lines.items() if value not in (None, "")] + family
    rows += [("advice", job["advice"])] if job.get("advice") else []
    told = table(("", ""), rows).lstrip("\n")
    trace = str((job.error or {}).get("traceback") or "")
    return f"{told}\n{_harmless(trace)}" if trace else told


def _took(job: Any) -> str | None:
    if not (job.started and job.finished):
        return None
    from jobsapi.cli.watch import span

    started, finished = (datetime.datetime.fromisoformat(each) for each in (job.started, job.finished))
    return span(max(0.0, (finished - started).total_seconds()))


def _harmless(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
