"""Continuations: jobs in steps that go on after an interrupt, here or in Rails.

See docs/protocol/active-job.md#continuations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from inspect import signature
from typing import Any

from pyresque.active_job.arguments.times import is_ruby_utc, offset_text
from pyresque.errors import InvalidStep, MalformedActiveJob, UnadvanceableCursor, Unencodable
from pyresque.hooks import call
from pyresque.wire.encoding import encode
from pyresque.wire.ruby_inspect import inspect


@dataclass(frozen=True)
class Continuable:
    """How a job with steps is resumed; the defaults are those of Rails.

    Args:
        wait: seconds or a timedelta until it goes on.
        queue: the queue that it goes on in, else its own.
        priority: its priority then, else its own.
        max_resumptions: how often it may go on; None: for ever.
        resume_errors_after_advancing: whether an error after progress makes it go on instead of failing.
    """

    wait: float | timedelta = 5.0
    queue: str | None = None
    priority: int | None = None
    max_resumptions: int | None = None
    resume_errors_after_advancing: bool = True


class Interrupted(BaseException):
    """Ends a run of a job with steps at a checkpoint; no `except Exception` of the job's catches it."""


class Step:
    """One step of a job: how far it is, `cursor`, and how it moves on."""

    def __init__(self, name: str, cursor: Any, resumed: bool, checkpoint: Callable[[], None]) -> None:
        self.name = name
        self.cursor = cursor
        self.resumed = resumed
        """Whether it was begun in an earlier run."""
        self._first = cursor
        self._checkpoint = checkpoint

    @property
    def advanced(self) -> bool:
        """Whether its cursor has moved in this run."""
        return bool(self._first != self.cursor)

    def set(self, cursor: Any) -> None:
        """Move on to a cursor: what JSON can say. If the worker is leaving, the run ends here.

        Raises:
            Unencodable: JSON cannot say it.
        """
        self.cursor = bare(cursor)
        self._checkpoint()

    def advance(self, start: Any = None) -> None:
        """Move on to the value after the cursor (or after `start`): the next number or day.

        Raises:
            UnadvanceableCursor: there is none.
        """
        value = self.cursor if start is None else start
        if isinstance(value, date) and not isinstance(value, datetime):
            self.set(value + timedelta(days=1))
        elif isinstance(value, int) and not isinstance(value, bool):
            self.set(value + 1)
        else:
            raise UnadvanceableCursor(
                f"Cursor class '{type(value).__name__}' has no next value: use step.set(cursor)"
            )

    def checkpoint(self) -> None:
        """A place where the run may end if the worker is leaving."""
        self._checkpoint()


class Continuation:
    """How far a job with steps has come.

    Args:
        progress: `continuation` of the job hash.
        leaving: whether the worker is about to leave.

    Raises:
        MalformedActiveJob: the progress is none.
    """

    def __init__(self, progress: object, leaving: Callable[[], bool]) -> None:
        if not isinstance(progress, Mapping):
            raise MalformedActiveJob(f"malformed Active Job: its continuation is {progress!r}, not an object")
        completed, current = progress.get("completed", []), progress.get("current")
        open_step = isinstance(current, list) and len(current) == 2 and isinstance(current[0], str)
        if not isinstance(completed, list) or (current is not None and not open_step):
            raise MalformedActiveJob(f"malformed Active Job: its continuation is {dict(progress)!r}")
        self._leaving = leaving
        self.completed = [str(name) for name in completed]
        self.current = Step(current[0], current[1], True, self._check) if current is not None else None
        self.advanced_step = False
        self._seen: list[str] = []
        self._running: str | None = None
        self._isolating = False

    @property
    def started(self) -> bool:
        """Whether there is any progress."""
        return bool(self.completed) or self.current is not None

    @property
    def advanced(self) -> bool:
        """Whether this run has made progress."""
        return self.advanced_step or (self.current is not None and self.current.advanced)

    def progress(self) -> dict[str, Any]:
        """What the job hash says of it."""
        current = {"current": [self.current.name, _spelled(self.current.cursor)]} if self.current else {}
        return {"completed": list(self.completed), **current}

    @property
    def description(self) -> str:
        """How far it is, in the words of Rails."""
        if self.current is not None:
            return f"at '{self.current.name}', cursor '{inspect(_spelled(self.current.cursor))}'"
        return f"after '{self.completed[-1]}'" if self.completed else "not started"

    def interrupted(self, reason: str) -> Interrupted:
        """What ends a run here."""
        return Interrupted(f"Interrupted {self.description} ({reason})")

    def step(self, name: str, run: Callable[..., Any], start: Any, isolated: bool) -> None:
        """Run a step, unless it is completed.

        Raises:
            InvalidStep: it is not the one that should come now.
            Interrupted: the run ends here.
        """
        step = self._open(name, start, isolated)
        if step is not None:
            try:
                call(run, *_given(run, step))
            finally:
                self._running = None
            self._completed(name)

    async def step_async(self, name: str, run: Callable[..., Any], start: Any, isolated: bool) -> None:
        """The same with an `async def`."""
        step = self._open(name, start, isolated)
        if step is not None:
            try:
                await run(*_given(run, step))
            finally:
                self._running = None
            self._completed(name)

    def _open(self, name: str, start: Any, isolated: bool) -> Step | None:
        """The step, which now runs; None if it is completed already."""
        if self.advanced:
            self._check()
        self._validate(name)
        self._seen.append(name)
        if name in self.completed:
            return None
        self._isolating = self._isolating or isolated
        if self._isolating and self.advanced:
            raise self.interrupted("isolating")
        if self.current is None:
            self.current = Step(name, bare(start), False, self._check)
        self._running = name
        return self.current

    def _completed(self, name: str) -> None:
        self.completed.append(name)
        self.current = None
        self.advanced_step = True

    def _check(self) -> None:
        if self._leaving():
            raise self.interrupted("stopping")

    def _validate(self, name: str) -> None:
        if name in self._seen:
            raise InvalidStep(f"Step '{name}' has already been encountered")
        if self._running is not None:
            raise InvalidStep(f"Step '{name}' is nested inside step '{self._running}'")
        index = len(self._seen)
        if index < len(self.completed) and self.completed[index] != name:
            raise InvalidStep(f"Step '{name}' found, expected to see '{self.completed[index]}'")
        if self.current is not None and self.current.name != name and name not in self.completed:
            raise InvalidStep(f"Step '{name}' found, expected to resume from '{self.current.name}'")


def _given(run: Callable[..., Any], step: Step) -> list[Step]:
    return [step] if signature(run).parameters else []


def _spelled(cursor: Any) -> Any:
    return cursor.isoformat() if isinstance(cursor, date) else cursor


def bare(cursor: Any) -> Any:
    """A cursor as it will come back, for JSON has no dates.

    Raises:
        Unencodable: JSON cannot say it.
    """
    if isinstance(cursor, datetime):
        if cursor.utcoffset() is None:
            raise Unencodable(f"the cursor {cursor!r} has no time zone")
        day = cursor.replace(tzinfo=None).isoformat(timespec="milliseconds")
        return day + ("Z" if is_ruby_utc(cursor) else offset_text(cursor))
    if isinstance(cursor, date):
        return cursor  # it stays one as long as this run lasts; it is written as text
    try:
        encode(cursor)
    except Unencodable as error:
        raise Unencodable(f"the cursor {inspect(cursor, 200)} cannot be kept: {error}") from None
    return cursor
