"""Looks at a set-up and says in plain sentences what is wrong."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jobsapi import audit, jobs, registry, schedules
from jobsapi.client import Client
from jobsapi.errors import ApiUnavailable, JobsApiError, SetupError, StoreUnavailable
from jobsapi.states import Status
from jobsapi.store import connect, embedded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jobsapi.settings import Settings
    from jobsapi.store import Store

__all__ = ["Finding", "examine"]

_MIB = 1024 * 1024
_SCARCE, _CRITICAL = 1024 * _MIB, 100 * _MIB
"""Bytes left on a disk below which it is nearly full, and below which writes are about to fail."""
_MOST_SKEW = 2.0
"""Seconds that two clocks may differ by before times in logs are hard to compare."""
_FULL = 0.9
_LATE = 30.0
"""Seconds after which nobody can be at it any more."""
_MOST_ROUNDS = 1000
"""Looks of one repair, each of which puts right as much as one look tells."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Literal["ok", "warn", "fault"]
    """`fault`: jobs are not run, or may be lost. `warn`: worth knowing. `ok`: as it should be."""
    sentence: str
    advice: str = ""
    """What to do about it."""


def examine(settings: Settings, *, check: bool = False, mend: bool = False) -> list[Finding]:
    """Look at the server, its memory and disk, the workers, the queues, the results folder and the API.

    `check`: whether counts, lists and indexes agree with the jobs' records, too. `mend`: put right where they do not.
    Without it nothing is changed but that an embedded server that does not run is started for the look, where its
    folder exists.
    """
    found = []
    if not settings.server_url and not settings.folder.is_dir():
        folder = settings.folder.absolute()
        found += [Finding("ok", f"Nothing has run here yet: there is no {folder}.", "Start with `jobsapi serve`.")]
    else:
        try:
            store = connect(settings)
        except (SetupError, StoreUnavailable) as problem:
            found += [Finding("fault", problem.detail, _way_to_server(settings, problem))]
        else:
            looks = [_server, _persistence, _memory, _clock, _workers, _queues, _overdue, _schedules, _results]
            looks += [_mended if mend else _checked] if check or mend else []
            found += _looked_at(store, looks)
            store.close()
    return [*found, *_disks(settings), _api(settings)]


def _looked_at(store: Store, looks: Iterable[Callable[[Store], Iterator[Finding]]]) -> list[Finding]:
    """What is found behind a server that answers; if it stops answering meanwhile, as much as was seen."""
    found: list[Finding] = []
    try:
        for look in looks:
            found += look(store)
    except StoreUnavailable as problem:
        found.append(Finding("fault", problem.detail, _way_to_server(store.settings, problem)))
    return found


def _way_to_server(settings: Settings, problem: JobsApiError) -> str:
    if isinstance(problem, SetupError):
        return ""  # its sentence says what to do
    if not settings.server_url:
        return f"Look at its log in {settings.folder}, and whether the disk is full."
    return "Start it, or correct REDIS_URL (or REDIS_IP and REDIS_PORT)."


# --- The server -------------------------------------------------------------------------------------------------------


def _server(store: Store) -> Iterator[Finding]:
    told = store.info("server")[0]
    kind = "valkey" if "valkey_version" in told else "redis"
    version = f"{kind} {told[f'{kind}_version']}"
    if store.settings.server_url:
        yield Finding("ok", f"The server at {store.settings.server_place} is {version}.")
        return
    status = embedded.status(store.settings.folder)
    size = status["aof_bytes"] / _MIB
    yield Finding(
        "ok",
        f"The embedded server of {store.settings.folder.absolute()} is {version}, process {status['pid']}; "
        f"its append-only file has {size:.1f} MiB; durability {status['durability']}; log {status['log']}.",
    )


def _persistence(store: Store) -> Iterator[Finding]:
    for told in store.info("persistence"):
        if told.get("aof_last_write_status", "ok") != "ok" or told.get("aof_last_bgrewrite_status", "ok") != "ok":
            yield Finding(
                "fault",
                "The server could not write its append-only file.",
                "Look at its log, and make room on its disk.",
            )
        if told.get("rdb_last_bgsave_status", "ok") != "ok":
            yield Finding(
                "fault",
                "The server's last snapshot failed; by default it then refuses writes.",
                "Look at its log, and make room on its disk.",
            )
        if told.get("aof_enabled"):
            yield Finding("ok", "The server keeps an append-only file: jobs survive its end.")
        else:
            yield Finding(
                "warn",
                "The server keeps no append-only file: when it ends, jobs accepted since its last snapshot are lost.",
                "Start it with `--appendonly yes`, or `CONFIG SET appendonly yes` and `CONFIG REWRITE`.",
            )


