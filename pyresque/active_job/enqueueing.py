"""Enqueueing Active Jobs, for Rails or for Python, in the newest form.

See docs/protocol/active-job.md#the-job-hash.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from pyresque.active_job.arguments.conversion import check
from pyresque.active_job.arguments.times import stamp, stamp_of
from pyresque.active_job.arguments.values import Keywords, Symbol
from pyresque.active_job.arguments.zones import check_zone
from pyresque.active_job.directory import Directory, Settings, directory_of
from pyresque.active_job.execution import Execution, running
from pyresque.active_job.payload import JobData, Options, fresh
from pyresque.errors import DontPerform, NotAJob
from pyresque.hooks import call, call_around
from pyresque.model.job_class import JobClass, queue_for
from pyresque.model.registry import Registry
from pyresque.store import delayed
from pyresque.store.space import Space
from pyresque.usercode.safely import plain_name
from pyresque.wire.encoding import encode
from pyresque.wire.records import MAX_PAYLOAD_DEPTH


class Resque(Protocol):
    """What enqueueing needs of a `pyresque.Resque`."""

    registry: Registry
    space: Space
    _receiver: Callable[[str, bytes], None] | None

    def push(self, queue: str, item: dict[str, Any]) -> None:
        """Put an object on a queue."""

    def _push(self, jobs: dict[str, list[bytes]]) -> int:
        """Put elements on their queues."""


SETTABLE = ("queue", "wait", "wait_until", "priority", "locale", "timezone", "rails")


@dataclass(frozen=True)
class Prepared:
    """A job with its arguments, to be enqueued by itself or with others."""

    job: Any
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def set(self, **options: Any) -> Prepared:
        """The same with a queue, wait, wait_until, priority, locale, timezone or rails of its own.

        Raises:
            NotAJob: there is no such option.
        """
        unknown = [name for name in options if name not in SETTABLE]
        if unknown:
            raise NotAJob(f"there is no {unknown[0]}= to set: there are {', '.join(SETTABLE)}")
        return replace(self, options={**self.options, **options})

    def enqueue(self, resque: Resque) -> str | None:
        """Enqueue it: see `active_job.enqueue`."""
        return _Enqueueing(resque, self).run()


def prepare(job: Any, *args: Any, **kwargs: Any) -> Prepared:
    """A job with its arguments; every keyword is one of the job's own, and options come with `set`."""
    return Prepared(job, args, kwargs)


def enqueue(resque: Resque, job: Any, *args: Any, **kwargs: Any) -> str | None:
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
    own = known.parameters.names if known is not None else ()
    options = {key: kwargs.pop(key) for key in SETTABLE if key in kwargs and key not in own}
    return prepare(job, *args, **kwargs).set(**options).enqueue(resque)


def enqueue_many(resque: Resque, jobs: Iterable[Prepared]) -> int:
    """Enqueue many jobs, those that are not delayed in one round trip (Rails' `perform_all_later`).

    As in Rails no enqueue callbacks run. If one cannot be serialized, nothing is enqueued.

    Returns:
        How many there were.
    """
    ready = [_Enqueueing(resque, one) for one in jobs]
    payloads = [one.payload() for one in ready]
    raws = [encode(item, resque.space.style, max_depth=MAX_PAYLOAD_DEPTH) for item in payloads]
    batches: dict[str, list[bytes]] = {}
    for one, payload, raw in zip(ready, payloads, raws, strict=True):
        if one.is_later:
            one.put(payload)
        else:
            batches.setdefault(one.queue, []).append(raw)
    if batches:
        resque._push(batches)
    return len(ready)


