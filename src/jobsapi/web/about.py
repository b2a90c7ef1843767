"""/ and /help: where everything is, for a person who just found the address."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from jobsapi.web.common import reply

__all__ = ["blueprint"]

blueprint = Blueprint("about", __name__)


@blueprint.get("/")
def home() -> Response:
    """Links to what a newcomer wants next."""
    links = {"jobs": "/jobs", "data": "/data", "datasets": "/datasets", "tasks": "/tasks", "queues": "/queues"}
    links |= {"workers": "/workers", "help": "/help"}
    return reply({"name": "jobsapi", "links": links})


@blueprint.get("/help")
def routes() -> Response:
    """The routes in plain text, from the application itself."""
    lines = []
    for rule in current_app.url_map.iter_rules():
        view = current_app.view_functions[rule.endpoint]
        methods = ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        summary = (view.__doc__ or "").strip().partition("\n")[0]
        lines.append((rule.rule, methods, summary))
    wide = max(len(rule) for rule, _, _ in lines)
    text = "".join(f"{methods:6}  {rule:{wide}}  {summary}\n" for rule, methods, summary in sorted(lines))
    return Response(text, mimetype="text/plain")
