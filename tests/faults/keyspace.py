"""Every key of a namespace as it is, and as the model says it should be: what is in neither is an orphan."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import orjson

from tests.faults.entries import CACHE, IN_PROGRESS, SCHEDULED, STAGED, SUBMITTED

if TYPE_CHECKING:
    from jobsapi.store import Store
    from tests.faults.entries import Job
    from tests.faults.model import Model

_READS = {
    "hgetall": ("j", "ended", "limits", "b", "webhook_ends"),
    "lrange": ("h", "f", "s", "e", "st"),
    "get": ("ob", "u", "g", "sc", "seq", "cl", "ca"),
    "smembers": ("lists", "paused", "r", "cq"),
    "zrange": (
        *("q", "l", "t", "k", "c", "cp", "due", "settled", "expiring", "leases", "retained", "bare", "staged", "stir"),
        *("opening", "webhooks", "bulky", "bj", "batches", "borrowed", "fo"),
    ),
}
_READ = {kind: command for command, kinds in _READS.items() for kind in kinds}
_BATCH = {"c": "created", "n": "total", "o": "own", "i": "told", "f": "before", "l": "last"}
_NOT_THE_SCRIPTS = {"tasks", "schemas", "events", "watched", "waits", "samples"}
"""What the model knows nothing of; `last_told` looks at the events."""
_MORE: dict[str, tuple[Any, ...]] = {"lrange": (0, -1), "zrange": (0, -1, False, True)}


def found(store: Store) -> dict[str, Any]:
    """Every key of the namespace without its prefix → what it holds, plain."""
    prefix = store.keys.prefix
    names = [key.decode().removeprefix(prefix) for key in store.call("keys", prefix + "*")]
    names = [name for name in names if name not in _NOT_THE_SCRIPTS]
    with store.redis.pipeline(transaction=False) as pipe:
        for name in names:
            command = _READ[name.partition(":")[0]]
            getattr(pipe, command)(prefix + name, *_MORE.get(command, ()))
        values = store.execute(pipe)
    return {name: _plain(name.partition(":")[0], value) for name, value in zip(names, values, strict=True)}


def last_told(store: Store) -> dict[str, str]:
    """Job → the status that the last event of it told, for jobs that are still there."""
    told = {}
    for _, entry in store.call("xrange", store.keys.events()):
        if entry[b"k"] == b"s":
            told[entry[b"i"].decode()] = entry[b"s"].decode()
    return {jid: status for jid, status in told.items() if store.call("exists", store.keys.job(jid))}


def _plain(kind: str, value: Any) -> Any:
    if kind == "h":
        return [orjson.loads(line) for line in value]
    if kind == "j":
        fields = {name.decode(): text.decode() for name, text in value.items() if name != b"p"}
        fields |= {"rq": "1"} if "rq" in fields else {}  # a name that chance gave
        return fields | ({"er": orjson.loads(fields["er"])} if "er" in fields else {})
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {name.decode(): text.decode() for name, text in value.items()}
    if isinstance(value, set):
        return {each.decode() for each in value}
    return [each.decode() if isinstance(each, bytes) else (each[0].decode(), each[1]) for each in value]


def expected(model: Model) -> dict[str, Any]:
    """The same of the model."""
    keys: dict[str, Any] = defaultdict(list)
    for job in model.jobs.values():
        keys[f"j:{job.id}"] = _record(job)
        for name, member, score in _places(job):
            keys[name].append((member, score))
        if job.story:
            keys[f"h:{job.id}"] = job.story
        if job.log:
            keys[f"g:{job.id}"] = job.log
    for batch, each in model.batches.items():
        keys[f"b:{batch}"] = {name: str(getattr(each, field)) for name, field in _BATCH.items()}
        keys["batches"].append((batch, float(each.last)))
        if each.retained is not None:
            keys["borrowed"].append((batch, float(each.retained)))
    borrowed = model.placed | {batch: each.borrowed for batch, each in model.batches.items()}
    keys |= {f"bj:{batch}": _scored(places) for batch, places in borrowed.items()}
    keys |= _notes(model)
    keys |= {name: [(str(group), float(at)) for group, at in each.items()] for name, each in model.looks.items()}
    return {name: _sorted(value) for name, value in keys.items() if value}


def _sorted(value: Any) -> Any:
    """A sorted set's members in its order."""
    is_scored = isinstance(value, list) and isinstance(value[0], tuple)
    return sorted(value, key=lambda pair: (pair[1], pair[0])) if is_scored else value


def _places(job: Job) -> list[tuple[str, str, float]]:
    """(key, member, score) of every sorted set that the job is in."""
    if job.status == STAGED:
        return []
    places = [(f"t:{tag}", job.number) for tag in job.tags]
    if job.is_ready:
        places.append((f"q:{job.queue}:{job.task}", (100 - job.priority) * 2**44 + (job.number or 0)))
    else:
        places.append((f"l:{job.status}:{job.queue}:{job.task}", job.number))
    if job.is_capped:
        places.append((f"cp:{job.group}:{job.queue}", (100 - job.priority) * 2**44 + (job.number or 0)))
    if job.status == SCHEDULED and job.pending is None:
        places.append(("due", job.run_at))
    if job.status in (SCHEDULED, SUBMITTED) and job.expires is not None:
        places.append(("expiring", job.expires))
    if job.status == IN_PROGRESS:
        places.append(("leases", job.lease))
    if job.hook_at is not None:
        places.append(("webhooks", job.hook_at))
    if job.beside:
        places.append(("bulky", job.ended))
    return [(name, job.id, float(score or 0)) for name, score in places]


