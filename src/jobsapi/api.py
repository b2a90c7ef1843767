"""`create_app()`: the Flask application, put together; and the server that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import Blueprint

from jobsapi.settings import Settings
from jobsapi.web import (
    about,
    access,
    batches,
    common,
    data,
    events,
    jobs,
    openapi,
    results,
    schedules,
    system,
    ui,
)
from jobsapi.web.application import Application

if TYPE_CHECKING:
    from flask import Flask

    from jobsapi.store import Store

__all__ = ["blueprint", "create_app"]

_PARTS = (
    about.blueprint,
    jobs.blueprint,
    events.blueprint,
    batches.blueprint,
    results.blueprint,
    data.blueprint,
    schedules.blueprint,
    system.blueprint,
    openapi.blueprint,
    ui.blueprint,
)


def create_app(settings: Settings | None = None, *, store: Store | None = None, ready_with: str = "") -> Flask:
    """The application: every route of the API, its errors as problem documents, its access rules.

    `store`: default, the one that the settings name, connected at the first request. `ready_with`: the worker (the
    end of its id) without which `/readyz` answers 503.
    """
    settings = settings or (store.settings if store else Settings.from_environment())
    app = Application("jobsapi", settings.api_threads, static_folder=None)
    app.config[system.READY_WITH] = ready_with
    common.StoreHolder(settings, store).install(app)
    common.install_problems(app)
    access.install_access(app, settings)
    for part in _PARTS:
        app.register_blueprint(part)
    app.after_request(common.harden)
    return app


def blueprint(settings: Settings | None = None, *, store: Store | None = None) -> Blueprint:
    """The same routes for an application of your own: `app.register_blueprint(jobsapi.api.blueprint())`.

    Who may use them is that application's to decide: none of `create_app`'s access rules apply.
    """
    holder = common.StoreHolder(settings or (store.settings if store else Settings.from_environment()), store)
    made = Blueprint("jobsapi", __name__)
    made.record_once(lambda state: holder.install(cast("Flask", state.app)))
    common.install_problems(made)
    for part in _PARTS:
        made.register_blueprint(part)
    made.after_request(common.harden)
    return made
