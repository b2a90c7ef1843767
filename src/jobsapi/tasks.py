"""`@task`: name → function, options, and the JSON Schema of its parameters from its type hints."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, overload

from jobsapi import backoff as backoffs
from jobsapi.caching import Caching
from jobsapi.errors import FieldError, JobsApiError, SetupError, UnknownTask
from jobsapi.fit import digest_of
from jobsapi.limits import Limits
from jobsapi.names import checked_name
from jobsapi.timing import Timing

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "Options",
    "Retry",
    "Task",
    "UnfitParameters",
    "described",
    "get",
    "registered",
    "task",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class UnfitParameters(JobsApiError):
    """The parameters pass the schema, but a validator that only Python knows refuses them."""

    code = "unfit-parameters"
    http_status = 422
    title = "The parameters do not fit"


class Retry(Exception):
    """Raised by a task's function: this attempt did not work; try again, as far as the job has attempts left."""

    def __init__(self, message: str = "", *, after: float | None = None) -> None:
        """`after`: seconds until the next attempt, default as the job's `backoff` says. ValueError below 0."""
        if after is not None and not 0 <= after <= 1e7:
            raise ValueError("`after` is a number of seconds from 0 to 10,000,000")
        super().__init__(message or "Another attempt was asked for.")
        self.after = after


@dataclass(frozen=True)
class Task:
    """A registered function and what is known of it before any job runs."""

    name: str
    function: Callable[..., Any]
    queue: str = "default"
    timeout: float | None = None
    default: bool = False
    memory_mb: int | None = None
    max_attempts: int = 1
    backoff: Any = None
    retry_on: tuple[type[BaseException], ...] = (Exception,)
    timing: Timing | None = None
    """When a job of it is submitted by itself."""
    limits: Limits = field(default_factory=Limits)
    caching: Caching = field(default_factory=Caching)

    def __post_init__(self) -> None:
        """Refuse options that could only fail when a job is sent or ends. ValueError, TypeError."""
        checked_name("task", self.name)
        checked_name("queue", self.queue)
        if self.timeout is not None and not 0 < self.timeout < 1e9:
            raise ValueError("a task's timeout is a number of seconds above 0")
        if self.memory_mb is not None and not 1 <= self.memory_mb <= 10**8:
            raise ValueError("a task's memory_mb is a number of MiB from 1 to 100,000,000")
        if not 1 <= self.max_attempts <= 1000:
            raise ValueError("a task's max_attempts is a number from 1 to 1000")
        if self.backoff is not None:
            backoffs.stored(self.backoff)
        if self.limits.parameter and not {"**", self.limits.parameter} & self._names:
            raise ValueError(f"max_running_per: {self.limits.parameter!r} is no parameter of the task {self.name!r}")
        for each in self._parameters:
            if each.kind in (each.VAR_POSITIONAL, each.POSITIONAL_ONLY):
                name = getattr(self.function, "__name__", self.name)
                raise TypeError(f"parameters come by name: {each.name!r} of {name}() cannot be positional only")
            if self.timing and each.default is each.empty and each.kind is not each.VAR_KEYWORD:
                raise TypeError(f"a task with a schedule is run without parameters: give {each.name!r} a default")

    @functools.cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of the parameters, an object's."""
        schema = self._model.model_json_schema()
        schema["title"] = self.name
        schema.pop("description", None)
        return schema

    @functools.cached_property
    def digest(self) -> str:
        """16 hex digits that name this version of the schema."""
        return digest_of(self.schema)

    @property
    def summary(self) -> str:
        """The first paragraph of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n\n")[0].replace("\n", " ")

    @functools.cached_property
    def is_async(self) -> bool:
        """Whether it is an `async def`; a plain function that gives a coroutine is not."""
        return inspect.iscoroutinefunction(self.function)

    def call(self, params: dict[str, Any]) -> Any:
        """Convert the parameters to the hinted types and call the function; of an async one its coroutine comes back.

        Raises UnfitParameters where the conversion fails, and whatever the function raises.
        """
        from pydantic import ValidationError

        try:
            model = self._model.model_validate(params)
        except ValidationError as problem:
            faults = [
                FieldError("/params/" + "/".join(map(str, e["loc"])), e["msg"])
                for e in problem.errors(include_url=False)
            ]
            detail = "; ".join(f"{f.pointer}: {f.detail}" for f in faults)
            raise UnfitParameters(f"The parameters do not fit: {detail}", errors=faults) from None
        values = {name: getattr(model, field) for name, field in self._fields.items()}
        values.update(model.model_extra or {})
        return self.function(**values)

    def is_worth_retrying(self, problem: BaseException) -> bool:
        """Whether another attempt may end otherwise; with parameters that do not fit none can."""
        return isinstance(problem, (*self.retry_on, Retry)) and not isinstance(problem, UnfitParameters)

    @functools.cached_property
    def _fields(self) -> dict[str, str]:
        # pydantic keeps some names for itself (`copy`, `json`, a leading underscore): fields are numbered
        return {p.name: f"p{i}" for i, p in enumerate(self._parameters) if p.kind is not p.VAR_KEYWORD}

    @property
    def _names(self) -> set[str]:
        """Of its parameters; `**` where it takes any."""
        return {"**" if each.kind is each.VAR_KEYWORD else each.name for each in self._parameters}

    @property
    def _parameters(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.function).parameters.values())

    @functools.cached_property
    def _model(self) -> type[BaseModel]:
        from pydantic import ConfigDict, Field, create_model
        from pydantic.errors import PydanticUserError

        hints = inspect.get_annotations(inspect.unwrap(self.function), eval_str=True)
        is_open = any(p.kind is p.VAR_KEYWORD for p in self._parameters)
        fields: dict[str, Any] = {}
        for each in self._parameters:
            if each.kind is each.VAR_KEYWORD:
                continue
            default = ... if each.default is each.empty else each.default
            fields[self._fields[each.name]] = (
                hints.get(each.name, Any),
                Field(default, alias=each.name, title=each.name),
            )
        config = ConfigDict(extra="allow" if is_open else "forbid", arbitrary_types_allowed=False)
        try:
            model: type[BaseModel] = create_model(self.name, __config__=config, **fields)
            model.model_json_schema()
        except (PydanticUserError, NameError) as problem:
            raise SetupError(
                f"The type hints of task {self.name!r} cannot become a JSON Schema: {problem}"
            ) from problem
        return model

    def described(self) -> dict[str, Any]:
        """What a worker publishes so that the API needs none of the user's code."""
        return {
            "name": self.name,
            "summary": self.summary,
            "queue": self.queue,
            "timeout": self.timeout,
            "memory_mb": self.memory_mb,
            "max_attempts": self.max_attempts,
            "backoff": self.backoff,
            "default": self.default,
            "schedule": self.timing.described() if self.timing else None,
            "limits": self.limits.described(),
            "caching": self.caching.described(),
            "schema": self.schema,
            "digest": self.digest,
        }