def _notes(model: Model) -> dict[str, Any]:
    """The keys that are no job's."""
    keys: dict[str, Any] = {f"u:{key}": jid for key, jid in model.holders().items()}
    keys |= {f"ca:{same}": jid for same, jid in model.cached.items()}
    keys |= {f"f:{parent}": [mark + jid for mark, jid in entries] for parent, entries in model.children.items()}
    for parent, jid in model.followers:
        keys.setdefault(f"fo:{parent}", []).append((jid, float(model.jobs[jid].number or 0)))
    keys |= {f"e:{jid}": ["ended"] * count for jid, count in model.words.items()}
    keys |= {f"s:{batch}": stage.ids for batch, stage in model.stages.items()}
    keys |= {
        f"sc:{batch}": f"{stage.committed} {stage.where}".strip()
        for batch, stage in model.stages.items()
        if stage.committed
    }
    keys |= {f"cl:{worker}": " ".join([token, *ids]) for worker, (token, ids) in model.last_claim.items()}
    keys |= {f"c:{worker}": _scored(told) for worker, told in model.control.items()}
    keys |= {f"k:{queue}:{task}": [("look", 0.0)] for queue, task in model.wakes}
    keys |= {f"r:{group}": set(ids) for group, ids in model.running.items()}
    keys |= {f"st:{task}": [str(at) for at in times] for task, times in model.starts.items()}
    for group, queue in model.capped():
        keys[f"cq:{group}"] = keys.get(f"cq:{group}", set()) | {queue}
    keys["limits"] = {task: limits.stored() for task, limits in model.limits.items() if limits.stored()}
    keys["opening"] = _scored({":".join(which): at for which, at in model.opening.items()})
    keys["stir"] = [("look", 0.0)] if model.is_stirred else []
    keys["settled"] = _scored(model.settled)
    keys["staged"] = _scored({batch: stage.touched for batch, stage in model.stages.items()})
    keys["ob"] = str(sum(job.beside for job in model.jobs.values()) or "")
    keys["seq"] = str(model.sequence) if model.sequence else ""
    keys["lists"] = {":".join(each) for each in model.lists}
    keys["paused"] = set(model.paused)
    keys["webhook_ends"] = {name: str(count) for name, count in model.webhook_ends.items()}
    keys["ended"] = {name: str(count) for name, count in model.outcomes.items()}
    return keys


def _scored(told: dict[str, int]) -> list[tuple[str, float]]:
    return [(member, float(score)) for member, score in told.items()]


def _record(job: Job) -> dict[str, Any]:
    """Fields of the record, but parameters and schema."""
    is_first = job.attempt == 0 and not job.was_claimed
    fields = {
        "s": job.status,
        "t": job.task,
        "q": job.queue,
        "c": job.created,
        "n": job.number,
        "bt": job.batch,
        "pr": job.priority or None,
        "tg": " ".join(job.tags) or None,
        "ky": job.key,
        "ck": job.same and f"{CACHE}:{job.same}",
        "kp": job.keep,
        "oc": "r" if job.content_with_other else None,
        "md": job.most_lost,
        "ra": job.run_at,
        "xa": job.expires,
        "ei": job.expires_in,
        "ma": None if job.most_attempts == 1 else job.most_attempts,
        "pn": job.pending,
        "lg": job.group,
        "hl": job.untold or None,
        "wh": "https://hooks.example.org/" if job.has_webhook else None,
        "hn": job.ends or None,
        "ht": job.tries or None,
        "hs": job.telling,
        "he": job.trouble,
        "af": " ".join(job.after) or None,
        "ay": " ".join(job.after_any) or None,
        "k": job.token,
        "w": job.worker,
        "b": job.began,
        "a": None if is_first else job.attempt,
        "d": job.lost or None,
        "e": job.ended,
        "r": job.reason,
        "v": job.output,
        "ob": job.beside or None,
        "lh": "{} {}".format(*job.log_heard) if job.log_heard else None,
    }
    flags = {
        "cr": job.cancel,
        "ch": job.has_children,
        "wt": job.is_awaited,
        "rx": job.has_no_output,
        "rq": job.was_asked,
    }
    texts = {name: str(value) for name, value in fields.items() if value is not None}
    texts |= {name: "1" for name, is_set in flags.items() if is_set}
    if job.progress:
        texts["pg"] = '{"fraction":0.5,"message":null}'
    return texts | ({"er": job.error} if job.error else {})


def differences(model: Model, store: Store) -> list[str]:
    """One line for each key that is not as it should be."""
    is_, should = found(store), expected(model)
    names = sorted(is_.keys() | should.keys())
    return [f"{name}: {is_.get(name)} is not {should.get(name)}" for name in names if is_.get(name) != should.get(name)]
