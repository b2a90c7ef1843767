"""`data load`, `data search`, `data get`, `data list`."""

from __future__ import annotations

import itertools
import json
from pathlib import Path  # noqa: TC003 - typer looks at it
from typing import Annotated, Any

import typer

from jobsapi.cli import complete
from jobsapi.cli.base import DATA, Talk, app, shown_json, table, talks, write
from jobsapi.cli.params import pairs

Dataset = Annotated[str, typer.Option(metavar="NAME", help="The data set.", autocompletion=complete.datasets)]

_TAKEN = {"search", "limit", "cursor", "dataset", "page"}
"""Names that mean something else to the API or to the client; a field of that name is reached as `where.NAME`."""

data = typer.Typer()
app.add_typer(data, name="data", help="Load records, search them, look at one.", rich_help_panel=DATA)


@data.command()
@talks
def load(
    talk: Talk,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON, NDJSON or CSV by its name; .gz too.")],
    *,
    dataset: Dataset = "default",
    id_field: Annotated[str | None, typer.Option("--id", metavar="FIELD", help="The field that is the id.")] = None,
    records: Annotated[
        str | None, typer.Option(metavar="POINTER", help="Where the list of records is: /response/docs.")
    ] = None,
) -> None:
    """Load a file of records, all of it or nothing; a terminal shows how far it is."""
    from jobsapi.cli.loading import Sending

    with Sending(file) as sending:
        done = talk.client.load_data(file, dataset=dataset, id=id_field, records=records, told=sending.told)
    pace = sending.pace(done["loaded"])  # only a terminal is told: a program gets the same text for the same file
    talk.show(done, lambda: f"{done['loaded']:,} records loaded{pace}; {done['dataset']} holds {done['total']:,}.")


@data.command()
@talks
def search(
    talk: Talk,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD|FIELD=VALUE", help="Words (wind*: a prefix), FIELD=VALUE, FIELD.gte=5."),
    ] = None,
    *,
    dataset: Dataset = "default",
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="How many at most.")] = 100,
) -> None:
    """Print the records that fit, one a line."""
    given = words or []
    where = pairs([each for each in given if "=" in each], "a filter")
    where = {f"where.{name}" if name in _TAKEN else name: value for name, value in where.items()}
    sought = " ".join(each for each in given if "=" not in each) or None
    found = talk.client.search_data(sought, dataset=dataset, page=min(limit, 1000), **where)
    _print_records(talk, itertools.islice(found, limit))


def _print_records(talk: Talk, records: Any) -> None:
    if talk.is_json:
        write(shown_json({"records": list(records)}))
    else:
        for each in records:
            write(json.dumps(each, ensure_ascii=False))


@data.command()
@talks
def get(
    talk: Talk, record: Annotated[str, typer.Argument(metavar="ID", help="Its id.")], *, dataset: Dataset = "default"
) -> None:
    """Print one record."""
    write(shown_json(talk.client.get_data(record, dataset=dataset)))


@data.command("list")
@talks
def datasets(talk: Talk) -> None:
    """List the data sets, how many records they hold, and their fields."""
    found = talk.client.datasets()
    rows = ((each["name"], each["records"], " ".join(field["name"] for field in each["fields"])) for each in found)
    talk.show({"datasets": found}, lambda: table(("DATASET", "RECORDS", "FIELDS"), rows))
