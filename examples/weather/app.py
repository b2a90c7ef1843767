"""Plots of four years of Seattle's weather, from the data set that was loaded."""

from collections import defaultdict
from typing import Annotated, Literal

from matplotlib.figure import Figure
from pydantic import Field

from jobsapi import current_job, data, task

Year = Annotated[int, Field(ge=2012, le=2015)]
Measure = Literal["precipitation", "temp_max", "temp_min", "wind"]

LABELS = {"precipitation": "rain, mm a day", "temp_max": "highest, °C", "temp_min": "lowest, °C", "wind": "wind, m/s"}
KINDS = {"sun": "gold", "fog": "silver", "drizzle": "skyblue", "rain": "royalblue", "snow": "plum"}


@task(default=True, datasets=["default"], cache="7d")
def seasons(measure: Measure = "temp_max", first: Year = 2012, last: Year = 2015):
    """A year of one measure, each day's mean over the years and the span between its extremes."""
    by_day = defaultdict(list)
    for day in days_of(first, last):
        by_day[day["date"][5:]].append(day[measure])
    order = sorted(by_day)
    figure = Figure(figsize=(9, 4))
    axes = figure.add_subplot()
    axes.fill_between(
        range(len(order)), [min(by_day[day]) for day in order], [max(by_day[day]) for day in order], alpha=0.3
    )
    axes.plot(range(len(order)), [sum(by_day[day]) / len(by_day[day]) for day in order])
    axes.set_xticks([place for place, day in enumerate(order) if day.endswith("/01")], "JFMAMJJASOND")
    axes.set_ylabel(LABELS[measure])
    axes.set_title(f"Seattle, {first}–{last}" if first != last else f"Seattle, {first}")
    return figure


@task(datasets=["default"], cache="7d")
def kinds(first: Year = 2012, last: Year = 2015):
    """How many days of each year had sun, fog, drizzle, rain, snow: a picture and the numbers."""
    counts = {year: dict.fromkeys(KINDS, 0) for year in range(first, last + 1)}
    for day in days_of(first, last):
        counts[int(day["date"][:4])][day["weather"]] += 1
    figure = Figure(figsize=(9, 4))
    axes = figure.add_subplot()
    height = [0] * len(counts)
    for kind, colour in KINDS.items():
        days = [counts[year][kind] for year in counts]
        axes.bar([str(year) for year in counts], days, bottom=height, label=kind, color=colour)
        height = [below + more for below, more in zip(height, days, strict=True)]
    axes.set_ylabel("days")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return {"plot": figure, "days": counts}


def days_of(first: int, last: int) -> list:
    """The days of these years, in order; tells how far the reading is."""
    records, found = data.records(), []
    for i, day in enumerate(records):
        if first <= int(day["date"][:4]) <= last:
            found.append(day)
        if i % 100 == 0:
            current_job().progress(i / len(records), f"read {day['date']}")
    if not found:
        raise ValueError(f"No day from {first} to {last} is loaded: `python load.py` loads them.")
    return found
