"""What a job is: its name on the wire, its default queue, and the code behind it."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import msgspec

from pyresque.errors import InvalidJob, WrongArguments
from pyresque.hooks import JOB_HOOKS, Hook, job_hooks
from pyresque.store.locks import Guard
from pyresque.wire.encoding import narrowed
from pyresque.wire.records import Payload


class RetryPolicy(Protocol):
    """What `retry=` takes (`pyresque.Retry`, or your own): whether and when a failed job runs again.

    What depends on error and arguments it tells by methods that `Retry` has, and that another policy may
    leave out: `criterion`, `counts`, `steps`, `queue_for` and `args_for`.
    """

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


class Wrapper(Protocol):
    """Jobs that come wrapped in one class, whose own class stands inside: those of Active Job."""

    def find(self, payload: Payload) -> Job | None:
        """The job that a payload with the wrapper's class is of; None if it is not known here."""

    def jobs(self) -> list[Job]:
        """All jobs that are known."""

    def only(self, wanted: Callable[[Job], bool]) -> Wrapper:
        """The same with some of the jobs only."""

    def wrapped(self, class_name: str, args: Any, queue: str | None) -> dict[str, Any] | None:
        """The payload for a job that is named by its own class; None if it is not known here."""


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

    @property
    def is_guarded(self) -> bool:
        """Whether locks may keep it from being pushed."""
        return bool(self._guarding)

    @property
    def _guarding(self) -> list[Any]:
        return [one for one in self.plugins if callable(getattr(one, "enqueue_guard", None))]

    def guards(self, args: Sequence[Any]) -> list[Guard]:
        """The locks that must be free for it to be pushed, and that are taken with the push."""
        return [one.enqueue_guard(args) for one in self._guarding]

    def steps(self, queue: str, payload: Payload) -> Generator[Any, Any, BaseException | None] | None:
        """What running this job takes, where that is not just its function and hooks (perform.Steps)."""

    def rescue(
        self, queue: str, payload: Payload, error: BaseException
    ) -> Generator[Any, Any, BaseException | None] | None:
        """What the job makes of an error that ended its process."""

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
            if (plain := narrowed(value)) is not value:
                return self._convert(name, wanted, plain)
            raise WrongArguments(f"argument {name} of {self.name}: {error}") from None
        except (TypeError, NotImplementedError) as error:
            raise WrongArguments(
                f"argument {name} of {self.name} is annotated {wanted!r}, which JSON cannot become "
                f"({error}); use a type that msgspec knows, or Any"
            ) from None


def check_code(target: Any) -> None:
    """Refuse code that a worker could not run, or that would do nothing when it is called.

    Raises:
        InvalidJob: it is neither a function nor a class with `perform`, or it is a method, or it yields.
    """
    where = where_of(target)
    if isinstance(target, staticmethod | classmethod):
        raise InvalidJob(
            f"{where}: @job stands above @{type(target).__name__}: write it below @staticmethod, next to def"
        )
    if inspect.isclass(target):
        code = getattr(target, "perform", None)
        if not callable(code):
            raise InvalidJob(f"{where} has no perform: write def perform(...) in it")
    else:
        code = target
        if not callable(code) or not hasattr(code, "__name__"):
            raise InvalidJob(f"{target!r} is no function and no class: @job stands above def or class")
        # A method of a class that is being made is a plain function still; only its names tell.
        inside = code.__qualname__.rpartition(".")[0] if inspect.isfunction(code) else ""
        first = next(iter(inspect.signature(code).parameters), "")
        if inside and not inside.endswith("<locals>") and first in ("self", "cls"):
            raise InvalidJob(
                f"{where} is a method, and a worker has no object to call it on: put @job above the class, "
                "which needs a perform, or make it a function"
            )
    if inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code):
        raise InvalidJob(f"{where} yields, so calling it would run nothing of it: take the yield out")


def check_timeout(timeout: object, where: str) -> None:
    """Refuse a timeout that is no number of seconds; None and 0 are no timeout.

    Raises:
        InvalidJob: it is none.
    """
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (number and 0 <= timeout < float("inf")):  # type: ignore[operator]
        raise InvalidJob(
            f"{where}: timeout={timeout!r} is no number of seconds: write for example timeout=60"
        )


def where_of(target: object) -> str:
    """Where a function or class comes from, for errors: `app.jobs.convert`."""
    return f"{getattr(target, '__module__', '?')}.{getattr(target, '__qualname__', target)}"