def _memory(store: Store) -> Iterator[Finding]:
    """An `allkeys` policy is refused by `connect`; the others drop no job, as jobs have no time to live."""
    for told in store.info("memory"):
        most, policy = int(told.get("maxmemory", 0)), told.get("maxmemory_policy", "noeviction")
        used = int(told["used_memory"])
        if most and used > _FULL * most:
            yield Finding(
                "warn",
                f"The server uses {used / most:.0%} of the {most / _MIB:,.0f} MiB it may use; full, it refuses jobs.",
                "Raise maxmemory, or keep results and jobs for a shorter time (JOBSAPI_KEEP_RESULTS, _KEEP_JOBS).",
            )
        elif most and policy != "noeviction":
            yield Finding(
                "warn",
                f"The server's maxmemory-policy is {policy}: short of memory, it may forget that workers live.",
                "Set maxmemory-policy to noeviction.",
            )
        else:
            yield Finding("ok", f"The server uses {used / _MIB:,.1f} MiB of memory and drops nothing.")


def _clock(store: Store) -> Iterator[Finding]:
    before = time.time()
    theirs = store.time_ms() / 1000
    skew = theirs - (before + time.time()) / 2
    if abs(skew) > _MOST_SKEW:
        yield _differ("The server's clock", skew, "this machine's")
    else:
        yield Finding("ok", "The server's clock and this machine's agree.")
    by_host = {each["host"]: each for each in registry.workers(store) if registry.CLOCK in each}
    for host, worker in by_host.items():
        skew = (int(worker[registry.CLOCK]) - int(worker["seen"])) / 1000
        if host != socket.gethostname() and abs(skew) > _MOST_SKEW:
            yield _differ(f"The clock of {host}, where workers run,", skew, "the server's")


def _differ(clock: str, skew: float, other: str) -> Finding:
    return Finding(
        "warn",
        f"{clock} is {abs(skew):,.0f} s {'ahead of' if skew > 0 else 'behind'} {other}. "
        "Jobs go by the server's clock and are safe; times in logs do not match.",
        "Let the machines set their clocks by NTP.",
    )


# --- Workers and queues -----------------------------------------------------------------------------------------------


def _workers(store: Store) -> Iterator[Finding]:
    living = registry.workers(store)
    if not living:
        yield Finding(
            "warn", "No worker lives.", "Start one with `jobsapi worker APP`, or all with `jobsapi serve APP`."
        )
        return
    count = "1 worker lives" if len(living) == 1 else f"{len(living)} workers live"
    yield Finding("ok", f"{count}: {', '.join(each['id'] for each in living)}.")
    idle = [name for name, task in registry.published(store, fresh=True).items() if not task["workers"]]
    if idle:
        yield Finding(
            "warn",
            f"No living worker knows {_named('task', idle)}; such jobs are accepted, and wait.",
            "Start a worker with the app that has them, if they are still wanted.",
        )


def _queues(store: Store) -> Iterator[Finding]:
    living, paused = registry.workers(store), jobs.paused_queues(store)
    waiting = [row for row in jobs.count_jobs(store) if row[0] is Status.SUBMITTED and row[3]]
    for name in sorted(paused):
        yield Finding("warn", f"Queue {name} is paused.", f"`POST /queues/{name}/resume` goes on.")
    stuck: dict[str, dict[str, int]] = {}
    for _, queue, task, count, _ in waiting:
        serves = [each for each in living if queue in each["queues"].split() and task in each["tasks"].split()]
        if not serves and queue not in paused:
            stuck.setdefault(queue, {})[task] = count
    for queue, tasks in stuck.items():
        yield Finding(
            "fault",
            f"{_plural(sum(tasks.values()), 'job')} of {_named('task', tasks)} in queue {queue}, "
            "and no living worker takes them.",
            f"Start a worker with the app that has the task: `jobsapi worker APP --queue {queue}`.",
        )
    total = sum(row[3] for row in waiting)
    if not stuck:
        yield Finding("ok", f"{_plural(total, 'job')} in the queues, each with a worker that takes it.")


