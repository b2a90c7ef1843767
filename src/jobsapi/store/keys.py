"""Every key of the engine is spelled here, once: for Python, and (rendered by `lua_table`) for the scripts."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["Keys"]


class _Key:
    """A key's spelling, `{argument}` where a value goes; as an attribute of `Keys`, the function that fills it in."""

    def __init__(self, template: str, what: str) -> None:
        self.template, self.what = template, what

    def __get__(self, keys: Keys | None, owner: type) -> Callable[..., str]:
        if keys is None:
            return self  # type: ignore[return-value]

        def spell(*values: object) -> str:
            rest = iter(values)
            return keys.prefix + re.sub(r"\{\w+\}", lambda _: str(next(rest)), self.template)

        return spell


class Keys:
    """The keys of one namespace. All share the hash tag `{namespace:shard}`, so they lie in one slot of a cluster."""

    def __init__(self, namespace: str, shard: str = "00") -> None:
        self.prefix = f"{{{namespace}:{shard}}}:"

    job = _Key("j:{id}", "hash: a job's record")
    history = _Key("h:{id}", "list: its runs that did not complete, lost deliveries among them, as JSON")
    outputs = _Key("o:{id}:{token}", "hash: its outputs in chunks, <output>:<number>, written under one claim")
    log = _Key("g:{id}", "string: the head of its log")
    waited = _Key("e:{id}", "list: one word for those who wait for its end, for a minute after it")
    log_tail = _Key("gt:{id}", "list: the tail of its log, in pieces")

    keyed = _Key("u:{key}", "string: the id of the active job that has this key")
    cached = _Key("ca:{key}", "string: the id of the job that answers for all with these parameters, or did")
    idempotency = _Key("i:{key}", "string: for 24 h, what was submitted under an Idempotency-Key, compressed JSON")
    sequence = _Key("seq", "string: the last number that was given to a job")
    ready = _Key("q:{queue}:{task}", "sorted set: submitted jobs in their queue; (100 - priority) * 2^44 + number")
    wake = _Key("k:{queue}:{task}", "sorted set: one marker while an idle worker should look")
    listed = _Key(
        "l:{status}:{queue}:{task}", "sorted set: jobs by status, queue and task but for those in `ready`; number"
    )
    lists = _Key("lists", "set: <status>:<queue>:<task> of every `listed` that may hold jobs")
    tagged = _Key("t:{tag}", "sorted set: jobs with a tag; number")
    due = _Key("due", "sorted set: jobs that wait for a time; when it comes, ms")
    children = _Key("f:{id}", "list: jobs that wait for its end, each after a * where it need not complete")
    followers = _Key("fo:{id}", "sorted set: jobs that came after it, waiting or not, while they are there; number")
    settled = _Key("settled", "sorted set: ended jobs that others wait for; when they ended, ms")
    expiring = _Key("expiring", "sorted set: jobs that must be claimed by a time; when it is over, ms")
    stir = _Key("stir", "sorted set: one marker while a worker should look for jobs that need not wait any longer")
    leases = _Key("leases", "sorted set: jobs in progress; when the lease runs out, ms")
    retained = _Key("retained", "sorted set: each 256 numbers with jobs that have results; when to look at them, ms")
    bare = _Key("bare", "sorted set: the same of ended jobs whose results are removed")
    bulky = _Key("bulky", "sorted set: ended jobs with outputs beside their record; when they ended, ms")
    output_bytes = _Key("ob", "string: how many bytes those outputs have together")
    unclaimed_outputs = _Key("unclaimed", "sorted set: <id>:<token> of outputs no finish has taken yet; ms")
    staged = _Key("staged", "sorted set: large submits under way or being let in; when they were last touched, ms")
    stage = _Key("s:{batch}", "list: the jobs of a large submit that are not in the queue yet")
    committed = _Key(
        "sc:{batch}",
        "string: when a large submit was accepted as a whole, ms; of jobs that are alike their queue, task, priority",
    )
    batches = _Key("batches", "sorted set: batches; number")
    borrowed = _Key("borrowed", "sorted set: batches that brought no job of their own; when they are removed, ms")
    batch = _Key("b:{batch}", "hash: c made, ms; n jobs; o own that are there; f, l numbers before it, last; i JSON")
    batched = _Key("bj:{batch}", "sorted set: jobs of others that stand for some of a batch; place in its list")
    paused = _Key("paused", "set: queues that hold their jobs back")
    webhooks = _Key("webhooks", "sorted set: ended jobs whose webhook is to be sent; when the next try is due, ms")
    webhook_ends = _Key("webhook_ends", "hash: `delivered` or `given-up` → how many webhooks came to that end")
    limits = _Key("limits", "hash: task → <running> <starts> <ms> that its workers limit it to, 0 for any")
    running = _Key("r:{group}", "set: jobs in progress of a group that is limited")
    capped = _Key("cp:{group}:{queue}", "sorted set: jobs that wait for one of their group to end; as in `ready`")
    capped_queues = _Key("cq:{group}", "set: queues with such jobs")
    starts = _Key("st:{task}", "list: when the last jobs of a task with a rate were claimed, ms, the newest first")
    opening = _Key("opening", "sorted set: <queue>:<task> held back by the task's rate; until when, ms")
    ended = _Key("ended", "hash: <task>:<outcome> → how many jobs ended so")
    waits = _Key("waits", "hash: n jobs that were claimed, ms that they had waited since they were made, in all")
    samples = _Key("samples", "stream: `ended` and `waits` every few minutes, for a day")
    events = _Key("events", "stream: the last events of all jobs, written while somebody watches")
    watched = _Key("watched", "string: exists while somebody watches events, and some minutes longer")

    datasets = _Key("datasets", "hash: data set → its current generation")
    generation = _Key("dg:{dataset}:{generation}", "hash: m manifest, s its segments, e when it was superseded, ms")
    segment = _Key("ds:{dataset}:{segment}", "hash: records in chunks and their index; never changed once committed")
    segment_uses = _Key("dr:{dataset}", "hash: segment → how many generations have it")
    superseded = _Key("superseded", "sorted set: <data set>:<generation>; when it may be removed, ms")
    load_lock = _Key("dl:{dataset}", "string: the token of the load under way, for a lease's time")
    loads = _Key("loads", "sorted set: <data set>:<token> of loads under way; when the lease runs out, ms")
    load_segments = _Key("dw:{dataset}:{token}", "set: segments that a load wrote")

    schedules = _Key("schedules", "hash: schedule → its definition, JSON")
    planned = _Key("planned", "sorted set: schedules; when they are due next, ms")
    fired = _Key("fired", "hash: schedule → its last due time and what came of it, JSON")
    app_schedules = _Key("as:{app}", "set: the schedules that an app's code makes")

    tasks = _Key("tasks", "hash: task → its published description, JSON")
    schemas = _Key("schemas", "hash: digest → JSON Schema of parameters")
    workers = _Key("workers", "sorted set: workers; last heartbeat, ms")
    worker = _Key("w:{worker}", "hash: what a worker says of itself")
    last_claim = _Key("cl:{worker}", "string: the token and the ids of its last claim, for a lease's time")
    control = _Key("c:{worker}", "sorted set: jobs whose worker should look at them now, and `drain`")
    upkeep = _Key("upkeep", "hash: when upkeep last ran, and from when it may reap, ms")
    replicated = _Key("rep", "string: written before a wait for replicas, which then have all that came before it")
    tokens = _Key("tokens", "hash: SHA-256 of a token → its name and when it was made, JSON")

    @classmethod
    def described(cls) -> list[tuple[str, str, str]]:
        """(name, spelling, what it holds) of every key."""
        return [(n, k.template, k.what) for n, k in vars(cls).items() if isinstance(k, _Key)]

    def parsed(self, key: bytes) -> tuple[str, list[bytes]] | None:
        """A key of this namespace → its name here and what its spelling was filled in with; None for any other key."""
        rest = key.removeprefix(self.prefix.encode())
        for name, pattern in _patterns():
            if rest != key and (found := pattern.fullmatch(rest)):
                return name, list(found.groups())
        return None

    @classmethod
    def lua_table(cls, wanted: Collection[str] | None) -> str:
        """Those keys (None: all) as a Lua table of functions, `K.job(id)`; the prefix is KEYS[1].

        KeyError for one that is none.
        """
        lines = []
        spellings = {name: template for name, template, _ in cls.described()}
        for name in sorted(spellings if wanted is None else wanted):
            template = spellings[name]
            names = re.findall(r"\{(\w+)\}", template)
            parts = re.split(r"\{\w+\}", template)
            spelled = " .. ".join(
                ["KEYS[1]"] + [p for i, t in enumerate(parts) for p in ([f"'{t}'"] if t else []) + names[i : i + 1]]
            )
            lines.append(f"{name} = function({', '.join(names)}) return {spelled} end,")
        return "local K = {\n" + "\n".join(lines) + "\n}\n"


@functools.cache
def _patterns() -> list[tuple[str, re.Pattern[bytes]]]:
    """For each key a pattern of its spelling; a value holds no colon, but the last one may."""
    found = []
    for name, template, _ in Keys.described():
        pattern = re.sub(r"\{\w+\}", "([^:]*)", template)
        pattern = re.sub(r"\(\[\^:\]\*\)$", "(.*)", pattern)
        found.append((name, re.compile(pattern.encode(), re.DOTALL)))
    return found
