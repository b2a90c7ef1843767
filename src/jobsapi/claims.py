"""Claims: a worker takes jobs, renews its hold on them, tells of them, and records how each run ended."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import orjson

from jobsapi.errors import NotHolder, UnknownJob
from jobsapi.names import new_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from jobsapi.store import Store
    from jobsapi.store.underway import Underway

__all__ = [
    "Claim",
    "Completion",
    "Turn",
    "append_log",
    "begin_turn",
    "claim_jobs",
    "complete_job",
    "complete_jobs",
    "fail_job",
    "lose_job",
    "release_job",
    "renew_jobs",
    "report_progress",
    "shuffled",
]


class Claim(NamedTuple):
    """A worker's right to run one job; only the holder of the token can finish it."""

    id: str
    token: str
    task: str
    params: bytes
    attempt: int
    timeout: float | None
    """Seconds one run may take."""
    started: int
    """When the claim was made, ms by the server's clock."""
    memory_mb: int | None = None
    """MiB that its processes may have together."""
    backoff: str = ""
    """How long to wait between attempts, for `backoff.pause`."""
    parents: tuple[str, ...] = ()
    """The ids of the jobs it came after."""


def claim_jobs(
    store: Store, worker: str, wanted: Mapping[str, Iterable[str]], most: int, lease: float, token: str = ""
) -> list[Claim]:
    """Up to `most` jobs of these queues (queue → tasks, the preferred queue first), each under a lease of `lease` s.

    `token`: fresh for each claim; a claim whose reply was lost is sent again with the same one.
    """
    return _claims(store.run(*_claim_call(worker, wanted, most, lease, token)))


def _claim_call(
    worker: str, wanted: Mapping[str, Iterable[str]], most: int | str, lease: float, token: str
) -> tuple[Any, ...]:
    arguments: list[Any] = []
    for queue, tasks in wanted.items():
        names = list(tasks)
        arguments += [queue, len(names), *names]
    return "claim", worker, _ms(lease), most, token or new_id(), *arguments


def _claims(rows: Sequence[Any]) -> list[Claim]:
    return [
        Claim(
            id=jid.decode(),
            token=token.decode(),
            task=task.decode(),
            params=params,
            attempt=int(attempt),
            timeout=int(timeout) / 1000 if timeout else None,
            started=int(at),
            memory_mb=int(memory) if memory else None,
            backoff=pause.decode() if pause else "",
            parents=_parents(after, after_any) if after or after_any else (),
        )
        for jid, token, task, params, attempt, timeout, at, memory, pause, after, after_any in rows
    ]


def _parents(*ids: bytes | None) -> tuple[str, ...]:
    return tuple(b" ".join(each for each in ids if each).decode().split())


def renew_jobs(store: Store, claims: Sequence[tuple[str, str]], lease: float) -> dict[str, bool | None]:
    """Renew (id, token) pairs. Per id: True, a cancel was asked for; False, go on; None, no longer this claim's."""
    replies = store.run("renew", _ms(lease), *(part for claim in claims for part in claim))
    meaning = {0: None, 1: False, 2: True}
    return {jid: meaning[int(reply)] for (jid, _), reply in zip(claims, replies, strict=True)}


def complete_job(store: Store, jid: str, token: str, descriptor: bytes, inline: bytes, beside: int = 0) -> None:
    """The holder records the outputs (see `results.write`) and the end. Raises NotHolder, UnknownJob.

    `beside`: bytes of output that are not in `inline`.
    """
    [problem] = complete_jobs(store, [Completion(jid, token, descriptor, inline, beside)])
    if problem:
        raise problem


class Completion(NamedTuple):
    """What the holder of a claim records at its end."""

    id: str
    token: str
    descriptor: bytes
    inline: bytes
    beside: int = 0


def complete_jobs(store: Store, ends: Sequence[Completion]) -> list[NotHolder | UnknownJob | None]:
    """The same for many jobs at once, each by itself: for each, None or why it was refused."""
    replies = [store.run(*call) for call in _completion_calls(store, ends)]
    return [_refusal(each) for reply in replies for each in reply]


