"""Runs the application under granian."""

from __future__ import annotations

import errno
import functools
import ipaddress
import multiprocessing
import os
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from jobsapi.errors import SetupError, StoreUnavailable

if TYPE_CHECKING:
    from flask import Flask

    from jobsapi.settings import Settings

__all__ = ["refuse_taken_port", "run_api"]

_MOST_CONNECTIONS = 4096
"""Per process. An idle connection that a client keeps counts too, so it is far above the number of threads."""

_LAST_WORDS = 5
"""Seconds that requests under way are given when the API stops."""

_ALLOCATOR = ("_RJEM_MALLOC_CONF", "tcache:false")
"""Granian's allocator keeps for each thread what it freed: with the many threads that held replies need, that is more
than half of the process's memory."""

_LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"brief": {"format": "jobsapi api: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "brief"}},
    "loggers": {"_granian": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}


def run_api(settings: Settings, ready_with: str = "") -> None:
    """Answer requests until SIGTERM or SIGINT. `ready_with`: as `create_app`'s.

    Raises SetupError where the address cannot be listened on, or may not without a token, and where the store cannot
    be used.
    """
    os.environ.setdefault(*_ALLOCATOR)  # read when granian is loaded
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    refuse_taken_port(settings)
    _refuse_store(settings)
    Server(
        "jobsapi",
        address=_address(settings)[0],
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.api_processes,
        blocking_threads=settings.api_threads + settings.max_streams,
        backpressure=max(_MOST_CONNECTIONS, 2 * settings.api_threads + settings.max_streams),
        websockets=False,
        log_level=LogLevels.error,
        log_dictconfig=_LOGGING,
        respawn_failed_workers=True,
        workers_kill_timeout=_LAST_WORDS,
    ).serve(target_loader=functools.partial(_load, settings, ready_with), wrap_loader=False)


def _refuse_store(settings: Settings) -> None:
    """SetupError where the store cannot be used, or others would be let in without a token."""
    from jobsapi.store import connect
    from jobsapi.web.access import is_loopback, refuse_open_start

    try:
        store = connect(settings)
    except StoreUnavailable:
        if not is_loopback(settings.host):
            raise  # nobody knows whether there is a token
        return  # requests get 503 until it is there
    refuse_open_start(settings, store)
    store.close()  # before the fork: connections are not shared between processes


def _load(settings: Settings, ready_with: str) -> Flask:
    """The application, made in the process that answers requests."""
    from jobsapi.api import create_app

    threading.Thread(target=_stop_with_parent, daemon=True).start()
    app = create_app(settings, ready_with=ready_with)
    told, ours = socket.socketpair()
    ours.setblocking(False)
    signal.set_wakeup_fd(ours.detach(), warn_on_full_buffer=False)  # granian sets its handlers after this
    threading.Thread(target=_end_replies_at_stop, args=(app, told), daemon=True).start()
    return app


def _end_replies_at_stop(app: Flask, told: socket.socket) -> None:
    """Held replies end when the process is told to stop: granian would wait for them as long as it may."""
    from jobsapi.web.feed import end_replies

    while came := told.recv(64):
        if {signal.SIGTERM, signal.SIGINT} & set(came):
            end_replies(app)


def _stop_with_parent() -> None:
    """Granian's own children go on when their parent is killed; ours stop as by SIGTERM, and free the port."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # this runs in granian's child
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(_LAST_WORDS)
    os._exit(1)


def refuse_taken_port(settings: Settings) -> None:
    """SetupError, with the way out, where the port is taken or the address cannot be listened on."""
    address, family = _address(settings)
    if settings.port and _answers(settings, address, family):
        raise _taken(settings)
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port whose last user just left is free
        try:
            probe.bind((address, settings.port))
            probe.listen()
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                raise _taken(settings) from problem
            raise SetupError(
                f"The API cannot listen on {settings.host} port {settings.port} ({problem.strerror}). "
                "Choose others with --host and --port, or JOBSAPI_HOST and JOBSAPI_PORT."
            ) from problem


def _answers(settings: Settings, address: str, family: int) -> bool:
    """Whether somebody listens where `localhost` would lead a client: a bind alone does not see a wildcard on macOS."""
    places = [(family, address)]
    if ipaddress.ip_address(address).is_loopback:
        found = socket.getaddrinfo("localhost", settings.port, type=socket.SOCK_STREAM)
        places += [(each[0], str(each[4][0])) for each in found]
    for each_family, place in places:
        with socket.socket(each_family, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            if probe.connect_ex((place, settings.port)) == 0:
                return True
    return False


def _taken(settings: Settings) -> SetupError:
    apple = " (on macOS that may be AirPlay Receiver)" if sys.platform == "darwin" and settings.port == 5000 else ""
    return SetupError(
        f"Port {settings.port} is taken by another program{apple}. Choose another one: --port {settings.port + 1}, "
        f"or JOBSAPI_PORT={settings.port + 1} (`make run` takes PORT={settings.port + 1})."
    )


def _address(settings: Settings) -> tuple[str, int]:
    """The numeric address of a host name, and its family. Raises SetupError."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as problem:
        raise SetupError(f"There is no address {settings.host!r} to listen on ({problem.strerror}).") from problem
    family, _, _, _, place = min(found, key=lambda each: each[0] != socket.AF_INET)
    return str(place[0]), family
