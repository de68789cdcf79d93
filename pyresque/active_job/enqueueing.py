"""Enqueueing Active Jobs, for Rails or for Python, in the newest form.

See docs/protocol/active-job.md#the-job-hash.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypedDict, Unpack, overload

from pyresque.active_job.arguments.conversion import check
from pyresque.active_job.arguments.times import stamp, stamp_of
from pyresque.active_job.arguments.values import Keywords, Symbol
from pyresque.active_job.arguments.zones import check_zone
from pyresque.active_job.directory import Settings, directory_of
from pyresque.active_job.execution import Execution, running
from pyresque.active_job.payload import JobData, Options, fresh
from pyresque.errors import DontPerform, InvalidTime, NotAJob
from pyresque.hooks import call, call_around
from pyresque.model.job_class import JobClass, queue_for
from pyresque.model.job_types import AnyJob, JobCode, P
from pyresque.model.moments import seconds_after, seconds_at
from pyresque.model.resque_like import ResqueLike
from pyresque.store import delayed
from pyresque.usercode.safely import plain_name
from pyresque.wire.encoding import encode
from pyresque.wire.records import MAX_PAYLOAD_DEPTH, with_queue


class EnqueueOptions(TypedDict, total=False):
    """How an Active Job is enqueued."""

    queue: str | None
    wait: float | timedelta | None
    wait_until: float | datetime | None
    priority: int | None
    locale: str | None
    timezone: str | None
    rails: str | None


SETTABLE = tuple(EnqueueOptions.__annotations__)


@dataclass(frozen=True)
class Prepared:
    """A job with its arguments, to be enqueued by itself or with others."""

    job: AnyJob
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def set(self, **options: Unpack[EnqueueOptions]) -> Prepared:
        """The same with a queue, wait, wait_until, priority, locale, timezone or rails of its own.

        Raises:
            NotAJob: there is no such option.
        """
        unknown = [name for name in options if name not in SETTABLE]
        if unknown:
            raise NotAJob(f"there is no {unknown[0]}= to set: there are {', '.join(SETTABLE)}")
        return replace(self, options={**self.options, **options})

    def enqueue(self, resque: ResqueLike) -> str | None:
        """Enqueue it: see `active_job.enqueue`."""
        return _OutgoingJob(resque, self).enqueue()


@overload
def prepare(job: str, /, *args: Any, **kwargs: Any) -> Prepared: ...
@overload
def prepare(job: JobCode[P], /, *args: P.args, **kwargs: P.kwargs) -> Prepared: ...
@overload
def prepare(job: partial[Any], /, *args: Any, **kwargs: Any) -> Prepared: ...
def prepare(job: Any, /, *args: Any, **kwargs: Any) -> Prepared:
    """A job with its arguments; every keyword is one of the job's own, and options come with `set`."""
    return Prepared(job, args, kwargs)


# With one of the options among the keywords the arguments cannot be checked: Python's types cannot add a
# keyword to those of another function. `prepare(job, ...).set(...)` checks both.
@overload
def enqueue(resque: ResqueLike, job: str, /, *args: Any, **kwargs: Any) -> str | None: ...
@overload
def enqueue(resque: ResqueLike, job: JobCode[P], /, *args: P.args, **kwargs: P.kwargs) -> str | None: ...
@overload
def enqueue(resque: ResqueLike, job: partial[Any], /, *args: Any, **kwargs: Any) -> str | None: ...
@overload
def enqueue(resque: ResqueLike, job: AnyJob, /, *args: Any, queue: str, **kwargs: Any) -> str | None: ...
@overload
def enqueue(
    resque: ResqueLike, job: AnyJob, /, *args: Any, wait: float | timedelta, **kwargs: Any
) -> str | None: ...
@overload
def enqueue(
    resque: ResqueLike, job: AnyJob, /, *args: Any, wait_until: float | datetime, **kwargs: Any
) -> str | None: ...
@overload
def enqueue(resque: ResqueLike, job: AnyJob, /, *args: Any, priority: int, **kwargs: Any) -> str | None: ...
@overload
def enqueue(resque: ResqueLike, job: AnyJob, /, *args: Any, locale: str, **kwargs: Any) -> str | None: ...
@overload
def enqueue(resque: ResqueLike, job: AnyJob, /, *args: Any, timezone: str, **kwargs: Any) -> str | None: ...
@overload
def enqueue(resque: ResqueLike, job: AnyJob, /, *args: Any, rails: str, **kwargs: Any) -> str | None: ...
def enqueue(resque: ResqueLike, job: Any, /, *args: Any, **kwargs: Any) -> str | None:
    """Enqueue an Active Job.

    Args:
        job: a function registered with `@active_job.job`, or a Ruby class name.
        kwargs: keyword arguments of the job; and `queue`, `wait` (seconds or a timedelta), `wait_until` (an
            aware datetime or seconds since the epoch), `priority`, `locale`, `timezone`, `rails`, unless the
            job itself has a parameter of that name (then use `prepare(...).set(...)`).

    Returns:
        The job's id; None if a before_enqueue callback raised DontPerform.

    Raises:
        NotAJob: it cannot be enqueued: no queue, an option that means nothing.
        SerializationError: an argument that Active Job cannot carry.
        WrongArguments: the function could not be called so.
    """
    known = directory_of(resque.registry).of(job)
    own_names = known.parameters.names if known is not None else ()
    options = {key: kwargs.pop(key) for key in SETTABLE if key in kwargs and key not in own_names}
    return Prepared(job, args, kwargs, options).enqueue(resque)


