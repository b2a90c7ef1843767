"""`jobsapi serve`: API, worker and server, started and stopped together."""

from __future__ import annotations

import dataclasses
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jobsapi import registry
from jobsapi.errors import SetupError, StoreUnavailable
from jobsapi.server import refuse_taken_port
from jobsapi.settings import Settings
from jobsapi.store import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["follow", "serve"]

_MOST_DEATHS = 5
_DEATHS_WITHIN = 60.0
"""More deaths of one part within so many seconds are a fault that another start does not mend."""

_AFTER_DRAIN = 0.2
_LOOK_EVERY = 0.05
_API_PATIENCE = 10.0
_WORKER_PATIENCE = 10.0
"""Seconds beyond its grace time after which a worker that does not stop is killed."""


def serve(
    app: str | None,
    settings: Settings,
    *,
    queues: Sequence[str] = (),
    reload: bool = False,
    announce: Callable[[Settings, list[dict[str, Any]]], None] = lambda _settings, _tasks: None,
) -> int:
    """Run the whole system until SIGTERM or Ctrl-C; the exit code.

    `app`: file or module with the tasks (None: the built-in example). `queues`: as the worker's `--queue`.
    `reload`: start the worker again when the app's files change. `announce` is called with the tasks, as published,
    when they can be used. Raises SetupError where the set-up cannot work.
    """
    watched = _watched(app) if reload else None
    refuse_taken_port(settings)
    store = connect(settings)  # held as long as this process lives, and with it the embedded server
    _refuse_open_start(settings, store)
    try:
        return _Supervisor(app, settings, store, queues, watched, announce).run()
    finally:
        store.close()


