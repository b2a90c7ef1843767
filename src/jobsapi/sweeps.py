"""A sweep → a checked submission for each point of its grid: every value with every one of the other parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jobsapi.errors import FieldError, Invalid, TooLarge
from jobsapi.fit import NO_PARAMETER, escaped
from jobsapi.names import new_id
from jobsapi.submission import MOST_AT_ONCE, Sent, Submission, prepare

if TYPE_CHECKING:
    from jobsapi.store import Store

__all__ = ["grid", "listed", "read_sweep"]

_MOST_FAULTS = 100
"""How many faults are looked for."""


def read_sweep(store: Store, body: Mapping[str, Any]) -> Sent:
    """The batch of a `POST /jobs` body `{"task", "sweep", "params", …options}`. Raises as `grid` does."""
    task = body["task"]
    if not isinstance(task, str):
        raise Invalid("`task` is a text.", errors=[FieldError("/task", "is not a text")])
    options = {name: value for name, value in body.items() if name not in ("task", "params", "sweep")}
    return grid(store, task, body["sweep"], body.get("params", {}), options)


def grid(store: Store, task: str, sweep: Any, params: Any, options: Mapping[str, Any]) -> Sent:
    """The batch of every combination, the last parameter's values changing fastest; `params` are common to all.

    Raises Invalid, whose pointers name the value of the sweep, `/sweep/ratio/1`, and TooLarge.
    """
    _check(sweep, params, options)
    names = list(sweep)
    faults: dict[FieldError, None] = {}
    made: list[Submission] = []
    size = 0
    for places in itertools.product(*(range(len(values)) for values in sweep.values())):
        point = {name: sweep[name][place] for name, place in zip(names, places, strict=True)}
        try:
            made.append(prepare(store, task, {**params, **point}, options, "", "/params"))
        except Invalid as problem:
            where = dict(zip(names, places, strict=True))
            faults |= dict.fromkeys(_moved(each, where) for each in problem.errors)
            is_common = not any(each.pointer.startswith("/sweep/") for each in faults)
            if is_common or len(faults) >= _MOST_FAULTS:
                break
        else:
            size += len(made[-1].params)
            if size > store.settings.max_body:
                raise TooLarge(
                    f"The parameters of the sweep's jobs are together more than the {store.settings.max_body:,} bytes "
                    "of JSON that JOBSAPI_MAX_BODY allows."
                )
    if faults:
        shown = "; ".join(f"{each.pointer} {each.detail[:200]}" for each in list(faults)[:5])
        raise Invalid(f"The sweep of task {task!r} does not fit: {shown}.", errors=list(faults))
    return Sent(made, new_id(), tuple(names))


def listed(sweep: Mapping[str, Any]) -> dict[str, Any]:
    """A sweep of Python's: any iterable of values, a range or an array too, is a list."""
    made = {}
    for name, values in sweep.items():
        plain = values.tolist() if hasattr(values, "tolist") else values
        is_list = isinstance(plain, Iterable) and not isinstance(plain, str | bytes | Mapping)
        made[name] = list(plain) if is_list else plain
    return made


def _check(sweep: Any, params: Any, options: Mapping[str, Any]) -> None:
    """Whether there is a grid at all, before any point of it is looked at. Raises Invalid."""
    faults: list[FieldError] = []
    if not isinstance(params, Mapping):
        faults.append(FieldError("/params", "is not an object"))
    if options.get("key") is not None:
        faults.append(FieldError("/key", "cannot stand beside `sweep`: two jobs of a batch cannot have one key"))
    if not isinstance(sweep, Mapping) or not sweep:
        faults.append(FieldError("/sweep", "is an object: each parameter with the list of its values"))
        raise Invalid("The sweep does not fit.", errors=faults)
    for name, values in sweep.items():
        pointer = f"/sweep/{escaped(str(name))}"
        if not isinstance(values, Sequence) or isinstance(values, str) or not values:
            faults.append(FieldError(pointer, "is a list of at least one value"))
        if isinstance(params, Mapping) and name in params:
            faults.append(FieldError(pointer, "stands in `params`, too"))
    if not faults and (count := math.prod(map(len, sweep.values()))) > MOST_AT_ONCE:
        faults.append(FieldError("/sweep", f"makes {count:,} jobs; one request may make {MOST_AT_ONCE:,}"))
    if faults:
        told = "; ".join(f"{each.pointer} {each.detail}" for each in faults[:5])
        raise Invalid(f"The sweep does not fit: {told}.", errors=faults)


def _moved(fault: FieldError, places: Mapping[str, int]) -> FieldError:
    """The fault of a point, where its parameter is of the sweep: at the value there."""
    name, slash, rest = fault.pointer.removeprefix("/params/").partition("/")
    for each, place in places.items():
        if fault.pointer.startswith("/params/") and escaped(each) == name:
            is_unknown = fault.detail == NO_PARAMETER and not slash
            return FieldError(f"/sweep/{name}" + ("" if is_unknown else f"/{place}{slash}{rest}"), fault.detail)
    return fault
