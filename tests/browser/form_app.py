"""The tasks of the form's tests: a parameter of every kind, and one that draws."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from jobsapi import current_job, data, task


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    """A place on a map."""

    x: float = Field(ge=-180, le=180, description="Degrees east.")
    y: float = Field(ge=-90, le=90, description="Degrees north.")
    label: str | None = None


class Circle(BaseModel):
    kind: Literal["circle"] = "circle"
    radius: Annotated[float, Field(gt=0)] = 1.0


class Box(BaseModel):
    kind: Literal["box"] = "box"
    width: int
    height: int


class Tree(BaseModel):
    name: str
    branches: list["Tree"] = []


Shape = Annotated[Circle | Box, Field(discriminator="kind")]


@task
def kinds(
    count: Annotated[int, Field(ge=1, le=100, description="How many, at most a hundred.")],
    name: Annotated[str, Field(min_length=2, max_length=20, pattern=r"^[a-z <>&'\"]+$")],
    ratio: float = 0.5,
    big: int = 0,
    fast: bool = False,
    sure: bool | None = None,
    note: str | None = None,
    text: Annotated[str, Field(max_length=5000, description="As long as you like.")] = "",
    mode: Literal["slow", "quick", "best"] = "quick",
    colour: Colour = Colour.RED,
    level: Literal[1, 2, 3] = 1,
    day: dt.date | None = None,
    at: dt.datetime | None = None,
    price: Decimal | None = None,
    ident: uuid.UUID | None = None,
    either: int | str = 1,
    place: Point | None = None,
    shape: Shape = Circle(),  # noqa: B008 - a value that never changes
    weights: Annotated[list[Annotated[float, Field(ge=0)]], Field(max_length=5)] = [],  # noqa: B006
    points: list[Point] = [],  # noqa: B006
    pair: tuple[int, str] | None = None,
    labels: dict[str, int] = {},  # noqa: B006
    tree: Tree | None = None,
    anything: Any = None,
    code: Annotated[str, Field(pattern="(?i)^[a-z]{3}$", description="Only Python reads its pattern.")] = "abc",
) -> dict[str, Any]:
    """A parameter of every kind."""
    return {name: repr(value) for name, value in locals().items()}


@task
def free(**params: Any) -> dict[str, Any]:
    """Takes whatever it is given."""
    return params


@task(default=True)
def draw(start: Annotated[int, Field(ge=0)], end: Annotated[int, Field(ge=0)], dataset: str = "default") -> Any:
    """Draw the field `value` of the records from start to end."""
    from matplotlib.figure import Figure

    values = [row.get("value", 0) for row in data.records(start, end, dataset=dataset)]
    current_job().progress(0.5, "drawing")
    print(f"{len(values)} records read")
    figure = Figure()
    figure.add_subplot().plot(values)
    return figure


@task
def picked(ids: list[str | int], dataset: str = "default") -> int:
    """How many records have these ids."""
    return sum(1 for each in ids if data.get(each, dataset=dataset))
