"""The Active Job that runs now: what Rails tells of it, and what it can ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Any
from zoneinfo import ZoneInfo

from pyresque.active_job.arguments.times import read_time, seconds_of
from pyresque.active_job.arguments.values import FarTime, Time
from pyresque.active_job.arguments.zones import rails_zone
from pyresque.active_job.continuation import Continuable, Continuation, Interrupted
from pyresque.active_job.payload import JobData
from pyresque.errors import (
    ContinuationError,
    Handled,
    InvalidStep,
    MalformedActiveJob,
    ResumeLimit,
    TermException,
)
from pyresque.failure.describe import error_message
from pyresque.failure.shortening import cleaned
from pyresque.usercode.leaving import is_leaving
from pyresque.usercode.safely import is_a, plain_name
from pyresque.wire.encoding import encode
from pyresque.wire.records import MAX_PAYLOAD_DEPTH, Payload

_current: ContextVar[Execution] = ContextVar("pyresque_active_job")


class Execution:
    """One run of an Active Job. `active_job.current()` gives the one that runs; callbacks get it too.

    Attributes:
        arguments: the arguments as Python values; a last `Keywords` are the keyword arguments. Callbacks may
            change them.
        executions: how many attempts were begun, this one included.
        exception_executions: how often each declaration of retry_on has handled an error.
        data: the job hash as it was read, with every key.
        resumptions: how often a job with steps was resumed.
    """

    def __init__(self, data: JobData, queue: str, continuable: Continuable | None = None) -> None:
        self._read = data
        self._continuable = continuable
        self.data = data.data
        self.queue = data.get("queue_name") or queue
        self.arguments: list[Any] = []
        self.executions = data.executions + 1
        # The map of the payload itself: as in Ruby a failure shows the count that its error has raised.
        self.exception_executions: dict[str, int] = data.get("exception_executions") or {}
        resumptions = data.get("resumptions") if "resumptions" in data.data else 0
        self.continuation: Continuation | None = None
        self.resumptions = 0
        if continuable is not None:
            if not isinstance(resumptions, int) or isinstance(resumptions, bool):
                raise MalformedActiveJob(
                    f"malformed Active Job: its resumptions are {resumptions!r}, not a number"
                )
            self.continuation = Continuation(data.data.get("continuation", {}), is_leaving)
            self.resumptions = resumptions + self.continuation.started

    @property
    def job_class(self) -> str:
        """Its Ruby class."""
        return self._read.job_class

    @property
    def job_id(self) -> str | None:
        """Its id, which stays the same over retries."""
        return self._text("job_id")

    @property
    def priority(self) -> int | None:
        """Its priority, which Resque does not look at."""
        value = self._read.get("priority")
        return value if isinstance(value, int) else None

    @property
    def locale(self) -> str | None:
        """The I18n locale in which it was enqueued: `"en"`, `"pt-BR"`."""
        return self._text("locale")

    @property
    def timezone(self) -> str | None:
        """The name of the `Time.zone` in which it was enqueued, as Rails has it: `"Tokyo"`."""
        return self._text("timezone")

    @property
    def zone(self) -> ZoneInfo | None:
        """That time zone; None where none, or one that this computer does not know, was set."""
        return rails_zone(self.timezone)

    @property
    def enqueued_at(self) -> Time | None:
        """When it was put on its queue."""
        return _moment(self._read.get("enqueued_at"))

    @property
    def scheduled_at(self) -> Time | None:
        """Until when it was delayed; None where it was not, or Rails does not tell (before 7.1)."""
        return _moment(self._read.get("scheduled_at"))

    def _text(self, key: str) -> str | None:
        value = self._read.get(key)
        return value if isinstance(value, str) else None

    def step(
        self, name: str, run: Callable[..., Any] | None = None, *, start: Any = None, isolated: bool = False
    ) -> Any:
        """Run a step of the job, unless an earlier run has completed it (Rails' `step`).

        Args:
            run: what it does; it may take the `Step`. Left out, this is a decorator that runs the function.
            start: where its cursor begins.
            isolated: whether it wants a run of its own.

        Returns:
            For an `async def`, what is to be awaited.

        Raises:
            InvalidStep: it is not the one that should come now, or the job is not `continuable`.
        """
        if self.continuation is None:
            raise InvalidStep(f"{self.job_class} has no steps: write @active_job.job(..., continuable=True)")
        if run is None:
            return lambda function: self.step(name, function, start=start, isolated=isolated)
        if iscoroutinefunction(run):
            return self.continuation.step_async(name, run, start, isolated)
        self.continuation.step(name, run, start, isolated)
        return None

    def retry(
        self,
        wait: float | timedelta | None = None,
        *,
        queue: str | None = None,
        priority: int | None = None,
    ) -> Handled:
        """End this run and make the job run again: `raise job.retry(wait=60)` (Rails' `retry_job`).

        Without `wait` it is put on its queue at once; one that was delayed until a moment that is still to
        come is delayed until then again, as Rails since 7.1 has it.
        """
        return self.again(None if wait is None else time.time() + seconds_of(wait), queue, priority)

    def again(self, due: float | None, queue: str | None, priority: int | None) -> Handled:
        """The next attempt, due then (seconds since the epoch; None: at once).

        Raises:
            ValueError: that is not a moment of Python's calendar.
            TypeError: the queue is not a text.
            Unencodable: its payload could not be written.
        """
        changes: dict[str, Any] = {
            "executions": self.executions,
            "exception_executions": dict(self.exception_executions),
        }
        if priority is not None:
            changes["priority"] = priority
        if self.continuation is not None:
            changes |= {"continuation": self.continuation.progress(), "resumptions": self.resumptions}
        queue = plain_name(queue) if queue is not None else self.queue
        scheduled = self.scheduled_at
        later = due if due is not None or scheduled is None else scheduled.timestamp()
        if not isinstance(queue, str):
            raise TypeError(f"{queue!r} is not the name of a queue")
        value = self._read.next(queue, changes, due)
        # Written here, and not when the job is settled, for now it can still fail.
        payload = Payload(encode(value, max_depth=MAX_PAYLOAD_DEPTH), value)
        encode(queue)
        return Handled(f"{self.job_class} is put back on {queue}", ((queue, payload, later or 0.0),))

    def count(self, key: str) -> int:
        """Count one more error under a key of exception_executions; without such a map, executions count."""
        if self._read.get("exception_executions") is None:
            return self.executions
        self.exception_executions[key] = self.exception_executions.get(key, 0) + 1
        return self.exception_executions[key]

    def resumed(self, error: BaseException) -> BaseException:
        """What an error means for a job with steps: it goes on later if it has made progress."""
        steps, options = self.continuation, self._continuable
        if steps is None or options is None:
            return error
        if is_a(error, TermException):
            # As in Rails a step that a signal has cut in two is not begun again by itself. What had been
            # done until then is told, for whoever begins it again.
            if steps.started:
                self._read.note(continuation=steps.progress(), resumptions=self.resumptions)
            return error
        if not is_a(error, Interrupted):
            wanted = is_a(error, Exception) and options.resume_errors_after_advancing and steps.advanced
            if not wanted or any(is_a(error, kind) for kind in (ContinuationError, Handled)):
                return error
        self.count(cleaned(error_message(error)))
        if options.max_resumptions is not None and self.resumptions >= options.max_resumptions:
            return ResumeLimit(f"Job was resumed a maximum of {options.max_resumptions} times")
        return self.again(time.time() + seconds_of(options.wait), options.queue, options.priority)


def _moment(text: object) -> Time | None:
    try:
        moment = read_time(text, "Time") if isinstance(text, str) else None
    except ValueError:
        return None
    return None if isinstance(moment, FarTime) else moment


def current() -> Execution:
    """The Active Job that runs now.

    Raises:
        LookupError: none does.
    """
    return _current.get()


def enter(execution: Execution) -> Callable[[], None]:
    """Make an execution the current one; returns what ends that."""
    token = _current.set(execution)
    return lambda: _current.reset(token)


def running() -> Execution | None:
    """The Active Job that runs now; None if none does."""
    return _current.get(None)
