"""/ and /help: the page for browsers, and where everything is for a person who just found the address."""

from __future__ import annotations

from importlib import metadata

from flask import Blueprint, Response, request

from jobsapi.web import ui
from jobsapi.web.access import asks_token
from jobsapi.web.common import address, own_routes, reply, the_settings, wants_page

__all__ = ["blueprint"]

blueprint = Blueprint("about", __name__)

_LINKS = ("jobs", "batches", "data", "datasets", "tasks", "queues", "workers", "docs", "openapi.json", "help")


@blueprint.get("/")
def home() -> Response:
    """The web page for a browser; for others links to what a newcomer wants next."""
    if wants_page():
        return ui.shell()
    links = {name.partition(".")[0]: f"{request.path}{name}" for name in _LINKS}
    return reply(
        {"name": "jobsapi", "version": metadata.version("jobsapi"), "links": links}, headers={"Vary": "Accept"}
    )


@blueprint.get("/help")
def routes() -> Response:
    """The routes in plain text."""
    found = own_routes()[1]
    base = request.host_url.rstrip("/") + address("")
    token = " -H 'Authorization: Bearer TOKEN'" if asks_token(the_settings()) else ""
    wide = max(len(path) for _, path, _ in found)
    lines = "".join(f"  {method:6}  {path:{wide}}  {summary}\n" for method, path, summary in found)
    text = (
        "A job is one run of a task. Post it, keep its id, ask for its status, fetch its results:\n\n"
        f"  curl{token} {base}/tasks\n"
        f'  curl{token} {base}/jobs --json \'{{"task": "NAME", "params": {{}}}}\'\n'
        f"  curl{token} {base}/jobs/ID\n"
        f"  curl{token} {base}/jobs/ID/results\n\n"
        f"Routes:\n\n{lines}\n"
        f"With every task's parameters: {base}/docs, and for programs {base}/openapi.json\n"
    )
    return Response(text, mimetype="text/plain")
