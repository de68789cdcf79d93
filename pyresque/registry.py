"""@job: which Python function runs which class name on the wire.

A worker runs only what is registered here; a payload never causes an import.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar

import msgspec

from pyresque.errors import InvalidJob, WrongArguments
from pyresque.hooks import JOB_HOOKS, Hook, WorkerHooks, job_hooks, worker_hooks

_T = TypeVar("_T", bound=Callable[..., Any])
_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)


class RetryPolicy(Protocol):
    """What `retry=` takes (`pyresque.Retry`, or your own): whether and when a failed job runs again."""

    @property
    def quiet(self) -> bool:
        """Whether only the last of several failures is recorded."""

    def wants(self, error: BaseException) -> bool:
        """Whether this error may be followed by another attempt."""

    def delay(self, attempt: int) -> float | None:
        """Seconds to the next attempt after the one with this number (the first is 0); None: no more."""

    def identifier(self, args: Sequence[Any]) -> str:
        """What tells jobs of one class apart; empty where nothing does."""

    def expiry(self, attempt: int) -> int | None:
        """Seconds after which the counter of the attempts is forgotten; None: never."""


@dataclass(frozen=True, eq=False)
class Job:
    """A registered job: its name on the wire, its default queue, and the code behind it.

    `target` is the decorated function or class itself; `plugins` are further objects with hooks.
    """

    name: str
    queue: str | None
    target: Callable[..., Any]
    plugins: tuple[object, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sources(self) -> tuple[object, ...]:
        """Where this job's hooks are looked for."""
        own = (self._owner,) if inspect.isclass(self.target) else ()
        return own + self.plugins

    @cached_property
    def _owner(self) -> Any:
        # A perform that takes self wants an object; Ruby's way (static or class method) wants the class.
        plain = inspect.isfunction(inspect.getattr_static(self.target, "perform"))
        return self.target() if plain else self.target

    @cached_property
    def perform(self) -> Callable[..., Any]:
        """The user's function."""
        function: Callable[..., Any] = self._owner.perform if inspect.isclass(self.target) else self.target
        return function

    @cached_property
    def signature(self) -> inspect.Signature:
        """What the user's function takes."""
        return inspect.signature(self.perform)

    @cached_property
    def _types(self) -> dict[str, Any]:
        try:
            return typing.get_type_hints(inspect.unwrap(self.perform), include_extras=True)
        except (NameError, TypeError, AttributeError):
            return {}  # an annotation that only a type checker can resolve: then nothing is checked

    @cached_property
    def _hooks(self) -> dict[str, list[Hook]]:
        return {}

    def hooks(self, kind: str) -> list[Hook]:
        """This job's hooks of one kind, ordered by name; looked up once in a process, as in Ruby."""
        found = self._hooks.get(kind)
        if found is None:
            found = self._hooks[kind] = job_hooks(self.sources, kind)
        return found

    def warm_up(self) -> None:
        """Look everything up now: what is found in a forked child is lost with it."""
        for kind in JOB_HOOKS:
            self.hooks(kind)
        _ = self._parameters

    @cached_property
    def _parameters(self) -> tuple[int, list[tuple[str, Any]], tuple[str, Any] | None]:
        """How many arguments are needed, the (name, type) of each, and of *args if there is one."""
        own = list(self.signature.parameters.values())
        places = [one for one in own if one.kind is not inspect.Parameter.VAR_POSITIONAL]
        needed = sum(1 for one in places if one.default is inspect.Parameter.empty)
        rest = [(one.name, self._types.get(one.name, Any)) for one in own[len(places) :]]
        return (
            needed,
            [(one.name, self._types.get(one.name, Any)) for one in places],
            rest[0] if rest else None,
        )

    def positions(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """The arguments of a call as the list that goes on the wire: keywords become positions.

        Raises:
            WrongArguments: the function could not be called so.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise WrongArguments(f"{self.name}{self.signature}: {error}") from None
        if kwargs:
            bound.apply_defaults()
        return list(bound.args)

    def converted(self, args: Sequence[Any]) -> list[Any]:
        """Arguments from the wire, each as the annotation of its parameter has it.

        Raises:
            WrongArguments: one does not fit, or there are too few or too many; the text says which.
        """
        needed, places, rest = self._parameters
        if len(args) < needed or (rest is None and len(args) > len(places)):
            raise WrongArguments(
                f"{self.name} takes {self.signature}: it was given {len(args)} argument"
                f"{'' if len(args) == 1 else 's'}"
            )
        result = list(args)
        for place, value in enumerate(args):
            name, wanted = places[place] if place < len(places) else rest  # type: ignore[misc]
            if wanted is not Any:
                result[place] = self._convert(name, wanted, value)
        return result

    def _convert(self, name: str, wanted: Any, value: Any) -> Any:
        try:
            return msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            raise WrongArguments(f"argument {name} of {self.name}: {error}") from None
        except (TypeError, NotImplementedError) as error:
            raise WrongArguments(
                f"argument {name} of {self.name} is annotated {wanted!r}, which JSON cannot become "
                f"({error}); use a type that msgspec knows, or Any"
            ) from None


class Registry:
    """Jobs by their names on the wire."""

    def __init__(self, worker_hooks: WorkerHooks | None = None) -> None:
        self._by_name: dict[str, Job] = {}
        self._by_target: dict[int, Job] = {}
        self.worker_hooks = worker_hooks or WorkerHooks()

    def add(self, job: Job) -> None:
        """Register a job.

        Raises:
            InvalidJob: its function cannot take a job's arguments, or the name is taken by other code.
        """
        _check(job)
        other = self._by_name.get(job.name)
        if other is not None and not _same_code(other.target, job.target):
            raise InvalidJob(
                f"two jobs are named {job.name}: {_where(other.target)} and {_where(job.target)}; give one "
                "another name with @job(name=...)"
            )
        self._by_name[job.name] = job
        self._by_target[id(job.target)] = job

    def find(self, class_name: str) -> Job | None:
        """The job for a class name from the wire, written as Ruby may write it (core.md section 3.1)."""
        found = self._by_name.get(class_name) or self._by_name.get(class_name.removeprefix("::"))
        if found is None and "-" in class_name:
            found = self._by_name.get("".join(part.capitalize() for part in class_name.split("-")))
        return found

    def of(self, target: object) -> Job | None:
        """The job that this function or class was registered as."""
        job = self._by_target.get(id(target))
        return job if job is not None and job.target is target else None

    def jobs(self) -> list[Job]:
        """All jobs that are registered."""
        return list(self._by_name.values())

    def names(self) -> tuple[str, ...]:
        """All class names that are registered."""
        return tuple(self._by_name)


default_registry = Registry(worker_hooks)
"""What `@job` fills and every Worker reads unless it is given another registry."""


def job(
    *,
    queue: str | None = None,
    name: str | None = None,
    plugins: Sequence[object] = (),
    timeout: float | None = None,
    retry: RetryPolicy | None = None,
    registry: Registry = default_registry,
) -> Callable[[_T], _T]:
    """Register a function, or a class with `perform`, as a job. It stays what it is.

    Args:
        queue: where `enqueue` puts it; for a class its attribute `queue` serves too.
        name: the class name on the wire, `Foo::BarJob`; else the Python name.
        timeout: seconds that it may take; then its process is ended and the job fails. Without a process of
            its own (--no-fork) a job cannot be ended.
        retry: when a job that failed is run again, `Retry(limit=3, backoff=[1, 10, 60])`.
        plugins: objects whose methods are hooks of this job too (a plain function has no other hooks).
        registry: where to register it.

    Raises:
        InvalidJob: what is decorated cannot be a job.
    """

    def register(target: _T) -> _T:
        own = getattr(target, "queue", None) if inspect.isclass(target) else None
        given = {"timeout": timeout, "retry": retry}
        options = {name: value for name, value in given.items() if value is not None}
        default = queue if queue is not None else own if isinstance(own, str) else None
        registry.add(Job(name or target.__name__, default, target, tuple(plugins), options))
        return target

    return register


def _check(job: Job) -> None:
    if inspect.isclass(job.target) and not callable(getattr(job.target, "perform", None)):
        raise InvalidJob(f"{_where(job.target)} has no perform: write def perform(...) in it")
    if not job.name or "\0" in job.name or '"' in job.name or "\\" in job.name:
        raise InvalidJob(f"{job.name!r} is no class name: write for example Reports::Monthly")
    retry = job.options.get("retry")
    if retry is not None and (inspect.isclass(retry) or not hasattr(retry, "delay")):
        raise InvalidJob(
            f"{_where(job.target)}: retry={retry!r} says nothing; write for example retry=Retry(limit=3)"
        )
    for parameter in job.signature.parameters.values():
        if parameter.kind not in _POSITIONAL:
            raise InvalidJob(
                f"{_where(job.target)}: the parameter {parameter.name} can only be given by keyword, "
                "but a job's "
                "arguments are a list; make it positional"
            )


def _same_code(one: Callable[..., Any], other: Callable[..., Any]) -> bool:
    # A module that is imported twice (as a script and by its name) registers the same code again.
    names = [
        (getattr(t, "__qualname__", ""), getattr(inspect.getmodule(t), "__file__", None))
        for t in (one, other)
    ]
    return names[0] == names[1]


def _where(target: object) -> str:
    return f"{getattr(target, '__module__', '?')}.{getattr(target, '__qualname__', target)}"
