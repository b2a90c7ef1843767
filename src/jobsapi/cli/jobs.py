"""`submit`, `jobs`, `status`, `results`, `logs`, `cancel`, `retry`."""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path  # noqa: TC003 - typer looks at it
from typing import Annotated, Any

import typer

from jobsapi.cli.base import INCOMPLETE, JOBS, REFUSED, Talk, app, shown_json, table, talks, tell, write
from jobsapi.cli.options import given, takes_options
from jobsapi.cli.params import parsed, swept
from jobsapi.errors import Invalid
from jobsapi.states import ENDED

Jid = Annotated[str, typer.Argument(metavar="ID", help="The job's id.")]

_ENDED = {status.value for status in ENDED}
_LOOK_EVERY = 0.3
_OVERLAP = 4096


@app.command(rich_help_panel=JOBS)
@talks
@takes_options
def submit(
    talk: Talk,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's name.")],
    params: Annotated[
        list[str] | None,
        typer.Argument(metavar="K=V", help="Parameters, as the task's schema wants them; lists, objects as JSON."),
    ] = None,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end and print its result; 1 if it fails.")] = False,
    sweep: Annotated[
        list[str] | None,
        typer.Option(metavar="K=V,V…", help="A job for each value, as one batch; a JSON list too. Again for more."),
    ] = None,
    **options: Any,
) -> None:
    """Give a job to the system; prints its id, or with --wait its result. With --sweep: the batch's id, its table."""
    schema = talk.client.task(task)["schema"]
    if sweep:
        grid = swept(sweep, schema)
        _send_sweep(talk, talk.client.add_sweep(task, grid, parsed(params or [], schema), **given(options)), wait=wait)
        return
    job = talk.client.add_job(task, parsed(params or [], schema), **given(options))
    if not wait:
        talk.show(job, lambda: job.id)
        return
    job = talk.client.wait_for_job(job.id)
    if talk.is_json:
        write(shown_json(job))
    elif job.status == "complete":
        _print_results(talk, job.id)
    if job.status != "complete":
        if not talk.is_json:
            tell(_why_not(job))
        raise typer.Exit(INCOMPLETE)


def _send_sweep(talk: Talk, batch: Any, *, wait: bool) -> None:
    if wait:
        batch = talk.client.wait_for_batch(batch.id)
    if talk.is_json or not wait:
        talk.show(batch, lambda: batch.id)
    else:
        for piece in talk.client.batch_csv(batch.id):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    if wait and batch.counts["complete"] < batch.total:
        if not talk.is_json:
            tell(f"{batch.total - batch.counts['complete']:,} of {batch.total:,} jobs did not complete.")
        raise typer.Exit(INCOMPLETE)


