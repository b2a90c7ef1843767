"""`@task`: name → function, options, and the JSON Schema of its parameters from its type hints."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import orjson

from jobsapi import backoff as backoffs
from jobsapi.errors import FieldError, JobsApiError, SetupError, UnknownTask
from jobsapi.names import checked_name
from jobsapi.timing import Timing

if TYPE_CHECKING:
    from types import ModuleType

    from pydantic import BaseModel

__all__ = [
    "Retry",
    "Task",
    "UnfitParameters",
    "bounded",
    "described",
    "get",
    "load",
    "mismatches",
    "registered",
    "task",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])

BUILT_IN = "jobsapi.example"
"""The module whose tasks are used where no app is named."""


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

    def call(self, params: dict[str, Any]) -> Any:
        """Convert the parameters to the hinted types and call the function; coroutines are run to their end.

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
        outcome = self.function(**values)
        if inspect.iscoroutine(outcome):
            import asyncio

            return asyncio.run(outcome)
        return outcome

    def is_worth_retrying(self, problem: BaseException) -> bool:
        """Whether another attempt may end otherwise; with parameters that do not fit none can."""
        return isinstance(problem, (*self.retry_on, Retry)) and not isinstance(problem, UnfitParameters)

    @functools.cached_property
    def _fields(self) -> dict[str, str]:
        # pydantic keeps some names for itself (`copy`, `json`, a leading underscore): fields are numbered
        return {p.name: f"p{i}" for i, p in enumerate(self._parameters) if p.kind is not p.VAR_KEYWORD}

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
            "schema": self.schema,
            "digest": self.digest,
        }


_registry: dict[str, Task] = {}


@overload
def task(function: _Function, /) -> _Function: ...
@overload
def task(
    *,
    name: str | None = None,
    queue: str = "default",
    timeout: float | None = None,
    default: bool = False,
    memory_mb: int | None = None,
    max_attempts: int = 1,
    backoff: float | Sequence[float] | Mapping[str, float] | None = None,
    retry_on: tuple[type[BaseException], ...] = (Exception,),
    every: float | None = None,
    cron: str | None = None,
    timezone: str = "UTC",
    misses: str = "skip",
) -> Callable[[_Function], _Function]: ...
def task(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    queue: str = "default",
    timeout: float | None = None,
    default: bool = False,
    memory_mb: int | None = None,
    max_attempts: int = 1,
    backoff: float | Sequence[float] | Mapping[str, float] | None = None,
    retry_on: tuple[type[BaseException], ...] = (Exception,),
    every: float | None = None,
    cron: str | None = None,
    timezone: str = "UTC",
    misses: str = "skip",
) -> Any:
    """Register a function as a task; the function itself comes back unchanged.

    `name`: what jobs call it, default the function's. `queue`: where its jobs wait. `timeout`: seconds a run may
    take. `default`: the task of a `POST /jobs` whose body names none.
    `memory_mb`: MiB that the processes of a run may have together. `max_attempts`: tries that may end in an exception
    or a timeout. `backoff`: seconds between them, as the job's option. `retry_on`: the exceptions that are tried again.
    A job's own options win. `every` (seconds) or `cron` (in `timezone`): a job is submitted by itself at those times;
    `misses`: what becomes of times at which no worker was there, see `timing.MISSES`. ValueError for a name, number,
    backoff or time that cannot be, TypeError for positional-only parameters, and with a schedule for one that has no
    default.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        made = Task(
            name or function.__name__,
            function,
            queue,
            timeout,
            default,
            memory_mb,
            max_attempts,
            backoff,
            tuple(retry_on),
            Timing(every, cron, timezone, misses) if every is not None or cron is not None else None,
        )
        _registry[made.name] = made
        return function

    return register if function is None else register(function)


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


def load(app: str | None) -> ModuleType:
    """Import `file.py` or `package.module` (None: the built-in example), which registers its tasks.

    Raises SetupError where there is no such file or module, or where it registers no task.
    """
    name = app or BUILT_IN
    module = _from_file(Path(name)) if name.endswith(".py") else _from_module(name)
    if not _registry:
        raise SetupError(f"{name} registers no task: put @task (from jobsapi import task) above a function.")
    return module


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise SetupError(f"There is no file {path}.")
    path = path.resolve()
    sys.path.insert(0, str(path.parent))
    name = path.stem if path.stem.isidentifier() and path.stem not in sys.modules else f"app_{abs(hash(str(path)))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a path that ends in .py always has a spec and a loader
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _from_module(name: str) -> ModuleType:
    if (here := str(Path.cwd())) not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is None:
        hint = f" Did you mean {name.replace('.', os.sep)}.py?" if Path(f"{name}.py").is_file() else ""
        raise SetupError(f"There is no module {name!r} here.{hint}")
    return importlib.import_module(name)


def digest_of(schema: Mapping[str, Any]) -> str:
    """16 hex digits that name a schema, whatever the order of its keys."""
    return hashlib.sha256(orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def mismatches(
    digest: str, schema: Callable[[], Mapping[str, Any]], params: Any, base: str, *, first_only: bool = False
) -> list[FieldError]:
    """Where `params` does not fit the schema of that digest; pointers start with `base`. Empty: it fits.

    `schema` is only called for a digest that this process has not compiled yet. `first_only`: stop at the first
    fault, since finding all of them takes seconds for a long list in which every item is wrong.
    """
    validator = _compiled.get(digest)
    if validator is None:
        import jsonschema_rs

        validator = jsonschema_rs.Draft202012Validator(bounded(schema()))
        if len(_compiled) >= _MOST_COMPILED:
            _compiled.pop(next(iter(_compiled)))
        _compiled[digest] = validator
    if validator.is_valid(params):
        return []
    problems = [_first_problem(validator, params)] if first_only else validator.iter_errors(params)
    return [fault for problem in problems for fault in _faults(problem, base)]


def _first_problem(validator: Any, params: Any) -> Any:
    try:
        validator.validate(params)
    except ValueError as problem:  # what jsonschema_rs.ValidationError is
        return problem
    raise AssertionError("parameters that are not valid have a fault")


_compiled: dict[str, Any] = {}
_MOST_COMPILED = 1000


def _faults(problem: Any, base: str) -> list[FieldError]:
    pointer = base + "".join(f"/{_escaped(str(step))}" for step in problem.instance_path)
    kind = type(problem.kind).__name__
    if kind == "AdditionalProperties":
        return [FieldError(f"{pointer}/{_escaped(name)}", "is not a parameter") for name in problem.kind.unexpected]
    if kind == "Required":
        return [FieldError(f"{pointer}/{_escaped(problem.kind.property)}", "is required")]
    return [FieldError(pointer, problem.message[:500])]


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def bounded(schema: Any) -> Any:
    """The schema with every integer held to 64 bits: JSON readers disagree about anything larger."""
    if isinstance(schema, list):
        return [bounded(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    held = {key: bounded(value) for key, value in schema.items()}
    if held.get("type") == "integer":
        held.setdefault("minimum", -(2**63))
        held.setdefault("maximum", 2**64 - 1)
    return held