def follow(lifeline: int) -> None:
    """Stop this process, as by SIGTERM, when the process that holds the other end of the pipe is gone."""

    def wait() -> None:
        while os.read(lifeline, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


@dataclass
class _Part:
    """The worker or the API: how it is started, and its present process."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=deque)
    start_at: float | None = None
    """When it is started again; None: it runs, or waits for a change of the app."""
    is_reloading: bool = False
    was_ready: bool = False

    def send(self, number: int) -> None:
        """A signal, where there is a process to take it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def wait_or_kill(self, seconds: float) -> None:
        """Its end, at the latest after `seconds`."""
        if self.process is None:
            return
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class _Supervisor:
    """Starts both parts, starts again what died, and stops them in order. Everything it reacts to is an event."""

    def __init__(
        self,
        app: str | None,
        settings: Settings,
        store: Any,
        queues: Sequence[str],
        watched: Path | None,
        announce: Callable[[Settings, list[dict[str, Any]]], None],
    ) -> None:
        self._settings, self._store, self._watched, self._announce = settings, store, watched, announce
        self._app = app
        self._name = f"serve{os.getpid()}"
        self._events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._lifeline, self._held_end = os.pipe()
        flags = [part for each in queues for part in ("--queue", each)]
        self._worker = _Part("worker", ["worker", *([app] if app else []), "--name", self._name, *flags])
        self._api = _Part("api", ["api", "--ready-with", f":{self._name}"])

    def run(self) -> int:
        """Until a signal, or until a part cannot be kept running."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._start(self._worker)
            self._start(self._api)
            if self._watched:
                threading.Thread(target=self._watch, args=(self._watched,), daemon=True).start()
            return self._react()
        finally:
            self._stopping.set()
            for part in (self._worker, self._api):
                part.send(signal.SIGKILL)
                part.wait_or_kill(0)
            os.close(self._held_end)
            os.close(self._lifeline)

    def _on_signal(self, number: int, _frame: Any) -> None:
        if self._stopping.is_set() and number == signal.SIGINT:
            self._worker.send(signal.SIGKILL)
            self._api.send(signal.SIGKILL)
        self._events.put(("stop", number))

    def _react(self) -> int:
        while True:
            try:
                what, about = self._events.get(timeout=self._seconds_to_next_start())
            except queue.Empty:
                for part in (self._worker, self._api):
                    if part.start_at is not None and part.start_at <= time.monotonic():
                        self._start(part)
                continue
            if what == "stop":
                self._stop(about)
                return 0
            if what == "ready":
                self._when_ready(about)
            elif what == "changed":
                self._reload(about)
            elif what == "ended" and not self._may_start_again(*about):
                self._stop(signal.SIGINT)
                return 1

    # --- Starting ---------------------------------------------------------------------------------------------------

    def _start(self, part: _Part) -> None:
        part.start_at, part.is_reloading = None, False
        command = [sys.executable, "-P", "-m", "jobsapi", *part.command, "--lifeline", str(self._lifeline)]
        part.process = subprocess.Popen(
            command,
            env=_environment(self._settings),
            pass_fds=[self._lifeline],
            process_group=0,  # Ctrl-C reaches this process alone, which passes it on in order
        )
        threading.Thread(target=self._wait, args=(part, part.process), daemon=True).start()
        if part is self._worker:
            threading.Thread(target=self._look_until_ready, args=(part.process,), daemon=True).start()

    def _wait(self, part: _Part, process: subprocess.Popen[bytes]) -> None:
        self._events.put(("ended", (part, process.wait())))

    def _look_until_ready(self, worker: subprocess.Popen[bytes]) -> None:
        while not self._stopping.is_set() and worker.poll() is None:
            try:
                told = [each for each in registry.workers(self._store) if each["id"].endswith(f":{self._name}")]
                if any(int(each["pid"]) == worker.pid for each in told) and _is_ready(self._settings):
                    self._events.put(("ready", worker))
                    return
            except StoreUnavailable:
                pass  # the same as not ready; the parts say so themselves
            self._stopping.wait(_LOOK_EVERY)

    def _when_ready(self, worker: subprocess.Popen[bytes]) -> None:
        if worker is not self._worker.process:
            return
        told = next((each for each in registry.workers(self._store) if int(each["pid"]) == worker.pid), None)
        if told is None:
            return  # it ended just now, which is another event
        known = registry.published(self._store, fresh=True)
        tasks = [known[name] for name in told["tasks"].split() if name in known]
        if self._worker.was_ready:
            _say(f"the worker is ready; tasks: {', '.join(each['name'] for each in tasks)}")
        else:
            self._announce(
                self._settings,
                [{**each, "schema": registry.schema_of(self._store, each["digest"])} for each in tasks],
            )
        self._worker.was_ready = self._api.was_ready = True

    # --- What dies, and what changes --------------------------------------------------------------------------------

    def _may_start_again(self, part: _Part, code: int) -> bool:
        """Plan the next start of a part that ended; False where it is better to give up."""
        now = time.monotonic()
        if part.is_reloading:
            self._start(part)
            return True
        if self._watched and part is self._worker and code == 1:
            _say("the worker did not start; waiting for a change of the files")
            return True
        if not part.was_ready:
            return False
        if part is self._worker and code == 0:
            _say("the worker ended as it was asked to; a fresh one starts")
            part.start_at = now + _AFTER_DRAIN
            return True
        part.deaths.append(now)
        while part.deaths[0] < now - _DEATHS_WITHIN:
            part.deaths.popleft()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        if len(part.deaths) > _MOST_DEATHS:
            _say(f"the {part.name} ended again ({how}); it does not stay up, so everything is stopped")
            return False
        pause = 0.2 * 2 ** (len(part.deaths) - 1)
        _say(f"the {part.name} ended ({how}); it starts again in {pause:g} s")
        part.start_at = now + pause
        return True

    def _seconds_to_next_start(self) -> float | None:
        moments = [part.start_at for part in (self._worker, self._api) if part.start_at is not None]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _watch(self, folder: Path) -> None:
        import watchfiles

        for changes in watchfiles.watch(
            folder, watch_filter=watchfiles.PythonFilter(), stop_event=self._stopping, raise_interrupt=False
        ):
            self._events.put(("changed", sorted({Path(path).name for _, path in changes})))

    def _reload(self, names: list[str]) -> None:
        _say(f"{', '.join(names)} changed; the worker starts again")
        worker = self._worker
        if worker.process is not None and worker.process.poll() is None:
            worker.is_reloading = True
            worker.send(signal.SIGINT)  # its jobs are handed back and run again with the new code
        else:
            self._start(worker)

    # --- Stopping ---------------------------------------------------------------------------------------------------

    def _stop(self, number: int) -> None:
        """The worker first, so that the API tells to the last how its jobs end. SIGTERM gives them the grace time."""
        self._stopping.set()
        is_patient = number == signal.SIGTERM
        self._worker.send(signal.SIGTERM if is_patient else signal.SIGINT)
        self._worker.wait_or_kill(_WORKER_PATIENCE + (self._settings.grace if is_patient else 0.0))
        self._api.send(signal.SIGTERM)
        self._api.wait_or_kill(_API_PATIENCE)


def _say(what: str) -> None:
    sys.stderr.write(f"jobsapi serve: {what}\n")


def _environment(settings: Settings) -> dict[str, str]:
    """This process's environment, with the settings that flags changed."""
    plain = Settings.from_environment()
    changed = {
        each.metadata["variable"]: str(getattr(settings, each.name))
        for each in dataclasses.fields(settings)
        if getattr(settings, each.name) != getattr(plain, each.name)
    }
    return {**os.environ, **changed}


def _refuse_open_start(settings: Settings, store: Any) -> None:
    from jobsapi.web.access import is_loopback, refuse_open_start  # Flask is the API's to load, not this process's

    if not is_loopback(settings.host):
        refuse_open_start(settings, store)


def _is_ready(settings: Settings) -> bool:
    """Whether `/readyz` says 200."""
    import http.client

    place = urlsplit(settings.local_url)
    host = settings.allowed_hosts.split(",")[0].strip() or place.netloc
    connection = http.client.HTTPConnection(place.hostname or "127.0.0.1", settings.port, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _watched(app: str | None) -> Path:
    """The folder whose Python files `--reload` looks at. Raises SetupError."""
    try:
        import watchfiles  # noqa: F401
    except ImportError:
        raise SetupError("--reload needs one more package: pip install 'jobsapi[reload]'.") from None
    if app is None:
        raise SetupError("--reload looks at the files of your own tasks: jobsapi serve FILE.py --reload.")
    if app.endswith(".py"):
        folder = Path(app).resolve().parent
    else:
        path = Path(*app.split("."))
        folder = path if path.is_dir() else path.parent
        folder = folder.resolve()
    if not folder.is_dir():
        raise SetupError(f"There is no folder {folder}.")
    return folder