class _Enqueueing:
    """One job on its way to its queue."""

    def __init__(self, resque: Resque, prepared: Prepared) -> None:
        self._resque = resque
        self._directory: Directory = directory_of(resque.registry)
        self._options = dict(prepared.options)
        wanted = plain_name(prepared.job)
        job = self._job = self._directory.of(wanted)
        if job is None and not isinstance(wanted, str):
            raise NotAJob(f"{prepared.job!r} is no Active Job: register it with @active_job.job")
        _check(self._options, self._directory.settings)
        self._name = job.name if job else str(wanted)
        if not self._name:
            raise NotAJob("an empty text is no name of a class")
        queue = self._options.get("queue")
        self.queue = queue_for(job, self._name, None if queue is None else str(plain_name(queue)))
        self._arguments = _bound(job, prepared)
        self._due, self._scheduled_at = self._moment()

    def run(self) -> str | None:
        """Run the callbacks and put it on its queue."""
        data = JobData(self._fresh([])["args"][0], {})
        execution = Execution(data, self.queue)
        execution.arguments = list(self._arguments)
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

    def payload(self) -> dict[str, Any]:
        """The element for the queue."""
        return self._fresh(self._written(self._arguments))

    def put(self, payload: dict[str, Any]) -> None:
        """Put an element on the queue, or among the delayed jobs."""
        if self._due is None or not self.is_later or self._resque._receiver is not None:
            self._resque.push(self.queue, payload)
            return
        style = self._resque.space.style
        raw = encode(payload, style, max_depth=MAX_PAYLOAD_DEPTH)
        item = encode({**payload, "queue": self.queue}, style, max_depth=MAX_PAYLOAD_DEPTH)
        delayed.delay(self._resque.space, int(self._due), delayed.Job(item, self.queue, raw))

    def _around(self, hooks: list[Callable[..., Any]], execution: Execution) -> None:
        if hooks:
            call_around(hooks[0], [execution], lambda: self._around(hooks[1:], execution))
            return
        data = {**execution.data, "arguments": self._written(execution.arguments)}
        self.put({**self._fresh([]), "args": [data]})

    def _called(self, kind: str) -> list[Callable[..., Any]]:
        return self._directory.called(kind, self._name)

    def _written(self, arguments: list[Any]) -> list[Any]:
        return self._directory.writer(self._options.get("rails")).arguments(arguments)

    def _fresh(self, arguments: list[Any]) -> dict[str, Any]:
        steps = bool(self._job is not None and self._job.options.get("continuable"))
        settings, around = self._directory.settings, running()
        locale = self._options.get("locale") or (around and around.locale) or settings.locale
        zone = self._options.get("timezone") or (around.timezone if around else settings.timezone)
        priority = self._options.get("priority")
        if priority is None and self._job is not None:
            priority = self._job.options.get("priority")
        scheduled = self._scheduled_at
        options = Options(priority=priority, scheduled_at=scheduled, locale=locale, timezone=zone)
        return fresh(self._name, self.queue, arguments, options, steps)

    def _moment(self) -> tuple[float | None, str | None]:
        wait, until = self._options.get("wait"), self._options.get("wait_until")
        if wait is not None and until is not None:
            raise NotAJob("give wait= or wait_until=, not both")
        if isinstance(until, datetime):
            if until.utcoffset() is None:
                raise NotAJob(f"wait_until={until!r} has no time zone: give it one, for example tzinfo=UTC")
            return until.timestamp(), stamp_of(until)
        if until is None and wait is None:
            return None, None
        seconds = wait.total_seconds() if isinstance(wait, timedelta) else wait if until is None else until
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
            raise NotAJob(f"{seconds!r} is no time to wait: give seconds, a timedelta or an aware datetime")
        due = float(seconds) + (time.time() if until is None else 0.0)
        try:
            return due, stamp(due)
        except ValueError as error:
            raise NotAJob(f"{seconds!r} is no time to wait: {error}") from None


def _check(options: Mapping[str, Any], settings: Settings) -> None:
    """A worker, ours or Ruby's, would fail on a payload in which these mean nothing."""
    for name, kind in (("priority", int), ("locale", str), ("timezone", str)):
        value = options.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise NotAJob(f"{name}={value!r} is no {kind.__name__}")
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
