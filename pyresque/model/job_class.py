"""What a job is: its name on the wire, its default queue, and the code behind it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol

from pyresque.errors import InvalidJob
from pyresque.hooks import JOB_HOOKS, Hook, job_hooks
from pyresque.parameters import Given, Parameters
from pyresque.parameters.signatures import innermost_of
from pyresque.store.locks import Guard
from pyresque.usercode.safely import is_a, text_of, tried_in_job
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

    def find(self, payload: Payload) -> JobClass | None:
        """The job that a payload with the wrapper's class is of; None if it is not known here."""

    def jobs(self) -> list[JobClass]:
        """All jobs that are known."""

    def only(self, wanted: Callable[[JobClass], bool]) -> Wrapper:
        """The same with some of the jobs only."""

    def wrapped(self, class_name: str, args: Any, queue: str | None) -> dict[str, Any] | None:
        """The payload for a job that is named by its own class; None if it is not known here."""


@dataclass(frozen=True, eq=False)
class JobClass:
    """A registered job: its name on the wire, its default queue, and the code behind it.

    `target` is the decorated function or class itself; `plugins` are further objects with hooks.
    """

    name: str
    queue: str | None
    target: Callable[..., Any]
    plugins: tuple[object, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    gets_objects: ClassVar[bool] = False
    """Whether its arguments may be what JSON cannot become, such as records."""

    @property
    def sources(self) -> tuple[object, ...]:
        """Where this job's hooks are looked for."""
        own = (self._owner,) if inspect.isclass(self.target) else ()
        return own + self.plugins

    @cached_property
    def _owner(self) -> Any:
        # A perform that takes self wants an object; Ruby's way (static or class method) wants the class.
        plain = inspect.getattr_static(self.target, "perform")
        if isinstance(plain, staticmethod | classmethod) or not hasattr(type(plain), "__get__"):
            return self.target
        made, error = tried_in_job(self.target)
        if error is not None:
            if not is_a(error, Exception):
                raise error
            raise InvalidJob(
                f"{where_of(self.target)} cannot be made to call its perform ({text_of(error)}): let it "
                "be made without arguments, or put @staticmethod above perform"
            ) from error
        return made

    @cached_property
    def perform(self) -> Callable[..., Any]:
        """The user's function."""
        function: Callable[..., Any] = self._owner.perform if inspect.isclass(self.target) else self.target
        return function

    @cached_property
    def parameters(self) -> Parameters:
        """What the user's function takes."""
        scope = vars(self.target) if inspect.isclass(self.target) else {}
        return Parameters(self.name, self.perform, scope)

    @cached_property
    def found_hooks(self) -> dict[str, list[Hook]]:
        """The hooks of each kind that was asked for already."""
        return {}

    def hooks(self, kind: str) -> list[Hook]:
        """This job's hooks of one kind, ordered by name; looked up once in a process, as in Ruby."""
        found = self.found_hooks.get(kind)
        if found is None:
            found = self.found_hooks[kind] = job_hooks(self.sources, kind)
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

    def invocations(self, queue: str, payload: Payload) -> Generator[Any, Any, BaseException | None] | None:
        """The calls that running this job takes, where these are not just its function and hooks."""

    def rescue(
        self, queue: str, payload: Payload, error: BaseException
    ) -> Generator[Any, Any, BaseException | None] | None:
        """What the job makes of an error that ended its process."""

    def warm_up(self) -> None:
        """Look everything up now: what is found in a forked child is lost with it."""
        for kind in JOB_HOOKS:
            self.hooks(kind)
        self.parameters.prepare()

    def positions(self, args: Sequence[Any], kwargs: Mapping[str, Any], is_checked: bool = True) -> list[Any]:
        """The arguments of a call as the list that goes on the wire (Parameters.written)."""
        return self.parameters.written(args, kwargs, is_checked)

    def arguments(self, args: Sequence[Any]) -> Given:
        """Arguments from the wire as the function is called with them (Parameters.arguments)."""
        return self.parameters.arguments(args)


def check_code(target: Any, is_named: bool = False) -> None:
    """Refuse code that a worker could not run, or that would do nothing when it is called.

    Args:
        is_named: whether it is given a name; a partial, or an object that can be called, has none of its own.

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
        if not callable(code):
            raise InvalidJob(f"{target!r} is no function and no class: @job stands above def or class")
        if not is_named and not hasattr(code, "__name__"):
            raise InvalidJob(f"{text_of(target)} has no name of its own: give it one with @job(name=...)")
        # A method of a class that is being made is a plain function still; only its names tell.
        is_function = inspect.isfunction(code)
        inside = code.__qualname__.rpartition(".")[0] if is_function else ""
        first = next(iter(inspect.signature(code).parameters), "") if is_function else ""
        if inside and not inside.endswith("<locals>") and first in ("self", "cls"):
            raise InvalidJob(
                f"{where} is a method, and a worker has no object to call it on: put @job above the class, "
                "which needs a perform, or make it a function"
            )
    code = innermost_of(code) if not hasattr(code, "__wrapped__") else code
    if inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code):
        raise InvalidJob(f"{where} yields, so calling it would run nothing of it: take the yield out")


def check_timeout(timeout: object, where: str) -> None:
    """Refuse a timeout that is not a number of seconds; None and 0 are no timeout.

    Raises:
        InvalidJob: it is none.
    """
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (number and 0 <= timeout < float("inf")):  # type: ignore[operator]  # `number`
        raise InvalidJob(
            f"{where}: timeout={timeout!r} is not a number of seconds: write for example timeout=60"
        )


def where_of(target: object) -> str:
    """Where a function or class comes from, for errors: `app.jobs.convert`."""
    return f"{getattr(target, '__module__', '?')}.{getattr(target, '__qualname__', target)}"
