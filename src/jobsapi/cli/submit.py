"""`submit`, `wait`: a job is given to the system, watched until its end, and its result printed or saved."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobsapi.cli import complete
from jobsapi.cli.base import INCOMPLETE, JOBS, REFUSED, Talk, app, shown_json, talks, tell, write
from jobsapi.cli.options import given, takes_options
from jobsapi.cli.params import check, parsed, swept
from jobsapi.errors import Invalid, UnknownJob

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Output", "print_results", "progress", "state"]

Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Save the result; several outputs: a folder.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="The job's log on stderr as it comes; waits, too.")]


@app.command(rich_help_panel=JOBS)
@talks
@takes_options
def submit(
    talk: Talk,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task's name.", autocompletion=complete.tasks)],
    params: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="K=V",
            help="Parameters, as the task's schema wants them; lists, objects as JSON.",
            autocompletion=complete.params,
        ),
    ] = None,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end and print its result; 1 if it fails.")] = False,
    verbose: Verbose = False,
    output: Output = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(metavar="K=V,V…", help="A job for each value, as one batch; a JSON list too. Again for more."),
    ] = None,
    **options: Any,
) -> None:
    """Give a job to the system; prints its id, or with --wait its result. With --sweep: the batch's id, its table.

    Parameters are checked against the task's schema before anything is sent. While it waits, a terminal shows how far
    the job is. Ctrl-C leaves the job running and says how to come back to it.
    """
    is_waiting = wait or verbose or output is not None
    described = talk.client.task(task)
    common = parsed(params or [], described["schema"])
    if sweep:
        if verbose:
            raise Invalid("-v shows the log of one job; a sweep makes many: `jobsapi logs ID` shows each one's.")
        grid = swept(sweep, described["schema"])
        check(common, described, given=grid)
        batch = talk.client.add_sweep(task, grid, common, **given(options))
        _finish_batch(talk, batch, is_waiting=is_waiting, output=output)
        return
    check(common, described)
    job = talk.client.add_job(task, common, **given(options))
    if is_waiting:
        _finish_job(talk, job.id, verbose=verbose, output=output)
    else:
        talk.show(job, lambda: job.id)


@app.command(rich_help_panel=JOBS)
@talks
def wait(
    talk: Talk,
    jid: Annotated[
        str, typer.Argument(metavar="ID", help="The job's id, or a batch's.", autocompletion=complete.active_jobs)
    ],
    *,
    verbose: Verbose = False,
    output: Output = None,
) -> None:
    """Wait for a job's end, or a batch's, as `submit --wait` does."""
    try:
        _finish_job(talk, jid, verbose=verbose, output=output)
    except UnknownJob:
        batch = _batch(talk, jid)
        if batch is None:
            raise
        _finish_batch(talk, batch, is_waiting=True, output=output)


def _batch(talk: Talk, bid: str) -> Any:
    from jobsapi.errors import UnknownBatch

    try:
        return talk.client.get_batch(bid)
    except UnknownBatch:
        return None


def _finish_job(talk: Talk, jid: str, *, verbose: bool, output: Path | None) -> None:
    """Wait for the job, print its result or save it, and exit by its outcome."""
    begun = time.monotonic()
    with _left(f"job {jid} goes on", jid, f"status {jid}", f"cancel {jid}"):
        from jobsapi.cli.watch import job_until_end, span

        job = job_until_end(talk.client, jid, log=_to_stderr if verbose else None)
    is_complete = job.status == "complete"
    files = [str(path) for path in talk.client.save_results(jid, output)] if output and is_complete else []
    if talk.is_json:
        write(shown_json({**job, "files": files} if output else job))
    elif files:
        write("\n".join(files))
    elif is_complete:
        print_results(talk, jid)
    if is_complete and sys.stderr.isatty():
        tell(f"job {jid} complete after {span(time.monotonic() - begun)}.")
    if not is_complete:
        if not talk.is_json:
            tell(_why_not(job))
        raise typer.Exit(INCOMPLETE)


def _finish_batch(talk: Talk, batch: Any, *, is_waiting: bool, output: Path | None) -> None:
    """The same for a batch; its result is the table."""
    if not is_waiting:
        talk.show(batch, lambda: batch.id)
        return
    with _left(f"batch {batch.id} goes on", batch.id, f"batches status {batch.id}", f"batches cancel {batch.id}"):
        from jobsapi.cli.watch import batch_until_end

        batch = batch_until_end(talk.client, batch.id)
    files = [str(talk.client.save_batch_results(batch.id, output))] if output else []
    if talk.is_json:
        write(shown_json({**batch, "files": files} if output else batch))
    elif files:
        write(files[0])
    else:
        _pour(talk.client.batch_csv(batch.id))
    if batch.counts["complete"] < batch.total:
        if not talk.is_json:
            missing = batch.total - batch.counts["complete"]
            tell(
                f"{missing:,} of {batch.total:,} jobs did not complete; "
                f"`jobsapi jobs --batch {batch.id} --status failed` lists those that failed."
            )
        raise typer.Exit(INCOMPLETE)


@contextmanager
def _left(said: str, wid: str, look: str, stop: str) -> Iterator[None]:
    """Ctrl-C says how to come back to what was waited for, from the moment on that its id is known."""
    try:
        yield
    except KeyboardInterrupt:
        tell(f"{said}. `jobsapi wait {wid}` waits for it again, `jobsapi {look}` shows it, `jobsapi {stop}` stops it.")
        raise


def print_results(talk: Talk, jid: str) -> None:
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
        _pour(iter([value]))


def state(job: Any) -> str:
    """The status, and why where that is not the same."""
    return f"{job.status} ({job.reason})" if job.reason and job.reason != job.status else str(job.status)


def progress(job: Any) -> str:
    """How far a job is that runs, or why it failed."""
    if job.error and job.status == "failed":
        return f"{job.error['type']}: {job.error['message']}"
    told = (job.progress or {}) if job.status == "in progress" else {}
    share = f"{told['fraction']:.0%}" if told.get("fraction") is not None else ""
    return " ".join(filter(None, (share, told.get("message"))))


def _why_not(job: Any) -> str:
    error = job.error or {}
    what = f": {error['type']}: {error['message']}" if error.get("type") else ""
    return (
        f"job {job.id} did not complete: {state(job)}{what}. `jobsapi logs {job.id}` shows what it wrote, "
        f"`jobsapi retry {job.id}` tries it again."
    )


def _readable(value: bytes) -> str | None:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return text if all(c.isprintable() or c in "\n\r\t" for c in text) else None


def _pour(pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _to_stderr(piece: bytes) -> None:
    sys.stderr.buffer.write(piece)
    sys.stderr.buffer.flush()
