"""`serve`, `api`, `worker`: the commands that keep running."""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer

from jobsapi.cli.base import app
from jobsapi.errors import Invalid
from jobsapi.names import checked_name
from jobsapi.settings import Settings


def _setting(name: str, **about: Any) -> Any:
    """The flag of a setting: it says what the setting says."""
    field = Settings.__dataclass_fields__[name]
    return typer.Option(help=f"{field.metadata['help']} Also {field.metadata['variable']}.", **about)


App = Annotated[str | None, typer.Argument(metavar="APP", help="file.py or package.module; default: the example.")]
Queues = Annotated[
    list[str] | None,
    typer.Option(
        "--queue",
        metavar="NAME[=WEIGHT]",
        help="A queue to work on, again for more; weight 2 comes first twice as often. Default: all of the app's.",
    ),
]
Host = Annotated[str | None, _setting("host")]
Port = Annotated[int | None, _setting("port", min=1, max=65535, metavar="PORT")]
Concurrency = Annotated[int | None, _setting("concurrency", min=0, metavar="N")]
Threads = Annotated[int | None, _setting("threads", min=0, metavar="N")]
Lease = Annotated[float | None, _setting("lease", metavar="SECONDS")]
Grace = Annotated[float | None, _setting("grace", min=0, metavar="SECONDS")]
Lifeline = Annotated[int | None, typer.Option(hidden=True)]


@app.command()
def serve(
    app: App = None,
    *,
    host: Host = None,
    port: Port = None,
    queue: Queues = None,
    concurrency: Concurrency = None,
    threads: Threads = None,
    lease: Lease = None,
    grace: Grace = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start the worker again when the app's files change.")
    ] = False,
) -> None:
    """Run the API, a worker and, where no server is named, an embedded one, until Ctrl-C."""
    from jobsapi.cli.announce import announce
    from jobsapi.serve import serve as run

    weights(queue)  # refused here, not by the worker alone
    settings = Settings.from_environment(
        host=host, port=port, concurrency=concurrency, threads=threads, lease=lease, grace=grace
    )
    raise typer.Exit(run(app, settings, queues=queue or (), reload=reload, announce=announce))


@app.command()
def api(
    *,
    host: Host = None,
    port: Port = None,
    ready_with: Annotated[str, typer.Option(hidden=True)] = "",
    lifeline: Lifeline = None,
) -> None:
    """Run the API alone."""
    from jobsapi.server import run_api

    _hold(lifeline)
    run_api(Settings.from_environment(host=host, port=port), ready_with)


@app.command()
def worker(
    app: App = None,
    *,
    queue: Queues = None,
    concurrency: Concurrency = None,
    threads: Threads = None,
    lease: Lease = None,
    grace: Grace = None,
    name: Annotated[str, typer.Option(help="The end of the worker's id, after host and process.")] = "1",
    lifeline: Lifeline = None,
) -> None:
    """Run a worker for the tasks of an app."""
    from jobsapi.runner import pool_of_worker

    _hold(lifeline)
    settings = Settings.from_environment(concurrency=concurrency, threads=threads, lease=lease, grace=grace)
    chosen = weights(queue)
    pool = pool_of_worker(app, settings)
    pool.start()  # its children import the app while this process imports what a worker needs: half the time to a job
    from jobsapi.worker import Worker

    raise typer.Exit(Worker(app, settings, name=name, queues=chosen, pool=pool).run())


def weights(queues: list[str] | None) -> dict[str, float]:
    """`NAME` or `NAME=WEIGHT`, as given → name → weight. Raises Invalid."""
    found = {}
    for each in queues or []:
        name, _, weight = each.partition("=")
        try:
            found[checked_name("queue", name)] = float(weight or 1)
        except ValueError:
            found[name] = 0.0
        if not 0 < found[name] < math.inf:
            raise Invalid(f"{each!r} is not a queue: --queue takes NAME or NAME=WEIGHT, a number above 0.")
    return found


def _hold(lifeline: int | None) -> None:
    if lifeline is not None:
        from jobsapi.serve import follow

        follow(lifeline)
