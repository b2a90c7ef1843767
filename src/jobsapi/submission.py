"""What somebody asks for → a checked submission, ready for the store; nothing is recorded here."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import orjson

from jobsapi import backoff, outbound, registry
from jobsapi import options as job_options
from jobsapi.caching import Caching, of_generations
from jobsapi.errors import FieldError, Invalid, TooLarge, UnknownTask
from jobsapi.fit import mismatches
from jobsapi.limits import Limits
from jobsapi.names import new_id
from jobsapi.record import JobRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobsapi.states import Status
    from jobsapi.store import Store

_LOOKED_AT = frozenset({"pr", "tg", "ra", "xa", "af", "ay", "kp", "ky", "oc", "wh", "ck"})
"""Fields of a record that decide where it waits, or whether it is recorded at all: `_records.lua` and `_admit.lua`."""

_PLACED_BY = frozenset({"tg", "ra", "xa", "af", "ay", "ky", "oc", "ck", *job_options.RELATIVE})
"""Those of a job that does not simply go into its queue."""

__all__ = ["MOST_AT_ONCE", "Sent", "Submission", "are_alike", "prepare", "read_body", "with_generations"]

MOST_AT_ONCE = 10_000
"""How many jobs one request may make."""


@dataclass(slots=True)  # not frozen: setting the fields of a frozen one takes as long as a check does
class Submission:
    """A job that passed every check and has its id, but is not recorded yet."""

    task: str
    queue: str
    fields: Mapping[str, str | int | bytes]
    """The record's fields beside task, queue and parameters. Jobs that were asked for alike share them."""
    params: bytes = b"{}"
    """JSON."""
    id: str = field(default_factory=new_id)
    base: str = ""
    """The pointer of the job in what was sent."""
    datasets: tuple[str, ...] = ()
    """Those whose present generations its cached result depends on."""

    def record(self, created: int, status: Status, batch: str = "") -> JobRecord:
        """The record as it stands right after the submit; `created`: ms."""
        known: dict[str, str | int | bytes] = {"t": self.task, "q": self.queue, "c": created, "bt": batch}
        return JobRecord.fresh(self.id, status, {**self.fields, **known, "p": self.params})

    def arguments(self, **more: str) -> list[Any]:
        """As the scripts take it: its id, the number of pairs, and the fields of its record, with `more` among them.

        Those that the scripts look at stand before the parameters.
        """
        own = self.fields
        first = {} if _LOOKED_AT.isdisjoint(own) else {name: own[name] for name in _LOOKED_AT if name in own}
        fields = {"q": self.queue, "t": self.task, **first, "p": self.params, **own, **more}
        return [self.id, len(fields), *itertools.chain.from_iterable(fields.items())]

    def in_common(self, **more: str) -> list[Any]:
        """The same of those that are alike, for `stage_alike`: of their records all but id and parameters."""
        fields = {"q": self.queue, "t": self.task, **self.fields, **more}
        return [len(fields), *itertools.chain.from_iterable(fields.items())]

    def timed(self, now: int) -> Submission:
        """The same with its times told from `now`, ms, as points in time; `expires_in` is told as it was, too."""
        points = job_options.RELATIVE
        told = {points.get(k, k): now + int(v) if k in points else v for k, v in self.fields.items()}
        if "xi" in self.fields:
            told["ei"] = self.fields["xi"]  # the point in time is gone once it is claimed
        return replace(self, fields=told)

    def of_generations(self, present: Mapping[str, str]) -> Submission:
        """The same where its result is cached for these generations of data sets."""
        key = of_generations(str(self.fields["ck"]), [present[name] for name in self.datasets])
        return replace(self, fields={**self.fields, "ck": key})

    @property
    def may_wait(self) -> bool:
        """Whether it may not go into its queue at once: it comes after others, or has a time of its own."""
        return not {"af", "ay", "ra"}.isdisjoint(self.fields)

    @property
    def is_relative(self) -> bool:
        """Whether it tells times from now, which only the server's clock can make points in time."""
        return not job_options.RELATIVE.keys().isdisjoint(self.fields)