def _overdue(store: Store) -> Iterator[Finding]:
    """What workers should have done by now: any of them does it, within seconds."""
    late = store.time_ms() - round(1000 * max(_LATE, 3 * store.settings.lease))
    for key, one, many in (
        (store.keys.leases(), "job is in progress whose worker is gone", "jobs are in progress whose workers are gone"),
        (store.keys.due(), "job waits though its time has come", "jobs wait though their time has come"),
        (store.keys.planned(), "schedule is due and does not fire", "schedules are due and do not fire"),
        (store.keys.webhooks(), "webhook is due and is not sent", "webhooks are due and are not sent"),
    ):
        if count := store.call("zcount", key, "-inf", late):
            what = f"{count:,} {one if count == 1 else many}."
            yield Finding("fault", what, "Any worker that lives goes on with it: start one, or look at its log.")


def _schedules(store: Store) -> Iterator[Finding]:
    for each in schedules.list_schedules(store=store):
        if each["error"]:
            sentence = f"Schedule {each['name']} did not submit its job, at {each['last']}: {each['error']}"
            yield Finding("warn", sentence, "Correct the schedule, or its task.")


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what} waits" if count == 1 else f"{count:,} {what}s wait"


def _named(what: str, names: Any) -> str:
    names = list(names)
    return f"{what}{'s' if len(names) > 1 else ''} {', '.join(names)}"


# --- The records and their indexes ------------------------------------------------------------------------------------


def _checked(store: Store) -> Iterator[Finding]:
    found = audit.audit(store)
    for each in found:
        yield Finding("fault", each.sentence, "`jobsapi doctor --repair` puts it right.")
    if len(found) == audit.MOST:
        yield Finding("fault", f"There may be more: no more than {audit.MOST:,} are told.")
    if not found:
        yield Finding("ok", "Counts, lists and indexes agree with the jobs' records.")


def _mended(store: Store) -> Iterator[Finding]:
    """Of a great many the next ones are found once the first are put right."""
    for _ in range(_MOST_ROUNDS):
        found = audit.audit(store)
        if not audit.repair(store, found):
            break
        left = set(audit.audit(store))
        yield from (Finding("warn", f"Put right: {each.sentence}") for each in found if each not in left)
    for each in found:
        yield Finding("fault", each.sentence, "No command can decide this: remove that job's record, or cancel a job.")
    if not found:
        yield Finding("ok", "Counts, lists and indexes agree with the jobs' records.")


# --- Folders and the API ----------------------------------------------------------------------------------------------


def _results(store: Store) -> Iterator[Finding]:
    settings = store.settings
    if not settings.results:
        if settings.server_url:
            most = settings.max_stored_result / _MIB
            yield Finding(
                "ok",
                f"JOBSAPI_RESULTS is not set: outputs up to {most:,.0f} MiB are kept in the server, larger ones fail.",
            )
        return
    folder = Path(settings.results)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        yield Finding(
            "fault",
            f"The results folder {folder} cannot be written ({problem.strerror}).",
            "Make it, or give this user the right to write there; JOBSAPI_RESULTS names it.",
        )
        return
    elsewhere = sorted({each["host"] for each in registry.workers(store)} - {socket.gethostname()})
    if elsewhere:
        yield Finding(
            "warn",
            f"Workers run on {', '.join(elsewhere)} too; large results are only found where all share {folder}.",
            "Mount the same folder there, under the path that JOBSAPI_RESULTS has there.",
        )
    else:
        yield Finding("ok", f"The results folder {folder} can be written.")


def _disks(settings: Settings) -> Iterator[Finding]:
    folders = [] if settings.server_url else [settings.folder]
    folders += [Path(settings.results)] if settings.results else []
    for folder in filter(Path.is_dir, folders):
        free = shutil.disk_usage(folder).free
        sentence = f"The disk of {folder.absolute()} has {free / _MIB:,.0f} MiB left."
        level: Literal["ok", "warn", "fault"] = "fault" if free < _CRITICAL else "warn" if free < _SCARCE else "ok"
        yield Finding(level, sentence, "" if level == "ok" else "Make room: writes that fail stop jobs.")


def _api(settings: Settings) -> Finding:
    client = Client(settings.api_url, settings.token, timeout=5.0)
    try:
        client.queues()
    except ApiUnavailable as problem:
        return Finding("warn", problem.detail)
    except JobsApiError as problem:
        return Finding("fault", f"The API at {settings.api_url} refuses: {problem.detail}", "Is JOBSAPI_TOKEN right?")
    finally:
        client.close()
    return Finding("ok", f"The API answers at {settings.api_url}.")