def begin_turn(
    store: Store,
    ends: Sequence[Completion],
    worker: str,
    wanted: Mapping[str, Iterable[str]],
    most: int,
    lease: float,
    token: str,
    ahead: int = 0,
    short: Iterable[str] = (),
) -> Turn:
    """What complete_jobs and claim_jobs do, in one exchange with the server, whose reply the caller need not wait for.

    `ahead`: so many more than `most`, as long as the next one is of one of the tasks `short` and these have no limit.
    Raises StoreUnavailable, as the reply may; then it may be called again with the same ends and token.
    """
    how_many = f"{most + ahead} {most} {' '.join(short)}" if ahead else most
    calls = [*_completion_calls(store, ends), _claim_call(worker, wanted, how_many, lease, token)]
    return Turn(store.begin([(name, arguments) for name, *arguments in calls]))


class Turn:
    """An exchange that `begin_turn` sent."""

    def __init__(self, underway: Underway) -> None:
        self.underway = underway

    def told(self) -> tuple[list[NotHolder | UnknownJob | None], list[Claim]]:
        """Wait for the reply: what complete_jobs gives and what claim_jobs gives. Raises StoreUnavailable."""
        *told, rows = self.underway.replies()
        return [_refusal(each) for reply in told for each in reply], _claims(rows)


_MOST_ENDS = 100
"""How many ends one script records: about 2 ms of the server's time."""


def _completion_calls(store: Store, ends: Sequence[Completion]) -> list[tuple[Any, ...]]:
    calls: list[tuple[Any, ...]] = []
    for start in range(0, len(ends), _MOST_ENDS):
        some = ends[start : start + _MOST_ENDS]
        parts = [part for each in some for part in (each.id, each.token, each.descriptor, each.inline, each.beside)]
        calls.append(("complete", _keep(store), *parts))
    return calls


def _refusal(reply: int | bytes) -> NotHolder | UnknownJob | None:
    if isinstance(reply, int):
        return None
    if reply == b"NOTHOLDER":
        return NotHolder("This claim no longer holds the job.")
    return UnknownJob("No job has this id.")


def fail_job(
    store: Store,
    jid: str,
    token: str,
    reason: str,
    error: Mapping[str, Any] | None,
    *,
    again_after: float | None = None,
) -> None:
    """The holder records a run without a result; `reason` is one of states.REASONS. Raises NotHolder, UnknownJob.

    The job ends with it, unless it has an attempt left and may be tried again, `again_after` seconds from now.
    """
    pause = "" if again_after is None else _ms(again_after)
    store.run("fail", jid, token, _keep(store), reason, orjson.dumps(error) if error else b"", pause)


def release_job(store: Store, jid: str, token: str) -> None:
    """The holder hands the job back without charge. Raises NotHolder, UnknownJob."""
    store.run("release", jid, token, _keep(store))


def lose_job(store: Store, jid: str, token: str, what: str) -> bool:
    """A delivery is lost: `token` is its claim's, or "" for any whose lease has run out. True where something was.

    The job goes back into its queue, or ends `failed`/`lost` when its deliveries are used up.
    """
    most = store.settings.max_deliveries
    error = {
        "type": "Lost",
        "message": f"The processes that ran it died too often. The last time: {what}",
        "traceback": "",
    }
    return bool(store.run("lose", jid, token, most, _keep(store), what, orjson.dumps(error)))


def report_progress(store: Store, jid: str, token: str, fraction: float | None, message: str | None) -> None:
    """The holder says how far the job is. Raises NotHolder, UnknownJob."""
    store.run("progress", jid, token, orjson.dumps({"fraction": fraction, "message": message}))


def append_log(store: Store, jid: str, token: str, at: int, text: bytes) -> None:
    """The holder adds to the job's log; both ends of a long one are kept. Raises NotHolder, UnknownJob.

    `at`: how many bytes of this claim's log were sent before; what comes again, after a lost reply, is not added again.
    """
    store.run("log", jid, token, store.settings.max_log, at, text)


def shuffled(weights: Mapping[str, float]) -> list[str]:
    """The queues in an order in which each comes first as often as its weight says: none starves."""
    return sorted(weights, key=lambda queue: random.random() ** (1 / weights[queue]), reverse=True)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _keep(store: Store) -> int:
    return _ms(store.settings.keep_results)
