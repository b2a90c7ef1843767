"""/schedules: make, list, look at, remove."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from jobsapi import schedules
from jobsapi.errors import FieldError, Invalid
from jobsapi.web.common import address, query, read_body, read_json, reply, the_settings, the_store

__all__ = ["blueprint"]

blueprint = Blueprint("schedules", __name__)


@blueprint.get("/schedules")
def list_all() -> Response:
    """Every schedule, with its next due time and its last job."""
    query()
    return reply({"schedules": schedules.list_schedules(store=the_store())})


@blueprint.get("/schedules/<name>")
def show(name: str) -> Response:
    """One schedule."""
    query()
    return reply(schedules.get_schedule(name, store=the_store()))


@blueprint.post("/schedules")
def add() -> Response:
    """Submit a job again and again; a schedule of the same name is replaced."""
    query()
    body = read_json(read_body(the_settings().max_body))
    if not isinstance(body, dict):
        raise Invalid("A schedule is a JSON object.", errors=[FieldError("", "is not an object")])
    for field in ("name", "task"):
        if not isinstance(body.get(field), str):
            raise Invalid(f"`{field}` is a text.", errors=[FieldError(f"/{field}", "is a text, and required")])
    given: dict[str, Any] = {key: value for key, value in body.items() if value is not None}
    if "store" in given:
        raise Invalid("`store` is no option.", errors=[FieldError("/store", "is no option")])
    params = given.pop("params", {})
    made = schedules.add_schedule(given.pop("name"), given.pop("task"), params, store=the_store(), **given)
    return reply(made, 201, {"Location": address(f"/schedules/{made['name']}")})


@blueprint.delete("/schedules/<name>")
def remove(name: str) -> Response:
    """Submit no more of its jobs."""
    query()
    store = the_store()
    found = schedules.get_schedule(name, store=store)
    schedules.remove_schedule(name, store=store)
    return reply(found)