def are_alike(submissions: Sequence[Submission]) -> bool:
    """Whether they differ only in id and parameters, and nothing decides where they stand but queue, task, priority."""
    if not submissions:
        return False
    task, queue, fields = (first := submissions[0]).task, first.queue, first.fields
    return _PLACED_BY.isdisjoint(fields) and all(
        (each.fields is fields or each.fields == fields) and each.task == task and each.queue == queue
        for each in submissions
    )


@dataclass(frozen=True)
class Sent:
    """What one request sends: one job, or a batch of them."""

    submissions: Sequence[Submission]
    batch: str = ""
    """The id that the batch is given; "" for one job that is none."""
    sweep: tuple[str, ...] = ()
    """The parameters whose values differ, where it is a sweep."""


def prepare(store: Store, task: str, params: Any, options: Mapping[str, Any], base: str, pointer: str) -> Submission:
    """Check one job against its task's schema and the options' rules.

    `base` is the pointer of the whole job in the body, `pointer` that of its parameters. Raises Invalid, which names
    each field at fault, or TooLarge.
    """
    try:
        description = registry.find_task(store, task)
    except UnknownTask as problem:
        raise Invalid(problem.detail, errors=[FieldError(f"{base}/task", problem.detail)]) from None
    if not isinstance(params, Mapping):
        raise Invalid("Parameters are a JSON object.", errors=[FieldError(pointer, "is not an object")])
    digest = description["digest"]
    encoded = _encoded(params, pointer)
    if len(encoded) > (most := store.settings.max_params):
        raise TooLarge(f"The parameters are {len(encoded):,} bytes of JSON; JOBSAPI_MAX_PARAMS allows {most:,}.")
    faults = mismatches(
        digest,
        lambda: registry.schema_of(store, digest),
        params,
        pointer,
        first_only=len(encoded) > _MOST_BYTES_FOR_EVERY_FAULT,
    )
    manner = _manner(store, description, options, base)
    if faults or manner.faults:
        faults += manner.faults
        raise Invalid(_sentence(task, faults), errors=faults)
    fields, datasets = manner.fields, tuple[str, ...]()
    if manner.is_of_group:
        limits = Limits(**description["limits"])
        fields = {**fields, "lg": limits.group(task, params, registry.schema_of(store, digest))}
    if manner.may_be_answered:
        fields, datasets = _cached(store, task, description, params, fields)
    return Submission(task, manner.queue, fields, encoded, base=base, datasets=datasets)


@dataclass(frozen=True)
class _Manner:
    """What a task and the options beside it make of a job, whatever its parameters."""

    queue: str
    fields: Mapping[str, str | int | bytes]
    may_be_answered: bool
    """Whether the result of another may be its own."""
    is_of_group: bool
    """Whether its parameters say of which jobs only so many run at a time."""
    faults: list[FieldError]


def _manner(store: Store, description: Mapping[str, Any], options: Mapping[str, Any], base: str) -> _Manner:
    """The same one for all jobs of a task with the same options, as long as the task is the same."""
    known: tuple[Any, ...] = id(description), id(store.settings)
    if options:
        if not all(type(value) in _SCALARS for value in options.values()):
            return _made_manner(store, description, options, base)
        known += tuple((name, type(value), value) for name, value in options.items())
    found = _manners.get(known)
    if found is None:
        found = _made_manner(store, description, options, base), description, store.settings
        if not found[0].faults:  # these name their place in what was sent
            if len(_manners) >= _MOST_MANNERS:
                _manners.clear()
            _manners[known] = found
    return found[0]


_manners: dict[tuple[Any, ...], tuple[_Manner, Mapping[str, Any], Any]] = {}
"""With what they were made of, which no other object's id can be as long as it is here."""
_MOST_MANNERS = 100
_SCALARS = {str, int, float, bool, type(None)}


