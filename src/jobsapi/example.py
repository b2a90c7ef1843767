"""The built-in task: plot the values between `start` and `end` of a data set that was loaded."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from jobsapi import current_job, data, task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from matplotlib.figure import Figure

__all__ = ["plot"]

_LOOKED_AT = 100
"""Records in which a field with numbers is looked for."""

_MOST_WITHOUT_DATA = 1_000_000
_TOLD_EVERY = 1000

Start = Annotated[int, Field(ge=0, examples=[0], description="The first record, counted from 0.")]
End = Annotated[int, Field(ge=0, examples=[100], description="The record after the last one.")]
Name = Annotated[str | None, Field(description="The values: a field, `outer.inner` for one inside another.")]
Dataset = Annotated[str, Field(description="Which data set.")]


@task(default=True)
def plot(start: Start, end: End, field: Name = None, dataset: Dataset = "default") -> dict[str, Any]:
    """Plot the values between start and end of the loaded data: a picture, and a summary in numbers.

    Records count from 0 in the order of loading; `end` is left out. `field` names the values (`outer.inner` for one
    inside another), default the first field with numbers that is no id. While no data is loaded, the values are the
    whole numbers from start to end themselves.
    """
    if dataset != "default" or any(each["name"] == dataset for each in data.datasets()):
        rows = data.records(start, end, dataset=dataset)
        if not len(rows):
            raise ValueError(f"The data set {dataset!r} has no records from {start} to {end}.")
        field = field or _first_with_numbers(rows[:_LOOKED_AT])
        values = _values(rows, field, len(rows))
    else:
        if not 0 < end - start <= _MOST_WITHOUT_DATA:
            raise ValueError(f"There are no numbers from {start} to {end}, or more than {_MOST_WITHOUT_DATA:,}.")
        field = field or "value"
        values = array("d", range(start, end))
    known = [each for each in values if not math.isnan(each)]
    if not known:
        raise ValueError(f"No record from {start} to {end} has a number in {field!r}.")
    summary = {
        "field": field,
        "records": len(values),
        "values": len(known),
        "min": min(known),
        "max": max(known),
        "mean": math.fsum(known) / len(known),
    }
    return {"plot": _drawn(values, start, field, dataset), "summary": summary}


def _values(rows: Iterable[Mapping[str, Any]], field: str, count: int) -> array[float]:
    """The field's number in each record; NaN, a gap in the line, where it has none."""
    job, values = current_job(), array("d")
    for row in rows:
        values.append(_number(dict(_flat(row)).get(field)))
        if len(values) % _TOLD_EVERY == 0:
            job.progress(len(values) / count, f"{len(values):,} of {count:,} records read")
    job.progress(1.0, "drawing")
    return values


def _first_with_numbers(rows: Iterable[Mapping[str, Any]]) -> str:
    for row in rows:
        for name, value in _flat(row):
            if not math.isnan(_number(value)) and name.rpartition(".")[2].lower() != "id":
                return name
    raise ValueError(f"No field of the first {_LOOKED_AT} records holds numbers; name one: `field`.")


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _number(value: Any) -> float:
    """The value where it is a number, else NaN."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _drawn(values: array[float], start: int, field: str, dataset: str) -> Figure:
    from matplotlib.figure import Figure  # only where a plot is drawn: a worker starts sooner without it

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(range(start, start + len(values)), values, linewidth=1, marker="o" if len(values) <= 100 else "")
    axes.set(xlabel="record", ylabel=field, title=f"{field}, records {start} to {start + len(values) - 1}, {dataset}")
    axes.grid(visible=True, alpha=0.3)
    return figure
