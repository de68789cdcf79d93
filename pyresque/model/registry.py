"""@job: which Python function runs which class name on the wire.

A worker runs only what is registered here; a payload never causes an import.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, TypeVar, Unpack

from pyresque.errors import InvalidJob, NotAJob
from pyresque.hooks import WorkerHooks, worker_hooks
from pyresque.model.enqueue_options import JobOptions, declared
from pyresque.model.job_class import JobClass, RetryPolicy, Wrapper, check_code, check_timeout, where_of
from pyresque.usercode.safely import plain_name
from pyresque.wire.records import Payload

_T = TypeVar("_T", bound=Callable[..., Any])


class Registry:
    """Jobs by their names on the wire."""

    changes = 0
    """How often a job was registered, in any registry, wrapped ones too."""

    def __init__(self, worker_hooks: WorkerHooks | None = None) -> None:
        self._by_name: dict[str, JobClass] = {}
        self._by_target: dict[object, JobClass] = {}
        self.worker_hooks = worker_hooks or WorkerHooks()
        self.wrappers: dict[str, Wrapper] = {}
        self.is_checked = False
        """Whether a worker has looked at the jobs before it starts (worker/job_checks.py)."""

    def add(self, job: JobClass) -> None:
        """Register a job.

        Raises:
            InvalidJob: its function cannot take a job's arguments, or the name is taken by other code.
        """
        _check(job)
        other = self._by_name.get(job.name)
        if other is not None and not _same_code(other.target, job.target):
            raise InvalidJob(
                f"two jobs are named {job.name}: {where_of(other.target)} and {where_of(job.target)}; give "
                "one another name with @job(name=...)"
            )
        self._by_name[job.name] = job
        Registry.changes += 1
        self.is_checked = False
        self._by_target[_identity(job.target)] = job

    def find(self, class_name: str) -> JobClass | None:
        """The job for a class name from the wire, written as Ruby may write it.

        See docs/protocol/core.md#class-names.
        """
        job = self._by_name.get(class_name) or self._by_name.get(class_name.removeprefix("::"))
        if job is None and "-" in class_name:
            job = self._by_name.get("".join(part.capitalize() for part in class_name.split("-")))
        return job

    def find_for(self, payload: Payload) -> JobClass | None:
        """The job class of a payload, wrapped or not."""
        name = payload.class_name
        wrapper = self.wrappers.get(name.removeprefix("::")) if self.wrappers else None
        return wrapper.find(payload) if wrapper is not None else self.find(name)

    def is_bare(self, payload: Payload) -> bool:
        """Whether a payload names a job that comes wrapped, and is not wrapped."""
        name = payload.class_name.removeprefix("::")
        return bool(name) and name in self._bare_names()

    def _bare_names(self) -> list[str]:
        return [job.name for job in self.wrapped_jobs() if job.name not in self._by_name]

    def wrapped(self, class_name: str, args: Any, queue: str | None) -> dict[str, Any] | None:
        """The payload of a job that must go on its queue wrapped; None if it needs no wrapper."""
        made = (wrapper.wrapped(class_name, args, queue) for wrapper in self.wrappers.values())
        return next((payload for payload in made if payload is not None), None)

    def only(self, chosen: Callable[[JobClass], bool]) -> Registry:
        """A registry of some of the jobs, with the same worker hooks."""
        registry = Registry(self.worker_hooks)
        for job in filter(chosen, self._by_name.values()):
            registry.add(job)
        registry.wrappers = {name: wrapper.only(chosen) for name, wrapper in self.wrappers.items()}
        return registry

    def of(self, target: object) -> JobClass | None:
        """The job that this function or class was registered as; None if it was not."""
        return self._by_target.get(_identity(target) if type(target) is MethodType else id(target))

    def job_of(self, target: object) -> JobClass:
        """The same, for whoever needs one.

        Raises:
            NotAJob: it was not registered.
        """
        job = self.of(target)
        if job is None:
            raise NotAJob(self._why_not(target))
        return job

    def _why_not(self, target: object) -> str:
        wrapped = (job.name for job in self.wrapped_jobs() if job.target is target)
        if (name := next(wrapped, None)) is not None:
            return (
                f"{name} is an Active Job: enqueue it with active_job.enqueue(resque, ...). To look at or "
                f"remove those that wait, use resque.jobs(queue).select({name!r}) or "
                f"resque.delayed.select({name!r})"
            )
        return f"{target!r} is not a job: register it with @job, or give a class name as text with queue="

    def limits(self) -> str:
        """The limits of all jobs that have some, as the scripts read them (parts/class_limits.lua)."""
        words = (word for job in self.jobs() if any(job.limits[1:]) for word in job.limits)
        return "".join(f"{word}\0" for word in words)

    def jobs(self) -> list[JobClass]:
        """All jobs that are registered, wrapped ones too."""
        return [*self._by_name.values(), *self.wrapped_jobs()]

    def wrapped_jobs(self) -> list[JobClass]:
        """Those that come in a wrapper, as Active Jobs do."""
        return [job for wrapper in self.wrappers.values() for job in wrapper.jobs()]

    def names(self) -> tuple[str, ...]:
        """All class names that are registered; of wrapped jobs the wrapper's, a blank and their own.

        Theirs alone, too: who takes a job that came without its wrapper says so (`is_bare`).
        """
        wrapped = [f"{name} {job.name}" for name, wrapper in self.wrappers.items() for job in wrapper.jobs()]
        return (*self._by_name, *wrapped, *self._bare_names())


default_registry = Registry(worker_hooks)
"""What `@job` fills and every Worker reads unless it is given another registry."""


def job(
    wrong: None = None,
    /,
    *,
    queue: str | None = None,
    name: str | None = None,
    plugins: Sequence[object] = (),
    timeout: float | None = None,
    retry: RetryPolicy | None = None,
    registry: Registry = default_registry,
    **more: Unpack[JobOptions],
) -> Callable[[_T], _T]:
    """Register a function, or a class with `perform`, as a job. It stays what it is.

    Args:
        queue: where `enqueue` puts it; for a class its attribute `queue` serves too. An Enum means its value.
        name: the class name on the wire, `Foo::BarJob`; else the Python name, which a partial has not.
        timeout: seconds that it may take; then its process is ended and the job fails. Without a process of
            its own (--no-fork) a job cannot be ended.
        retry: when a job that failed is run again, `Retry(limit=3, backoff=[1, 10, 60])`.
        plugins: objects whose methods are hooks of this job too (a plain function has no other hooks).
        registry: where to register it.
        more: `track=True`: each such job gets an id, under which its status and result are kept
            (docs/tracking.md). `ttl`: seconds, or a timedelta, after which one that still waits is not run.
            `unique=True`: while one waits, no other with equal arguments is enqueued. `rate_limit`: how many
            may begin in a time, `"10/minute"`. `max_running`: how many may run at a time (docs/limits.md).

    Raises:
        InvalidJob: what is decorated cannot be a job.
    """
    if wrong is not None:  # taken only so that @job and @job("mail") end with a text that helps
        raise InvalidJob(f"@job takes names only: write @job(queue='default'), not @job({_shown(wrong)})")

    def register(target: _T) -> _T:
        check_code(target, is_named=name is not None)
        class_queue = getattr(target, "queue", None) if inspect.isclass(target) else None
        options_given = {"timeout": timeout, "retry": retry, **declared(more)}
        options = {name: value for name, value in options_given.items() if value is not None}
        class_queue = plain_name(class_queue) if isinstance(plain_name(class_queue), str) else None
        default = plain_name(queue) if queue is not None else class_queue
        registry.add(JobClass(plain_name(name) or target.__name__, default, target, tuple(plugins), options))
        return target

    return register


def _check(job: JobClass) -> None:
    where = where_of(job.target)
    if not isinstance(job.name, str) or not job.name or set('\0"\\') & set(job.name):
        raise InvalidJob(f"{job.name!r} is not a class name: write for example Reports::Monthly")
    if job.queue is not None and not isinstance(job.queue, str):
        raise InvalidJob(
            f"{where}: queue={job.queue!r} is not a queue: write its name, for example queue='mail'"
        )
    check_timeout(job.options.get("timeout"), where)
    retry = job.options.get("retry")
    if retry is not None and (inspect.isclass(retry) or not hasattr(retry, "delay")):
        raise InvalidJob(f"{where}: retry={retry!r} is not a Retry; write for example retry=Retry(limit=3)")
    if job.name == "<lambda>":
        raise InvalidJob(f"{where}: a lambda has no name: give it one with @job(name=...), or write def")
    _ = job.parameters  # it must tell what it takes


def _identity(target: object) -> object:
    """What tells it from others: a method is made anew whenever its object is asked for it."""
    if type(target) is MethodType:
        return (id(target.__self__), id(target.__func__))
    return id(target)


def _same_code(first: Callable[..., Any], other: Callable[..., Any]) -> bool:
    # A module that is imported twice (as a script and by its name) registers the same code again.
    names = [
        (getattr(t, "__qualname__", ""), getattr(inspect.getmodule(t), "__file__", None))
        for t in (first, other)
    ]
    return names[0] == names[1]


def _shown(wrong: object) -> str:
    return where_of(wrong) if callable(wrong) else repr(wrong)
