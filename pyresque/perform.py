"""A job in hand: running it with its hooks, and what becomes of it (core.md sections 9, 11, 13.2)."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pyresque.errors import DontPerform, HookError, ResqueError, UnknownJobClass
from pyresque.hooks import Hook, call, call_around
from pyresque.registry import Job, Registry
from pyresque.wire.encoding import inspect
from pyresque.wire.records import Payload

_LIBRARY = str(Path(__file__).parent)


@dataclass(frozen=True, eq=False)
class ReservedJob:
    """A job that was taken from a queue; `job` is None where its class is not registered here."""

    queue: str
    payload: Payload
    job: Job | None

    def __str__(self) -> str:
        return (
            f"(Job{{{self.queue}}} | {self.payload.class_name} | {inspect(self.payload.value.get('args'))})"
        )

    @classmethod
    def of(cls, queue: str, payload: Payload, registry: Registry) -> ReservedJob:
        """Find the code for a payload."""
        return cls(queue, payload, registry.find(payload.class_name))

    def run(self) -> BaseException | None:
        """Perform the job with all its hooks; returns the exception that failed it, None if it is done."""
        error: BaseException | None = None
        try:
            self._perform()
        except BaseException as raised:
            error = self.after_failure(raised)
        try:
            self._each("always")
        except BaseException as raised:
            if error is not None:
                return self._additional(raised, error, "always hooks")
            return self.after_failure(raised)
        return error

    def after_failure(self, error: BaseException) -> BaseException:
        """Run the on_failure hooks; returns the exception to record: `error`, or what a hook made of it."""
        try:
            for hook in self._hooks("on_failure"):
                call(hook, error, *self.payload.args)
        except BaseException as raised:
            return self._additional(raised, error, "failure hooks")
        return error

    def _perform(self) -> None:
        if self.job is None:
            raise unknown_class(self.payload.class_name)
        perform, args = self.job.perform, self.job.converted(self.payload.args)
        try:
            self._each("before_perform")
        except DontPerform:
            return
        run: Callable[[], None] = lambda: call(perform, *args)  # noqa: E731 (rebound below)
        for hook in reversed(self._hooks("around_perform")):
            run = _around(hook, self.payload.args, run)
        run()
        self._each("after_perform")

    def _each(self, kind: str) -> None:
        for hook in self._hooks(kind):
            call(hook, *self.payload.args)

    def _hooks(self, kind: str) -> list[Hook]:
        return self.job.hooks(kind) if self.job else []

    def _additional(self, raised: BaseException, error: BaseException, where: str) -> HookError:
        name, message = error_name(raised), error_message(raised)
        return HookError(
            f"Additional error ({name}: {message}) occurred in running {where} for job {self}\n"
            f"Original error that caused job failure was {name}: {error_name(error)}: {error_message(error)}"
        )


def _around(hook: Hook, args: list[object], inner: Callable[[], None]) -> Callable[[], None]:
    return lambda: call_around(hook, args, inner)


def unknown_class(name: str) -> UnknownJobClass:
    """The error of a job whose class nobody registered here."""
    if not name:
        return UnknownJobClass("the job has no class name")
    return UnknownJobClass(
        f"uninitialized constant {name.removeprefix('::')}: no @job with this name is registered"
    )


def error_name(error: BaseException) -> str:
    """The class name that a record shows: Ruby's for what Ruby knows, else the Python name."""
    if isinstance(error, ResqueError) and error.ruby_name:
        return error.ruby_name
    kind = type(error)
    if kind is KeyboardInterrupt:
        return "Interrupt"
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def error_message(error: BaseException) -> str:
    """The text that a record shows; never raises, whatever `__str__` does."""
    try:
        if isinstance(error, SystemExit):
            return "exit" if error.code is None else f"exit {error.code}"
        if isinstance(error, KeyError) and len(error.args) == 1:
            return str(error.args[0])  # str() of a KeyError is the repr of its key
        text = str(error)
    except Exception:
        return f"({type(error).__name__} without readable text)"
    return text or (error_name(error) if isinstance(error, DontPerform) else "")


def backtrace_lines(error: BaseException) -> list[str]:
    """The backtrace as Ruby lists it: innermost first, `file:line:in `function'`, without our own frames."""
    if isinstance(error, HookError):
        return []
    lines = _lines(error.__traceback__)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and lines:
        lines.append(f"caused by {error_name(cause)}: {error_message(cause)}")
        lines += _lines(cause.__traceback__)
    return lines


def _lines(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)
    own = [place for place, frame in enumerate(frames) if frame.filename.startswith(_LIBRARY)]
    outer = own[0] if own else -1
    theirs = [f for place, f in enumerate(frames) if place > outer and not f.filename.startswith(_LIBRARY)]
    return [f"{frame.filename}:{frame.lineno}:in `{frame.name}'" for frame in reversed(theirs)]