class Options(TypedDict, total=False):
    """What `@task(…)` takes. A job's own options win."""

    name: str | None
    """What jobs call it; default the function's name."""
    queue: str
    """Where its jobs wait."""
    timeout: float | None
    """Seconds a run may take."""
    default: bool
    """Whether it is the task of a `POST /jobs` whose body names none."""
    memory_mb: int | None
    """MiB that the processes of a run may have together."""
    max_attempts: int
    """Tries that may end in an exception or a timeout."""
    backoff: float | Sequence[float] | Mapping[str, float] | None
    """Seconds between them, as the job's option."""
    retry_on: tuple[type[BaseException], ...]
    """The exceptions that are tried again."""
    every: float | None
    """Seconds; a job is submitted by itself at their multiples."""
    cron: str | None
    """The same at the times of a cron expression."""
    timezone: str
    """Whose clock `cron` follows."""
    misses: str
    """What becomes of times at which no worker was there, see `timing.MISSES`."""
    max_running: int | None
    """See `limits.Limits`, as of `max_running_per` and `rate`."""
    max_running_per: str | None
    rate: str | None
    cache: float | str | None
    """For how long a result answers for the same parameters; see `caching.Caching`, as of `version` and `datasets`."""
    version: str
    datasets: Sequence[str]


_TIMES = ("every", "cron", "timezone", "misses")
_LIMITS = ("max_running", "max_running_per", "rate")
_CACHING = ("cache", "version", "datasets")

_registry: dict[str, Task] = {}


@overload
def task(function: _Function, /) -> _Function: ...
@overload
def task(**options: Unpack[Options]) -> Callable[[_Function], _Function]: ...
def task(function: Callable[..., Any] | None = None, /, **options: Unpack[Options]) -> Any:
    """Register a function as a task; the function itself comes back unchanged. See `Options`.

    ValueError for a name, number, backoff, limit or time that cannot be, TypeError for an option that is none, for
    positional-only parameters, and with a schedule for a parameter that has no default.
    """
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(f"@task has no option {min(unknown)!r}; it has {', '.join(Options.__annotations__)}")

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        made = _made(function, dict(options))
        _registry[made.name] = made
        return function

    return register if function is None else register(function)


def _made(function: Callable[..., Any], options: dict[str, Any]) -> Task:
    times = {name: options.pop(name) for name in _TIMES if name in options}
    limits = Limits(**{name: options.pop(name) for name in _LIMITS if name in options})
    caching = Caching(**{name: options.pop(name) for name in _CACHING if name in options})
    timing = Timing(**times) if times.get("every") is not None or times.get("cron") is not None else None
    name = options.pop("name", None) or function.__name__
    if "retry_on" in options:
        options["retry_on"] = tuple(options["retry_on"])
    return Task(name, function, **options, timing=timing, limits=limits, caching=caching)


def registered() -> dict[str, Task]:
    """The tasks of this process by name."""
    return dict(_registry)


def get(name: str) -> Task:
    """The task registered in this process under that name; UnknownTask where there is none."""
    try:
        return _registry[name]
    except KeyError:
        known = ", ".join(sorted(_registry)) or "none"
        raise UnknownTask(f"No task is named {name!r}; known: {known}.") from None


def described() -> list[dict[str, Any]]:
    """The descriptions of this process's tasks, as a worker publishes them; also see `Task.described`."""
    return [each.described() for each in _registry.values()]