@app.command("jobs", rich_help_panel=JOBS)
@talks
def list_jobs(
    talk: Talk,
    *,
    status: Annotated[
        str | None, typer.Option(help="scheduled, submitted, in_progress, complete, failed or cancelled.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Only this task's.")] = None,
    queue: Annotated[str | None, typer.Option(help="Only this queue's.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    batch: Annotated[str | None, typer.Option(help="Only those of this batch.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 20,
) -> None:
    """List jobs, newest first."""
    found = talk.client.list_jobs(status=status, task=task, queue=queue, tag=tag, batch=batch, page=min(limit, 1000))
    jobs = list(itertools.islice(found, limit))
    head = ("ID", "TASK", "STATUS", "QUEUE", "CREATED", "PROGRESS")
    rows = ((each.id, each.task, _state(each), each.queue, each.created, _progress(each)) for each in jobs)
    talk.show({"jobs": jobs}, lambda: table(head, rows))


@app.command(rich_help_panel=JOBS)
@talks
def status(talk: Talk, jid: Jid) -> None:
    """Show one job."""
    job = talk.client.get_job_by_id(jid)
    talk.show(job, lambda: _described(job))


@app.command(rich_help_panel=JOBS)
@talks
def results(
    talk: Talk,
    jid: Jid,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Save it; several outputs: a folder.")
    ] = None,
) -> None:
    """Print what a job returned, or save it; exit code 1 while there is none."""
    if output is None:
        _print_results(talk, jid)
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
    shown = b""
    while True:
        is_last = not follow or talk.client.get_job_by_id(jid).status in _ENDED  # asked first: nothing comes after
        log = talk.client.get_logs(jid)
        if not talk.is_json:
            sys.stdout.buffer.write(_new_part(shown, log))
            sys.stdout.buffer.flush()
        shown = log
        if is_last:
            break
        time.sleep(_LOOK_EVERY)
    if talk.is_json:
        write(shown_json({"id": jid, "log": shown.decode(errors="replace")}))


@app.command(rich_help_panel=JOBS)
@talks
def cancel(talk: Talk, jid: Jid) -> None:
    """Stop a job wherever it is."""
    job = talk.client.cancel_job(jid)
    said = "it is being stopped" if job.status == "in progress" else job.status
    talk.show(job, lambda: f"{job.id}: {said}")


@app.command(rich_help_panel=JOBS)
@talks
def retry(talk: Talk, jid: Jid) -> None:
    """Give a job that has ended another try."""
    job = talk.client.retry_job(jid)
    talk.show(job, lambda: f"{job.id}: {job.status}")


# --- What a person reads ----------------------------------------------------------------------------------------------


def _print_results(talk: Talk, jid: str) -> None:
    """The result on stdout: JSON as JSON, anything else as it is, unless it would garble a terminal."""
    value = talk.client.get_results(jid, links=True)
    if not isinstance(value, bytes):
        write(shown_json(value))
        return
    text = _readable(value)
    if talk.is_json:
        if text is None:
            raise Invalid(f"This result is {len(value):,} bytes and no JSON: `jobsapi results {jid} -o FILE` saves it.")
        write(shown_json(text))
    elif text is None and sys.stdout.isatty():
        tell(f"the result is {len(value):,} bytes and no text; `jobsapi results {jid} -o FILE` saves it.")
        raise typer.Exit(REFUSED)
    else:
        sys.stdout.buffer.write(value)
        sys.stdout.buffer.flush()


def _readable(value: bytes) -> str | None:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return text if all(c.isprintable() or c in "\n\r\t" for c in text) else None


def _new_part(shown: bytes, log: bytes) -> bytes:
    """What a log holds after what was shown of it; once its middle is left out, what follows the last shown bytes."""
    if log.startswith(shown):
        return log[len(shown) :]
    last = shown[-_OVERLAP:]
    at = log.rfind(last)
    return log[at + len(last) :] if at >= 0 else b"\n[...]\n" + log[-_OVERLAP:]


def _state(job: Any) -> str:
    return f"{job.status} ({job.reason})" if job.reason and job.reason != job.status else str(job.status)


def _progress(job: Any) -> str:
    told = job.progress or {}
    share = f"{told['fraction']:.0%}" if told.get("fraction") is not None else ""
    return " ".join(filter(None, (share, told.get("message"))))


def _why_not(job: Any) -> str:
    error = job.error or {}
    what = f": {error['type']}: {error['message']}" if error.get("type") else ""
    return f"job {job.id} did not complete: {_state(job)}{what}. `jobsapi logs {job.id}` shows what it wrote."


def _described(job: Any) -> str:
    import json

    lines = {"id": job.id, "status": _state(job), "task": job.task}
    lines |= {"params": json.dumps(job.params, ensure_ascii=False), "queue": job.queue, "progress": _progress(job)}
    lines |= {name: job.get(name) for name in ("attempt", "position", "worker", "created", "started", "finished")}
    if job.tags:
        lines["tags"] = ", ".join(job.tags)
    if job.cancel_requested:
        lines["cancel"] = "asked for"
    if job.error:
        lines["error"] = f"{job.error['type']}: {job.error['message']}"
    return table(("", ""), [(name, value) for name, value in lines.items() if value not in (None, "")]).lstrip("\n")