def _made_manner(store: Store, description: Mapping[str, Any], options: Mapping[str, Any], base: str) -> _Manner:
    fields, faults = job_options.stored(options, base)
    if "wh" in fields and (refused := outbound.refusal(store.settings, str(fields["wh"]))):
        faults.append(FieldError(f"{base}/webhook", refused))
    queue = str(fields.pop("q", description["queue"]))
    if description["timeout"] and "to" not in fields:
        fields["to"] = round(description["timeout"] * 1000)
    if description.get("memory_mb") and "mm" not in fields:
        fields["mm"] = description["memory_mb"]
    fields.setdefault("ma", description.get("max_attempts") or 1)
    if fields["ma"] == 1:
        del fields["ma"]
        fields.pop("bo", None)
    elif "bo" not in fields and description.get("backoff") is not None:
        fields["bo"] = backoff.stored(description["backoff"])
    if store.settings.max_deliveries != 3 and "md" not in fields:
        fields["md"] = store.settings.max_deliveries
    # What a job that comes after others returns may depend on theirs, and one with a webhook has an end of its own to
    # tell: neither is answered by another.
    has_cache = bool(description.get("caching"))
    may_be_answered = has_cache and {"nc", "af", "ay", "wh"}.isdisjoint(fields)
    if not has_cache:
        fields.pop("nc", None)
    is_of_group = bool(description.get("limits", {}).get("max_running_per"))
    return _Manner(queue, fields, may_be_answered, is_of_group, faults)


def _cached(
    store: Store,
    task: str,
    description: Mapping[str, Any],
    params: Mapping[str, Any],
    fields: Mapping[str, str | int | bytes],
) -> tuple[Mapping[str, str | int | bytes], tuple[str, ...]]:
    """The fields of a job that the task's cache may answer for, and the data sets that the result depends on."""
    caching = Caching(**description["caching"])
    more: dict[str, str | int | bytes] = {"ck": caching.stored(task, description["digest"], params)}
    if (age := caching.age or 0) > store.settings.keep_results and "kp" not in fields:
        more["kp"] = round(age * 1000)
    return {**fields, **more}, tuple(caching.datasets)


def with_generations(store: Store, submissions: Sequence[Submission]) -> Sequence[Submission]:
    """The same, the cached results among them told apart by the present generations of their data sets."""
    names = sorted({name for each in submissions for name in each.datasets})
    if not names:
        return submissions
    found = store.call("hmget", store.keys.datasets(), names)
    present = {name: (generation or b"").decode() for name, generation in zip(names, found, strict=True)}
    return [each.of_generations(present) if each.datasets and "ck" in each.fields else each for each in submissions]


def read_body(store: Store, body: Any, base: str = "") -> Submission:
    """One job of a `POST /jobs` body.

    With `task` it is `{"task", "params", …options}`; without, all of it is the parameters of the default task. Raises
    as `prepare` does.
    """
    if not isinstance(body, Mapping):
        raise Invalid("A job is a JSON object.", errors=[FieldError(base, "is not an object")])
    if "task" in body:
        task = body["task"]
        if not isinstance(task, str):
            raise Invalid("`task` is a text.", errors=[FieldError(f"{base}/task", "is not a text")])
        options = {name: value for name, value in body.items() if name not in ("task", "params")}
        if options.get("sweep", ...) is None:
            del options["sweep"]  # as any option that is null: not given
        return prepare(store, task, body.get("params", {}), options, base, f"{base}/params")
    default = registry.default_task(store)
    if default is None:
        known = ", ".join(registry.published(store)) or "none yet: no worker has started"
        detail = f"The body names no `task`, and no task is the default one. Known tasks: {known}."
        raise Invalid(detail, errors=[FieldError(f"{base}/task", "is required")])
    return prepare(store, default["name"], body, {}, base, base)


_MOST_BYTES_FOR_EVERY_FAULT = 16 * 1024
"""Of larger parameters only the first fault is looked for."""


def _encoded(params: Any, pointer: str) -> bytes:
    """The parameters as JSON, nested no deeper than leaves room for the lists of jobs they will be shown in."""
    try:
        whole = orjson.dumps([[[[params]]]])
    except TypeError as problem:
        detail = "are nested too deeply" if "Recursion" in str(problem) else f"are no JSON: {problem}"
        raise Invalid(f"The parameters {detail}.", errors=[FieldError(pointer, detail)]) from None
    return whole[4:-4]


def _sentence(task: str, faults: list[FieldError]) -> str:
    shown = "; ".join(f"{(fault.pointer or '/')[:200]} {fault.detail[:200]}" for fault in faults[:5])
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    return f"The job of task {task!r} does not fit: {shown}{more}."
