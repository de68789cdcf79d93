"""A job in hand: running it with its hooks, and what becomes of it (core.md sections 9, 11, 13.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyresque.errors import DontPerform, HookError, UnknownJobClass
from pyresque.failure.describe import error_message, error_name
from pyresque.hooks import Hook, call, call_around
from pyresque.registry import Job, Registry
from pyresque.wire.encoding import inspect
from pyresque.wire.records import Payload


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
            raise unknown_class(self.payload)
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


def unknown_class(payload: Payload) -> UnknownJobClass:
    """The error of a job whose class nobody registered here (names as Ruby has them: core.md section 15)."""
    if not payload.value.get("class"):
        error = UnknownJobClass("the job has no class name")
        error.ruby_name = "NoMethodError"
        return error
    name = str(payload.value["class"]).removeprefix("::")
    return UnknownJobClass(f"uninitialized constant {name}: no @job with this name is registered")