def enqueue_many(resque: ResqueLike, jobs: Iterable[Prepared]) -> int:
    """Enqueue many jobs, those that are not delayed in one round trip (Rails' `perform_all_later`).

    As in Rails no enqueue callbacks run. If one cannot be serialized, nothing is enqueued.

    Returns:
        How many there were.
    """
    outgoing = [_OutgoingJob(resque, job) for job in jobs]
    payloads = [job.encoded(job.data, job.arguments) for job in outgoing]
    batches: dict[str, list[bytes]] = {}
    for job, payload in zip(outgoing, payloads, strict=True):
        if job.is_later:
            job.put(payload)
        else:
            batches.setdefault(job.queue, []).append(payload)
    if batches:
        resque._push(batches)
    return len(outgoing)


class _OutgoingJob:
    """One Active Job on its way to its queue, or to the delayed jobs."""

    def __init__(self, resque: ResqueLike, prepared: Prepared) -> None:
        self._resque = resque
        self._directory = directory_of(resque.registry)
        self._options = prepared.options
        target = plain_name(prepared.job)
        job = self._directory.of(target)
        if job is None and not isinstance(target, str):
            raise NotAJob(f"{prepared.job!r} is not an Active Job: register it with @active_job.job")
        _check(self._options, self._directory.settings)
        self._name = job.name if job else str(target)
        if not self._name:
            raise NotAJob("an empty text is not the name of a class")
        queue = self._options.get("queue")
        self.queue = queue_for(job, self._name, None if queue is None else str(plain_name(queue)))
        self.arguments = _bound(job, prepared)
        self._due, scheduled_at = self._moment()
        self._payload = self._fresh(job, scheduled_at)

    def enqueue(self) -> str | None:
        """Run the callbacks and put it on its queue."""
        execution = Execution(JobData(self.data, {}), self.queue)
        execution.arguments = list(self.arguments)
        try:
            for hook in self._called("before_enqueue"):
                call(hook, execution)
            self._around(self._called("around_enqueue"), execution)
        except DontPerform:
            return None
        for hook in reversed(self._called("after_enqueue")):
            call(hook, execution)
        return execution.job_id

    @property
    def is_later(self) -> bool:
        """Whether it is to be delayed."""
        return self._due is not None and int(self._due) > int(time.time())

    @property
    def data(self) -> dict[str, Any]:
        """The job hash, still without arguments."""
        data: dict[str, Any] = self._payload["args"][0]
        return data

    def encoded(self, data: Mapping[str, Any], arguments: list[Any]) -> bytes:
        """The payload around a job hash, with these arguments as Rails writes them."""
        writer = self._directory.writer(self._options.get("rails"))
        value = {**self._payload, "args": [{**data, "arguments": writer.arguments(arguments)}]}
        return encode(value, self._resque.space.style, max_depth=MAX_PAYLOAD_DEPTH)

    def put(self, payload: bytes) -> None:
        """Put a payload on the queue, or among the delayed jobs."""
        if self._due is None or not self.is_later or self._resque._receiver is not None:
            self._resque._push({self.queue: [payload]})
            return
        space = self._resque.space
        item = with_queue(payload, self.queue, space.style)
        delayed.delay(space, int(self._due), delayed.Job(item, self.queue, payload))

    def _around(self, hooks: list[Callable[..., Any]], execution: Execution) -> None:
        if hooks:
            call_around(hooks[0], [execution], lambda: self._around(hooks[1:], execution))
        else:
            self.put(self.encoded(execution.data, execution.arguments))

    def _called(self, kind: str) -> list[Callable[..., Any]]:
        return self._directory.called(kind, self._name)

    def _fresh(self, job: JobClass | None, scheduled_at: str | None) -> dict[str, Any]:
        """The payload, still without arguments."""
        steps = bool(job is not None and job.options.get("continuable"))
        settings, around = self._directory.settings, running()
        locale = self._options.get("locale") or (around and around.locale) or settings.locale
        zone = self._options.get("timezone") or (around.timezone if around else settings.timezone)
        priority = self._options.get("priority")
        if priority is None and job is not None:
            priority = job.options.get("priority")
        options = Options(priority=priority, scheduled_at=scheduled_at, locale=locale, timezone=zone)
        return fresh(self._name, self.queue, [], options, steps)

    def _moment(self) -> tuple[float | None, str | None]:
        """When it is due, in seconds since the epoch, and as `scheduled_at` has it; twice None for now."""
        wait, until = self._options.get("wait"), self._options.get("wait_until")
        if wait is not None and until is not None:
            raise NotAJob("give wait= or wait_until=, not both")
        if wait is not None:
            due = float(seconds_after(wait))
        elif until is not None:
            due = float(seconds_at(until))
        else:
            return None, None
        if isinstance(until, datetime):
            return due, stamp_of(until)
        try:
            return due, stamp(due)
        except ValueError as error:
            raise InvalidTime(str(error)) from None


def _check(options: Mapping[str, Any], settings: Settings) -> None:
    """A worker, ours or Ruby's, would fail on a payload in which these mean nothing."""
    for name, kind in (("priority", int), ("locale", str), ("timezone", str)):
        value = options.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise NotAJob(f"{name}={value!r} is not of type {kind.__name__}")
    if options.get("timezone"):
        check_zone(options["timezone"])
    if options.get("locale"):
        settings.check_locale(options["locale"])


def _bound(job: JobClass | None, prepared: Prepared) -> list[Any]:
    """The arguments as Rails has them: keywords are a last hash."""
    if job is not None:
        check(job.parameters, prepared.args, prepared.kwargs)
    words = Keywords({Symbol(key): value for key, value in prepared.kwargs.items()})
    return [*prepared.args, *([words] if words else [])]
