"""What a job is: its name on the wire, its default queue, and the code behind it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol

from pyresque.errors import InvalidJob, NoQueueError
from pyresque.hooks import JOB_HOOKS, Hook, job_hooks
from pyresque.parameters import Parameters
from pyresque.parameters.signatures import innermost_of
from pyresque.store.locks import Guard
from pyresque.usercode.safely import is_a, plain_name, text_of, tried_in_job
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
    """Jobs that come wrapped in one class and name their own class inside: those of Active Job."""

    def find(self, payload: Payload) -> JobClass | None:
        """The job that a payload with the wrapper's class is of; None if it is not known here."""

    def jobs(self) -> list[JobClass]:
        """All jobs that are known."""

    def only(self, chosen: Callable[[JobClass], bool]) -> Wrapper:
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
    found_hooks: dict[str, list[Hook]] = field(default_factory=dict, init=False, repr=False)
    """The hooks of each kind that was asked for already."""
    gets_objects: ClassVar[bool] = False
    """Whether its arguments may be what JSON cannot become, such as records."""

    @property
    def sources(self) -> tuple[object, ...]:
        """Where this job's hooks are looked for."""
        sources = (self._owner,) if inspect.isclass(self.target) else ()
        return sources + self.plugins

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

    def hooks(self, kind: str) -> list[Hook]:
        """This job's hooks of one kind, ordered by name; looked up once in a process, as in Ruby."""
        hooks = self.found_hooks.get(kind)
        if hooks is None:
            hooks = self.found_hooks[kind] = job_hooks(self.sources, kind)
        return hooks

    @cached_property
    def guarding(self) -> list[Any]:
        """Those of its plugins whose locks may keep it from being pushed."""
        return [plugin for plugin in self.plugins if callable(getattr(plugin, "enqueue_guard", None))]

    def guards(self, args: Sequence[Any]) -> list[Guard]:
        """The locks that must be free for it to be pushed, and that are taken with the push."""
        return [plugin.enqueue_guard(args) for plugin in self.guarding]

    @property
    def limits(self) -> tuple[str, int, int, int]:
        """Its name, how many may begin within so many milliseconds, how many may run at a time; 0: any."""
        jobs, within = self.options.get("rate_limit", (0, 0))
        return self.name, jobs, within, self.options.get("max_running", 0)

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


def queue_for(job: JobClass | None, name: str, queue: str | None) -> str:
    """The queue that is given, else the job's own.

    Raises:
        NoQueueError: there is neither, or what is given is not a name.
    """
    if queue is not None:
        queue = plain_name(queue)
        if not isinstance(queue, str):
            raise NoQueueError(f"queue={queue!r} is not a queue: give its name, for example queue='mail'")
        return queue
    if job is None or job.queue is None:
        raise NoQueueError(
            f"Jobs must be placed onto a queue. No queue could be inferred for class {name}: "
            "give one with queue=..."
        )
    return job.queue


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
            raise InvalidJob(f"{target!r} is neither a function nor a class: @job stands above def or class")
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
