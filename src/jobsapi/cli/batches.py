"""`batches`, and of one `batches status`, `batches cancel`, `batches results`."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path  # noqa: TC003 - typer looks at it
from typing import Annotated, Any

import typer

from jobsapi.cli import complete
from jobsapi.cli.base import JOBS, Talk, app, lists, shown_json, table, talks, write

BatchId = Annotated[
    str,
    typer.Argument(metavar="ID", help="The batch's id, as a large submit tells it.", autocompletion=complete.batches),
]
Limit = Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")]

batch = typer.Typer()
app.add_typer(
    batch, name="batches", help="List jobs that were sent together, look at them, cancel them.", rich_help_panel=JOBS
)
app.add_typer(batch, name="batch", help="The same as `batches`.", hidden=True)


@batch.callback(invoke_without_command=True)
@lists
def list_batches(talk: Talk, *, limit: Limit = 20) -> None:
    """List jobs that were sent together, newest first; look at them, cancel them."""
    _list(talk, limit)


@batch.command("list", hidden=True)
@talks
def list_again(talk: Talk, *, limit: Limit = 20) -> None:
    """List batches, newest first."""
    _list(talk, limit)


def _list(talk: Talk, limit: int) -> None:
    found = list(itertools.islice(talk.client.list_batches(page=min(limit, 1000)), limit))
    rows = ((each.id, each.task, each.total, each.created, " ".join(each.sweep or ())) for each in found)
    talk.show({"batches": found}, lambda: table(("ID", "TASK", "JOBS", "CREATED", "SWEEP"), rows))


@batch.command()
@talks
def status(talk: Talk, batch_id: BatchId) -> None:
    """Show how far a batch is."""
    found = talk.client.get_batch(batch_id)
    talk.show(found, lambda: _described(found))


@batch.command()
@talks
def cancel(talk: Talk, batch_id: BatchId) -> None:
    """Stop every job of a batch that has not ended."""
    found = talk.client.cancel_batch(batch_id)
    talk.show(found, lambda: _described(found))


@batch.command()
@talks
def results(
    talk: Talk,
    batch_id: BatchId,
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Save it there.")] = None,
) -> None:
    """Print the results of a batch as CSV, a row a job, or save them."""
    if output is not None:
        written = str(talk.client.save_batch_results(batch_id, output))
        talk.show({"files": [written]}, lambda: written)
    elif talk.is_json:
        write(shown_json({"rows": list(talk.client.batch_results(batch_id))}))
    else:
        for piece in talk.client.batch_csv(batch_id):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


def _described(found: Any) -> str:
    lines = {"id": found.id, "task": found.task, "sweep": " ".join(found.sweep or ()), "jobs": found.total}
    lines |= {name.replace("_", " "): count for name, count in found.counts.items() if count}
    lines |= {"removed": found.removed or None, "created": found.created, "finished": found.finished}
    return table(("", ""), [(name, value) for name, value in lines.items() if value not in (None, "")]).lstrip("\n")
