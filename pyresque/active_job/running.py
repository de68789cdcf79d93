"""Running an Active Job: arguments, callbacks, the function, what its errors mean.

See docs/protocol/active-job.md#errors-and-retries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from pyresque.active_job.arguments.conversion import converted
from pyresque.active_job.continuation import Interrupted
from pyresque.active_job.directory import Directory
from pyresque.active_job.execution import Execution, enter
from pyresque.active_job.payload import JobData
from pyresque.active_job.retrying import Handler, found_handler
from pyresque.errors import DontPerform, Handled, MalformedActiveJob
from pyresque.hooks import Hook
from pyresque.model.job_class import JobClass
from pyresque.model.perform import Invocation, Invocations
from pyresque.usercode.safely import cause_of, either, is_a, set_context, tried
from pyresque.wire.records import Payload

E = TypeVar("E", bound=BaseException)

HANDLERS = "__active_job_handlers__"


@dataclass(frozen=True, eq=False)
class ActiveJob(JobClass):
    """A registered Active Job."""

    directory: Directory = field(default_factory=Directory)
    gets_objects: ClassVar[bool] = True

    def hooks(self, kind: str) -> list[Hook]:  # noqa: ARG002 (for every kind)
        """None: Resque's hooks look at the wrapper class, so they never see an Active Job.

        See docs/protocol/active-job.md#callbacks-and-hooks.
        """
        return []

    @property
    def handlers(self) -> list[Handler]:
        """What retry_on and discard_on have declared; the last in the text is asked first, as in Rails."""
        return list(getattr(self.target, HANDLERS, ()))

    def invocations(self, queue: str, payload: Payload) -> Invocations:
        """Everything that running the job takes."""
        try:
            execution = self._execution(queue, payload)
        except MalformedActiveJob as malformed:
            return malformed
        leave = enter(execution)
        try:
            error = yield from self._performed(execution)
            return error if error is None else (yield from self._rescued(execution, error))
        finally:
            leave()

    def rescue(self, queue: str, payload: Payload, error: BaseException) -> Invocations:
        """What becomes of a job whose process has gone: retry_on and discard_on count here too."""
        try:
            execution = self._execution(queue, payload)
        except MalformedActiveJob:
            return error
        return (yield from self._rescued(execution, error))

    def _execution(self, queue: str, payload: Payload) -> Execution:
        return Execution(JobData.parse(payload), queue, self.options.get("continuable"))

    def _performed(self, execution: Execution) -> Invocations:
        read = self.directory.reader(strict=True).arguments
        arguments, unreadable = tried(read, execution.data["arguments"])
        if arguments is None:
            return unreadable
        execution.arguments = arguments
        for hook in self.called("before_perform"):
            error = yield Invocation(hook, [execution])
            if error is not None:
                return None if is_a(error, DontPerform) else error
        error = yield from self._around(self.called("around_perform"), execution)
        for hook in reversed(self.called("after_perform")) if error is None else []:
            error = yield Invocation(hook, [execution])
            if error is not None:
                return error
        return error

    def _around(self, hooks: list[Callable[..., Any]], execution: Execution) -> Invocations:
        if not hooks:
            return (yield Invocation(self._call, [execution], is_job=True))
        return (yield Invocation(hooks[0], [execution], lambda: self._around(hooks[1:], execution)))

    def _call(self, execution: Execution) -> Any:
        args, kwargs = converted(self.parameters, execution.arguments)
        return self.perform(*args, **kwargs)

    def called(self, kind: str) -> list[Callable[..., Any]]:
        """The callbacks of a kind, in the order in which they were declared."""
        return self.directory.called(kind, self.name)

    def _rescued(self, execution: Execution, error: BaseException) -> Invocations:
        resumed, wrong = tried(execution.resumed, error)
        if resumed is None or is_a(resumed, Handled):
            # Wrong is, for example, the wait of its `Continuable`, which tells no moment.
            return either(_behind(resumed, error), _while_handling(error, wrong))
        match, wrong = tried(found_handler, self.handlers, resumed)
        if match is None:
            return _while_handling(error, wrong)
        error, (handler, matched) = resumed, match
        if handler is None or matched is None:
            return either((yield from self._discarded(execution, error)), error)
        if handler.what == "retry":
            count = execution.count(handler.key)
            if handler.attempts is None or count < handler.attempts:
                following, wrong = tried(self._again, execution, handler, count)
                return either(_behind(following, matched), _while_handling(error, wrong))
            if handler.then is None:
                return either((yield from self._discarded(execution, matched)), matched)
        if handler.then is not None:
            raised = yield Invocation(handler.then, [execution, matched])
            if raised is not None:
                return raised
        raised = yield from self._discarded(execution, matched)
        discarded = Handled(f"{self.name} is discarded")
        set_context(discarded, matched)  # for the log
        return either(raised, discarded)

    def _again(self, execution: Execution, handler: Handler, count: int) -> Handled:
        """The next attempt; raises what the user's own function of the wait raises."""
        due = time.time() + handler.delay(count)
        return execution.again(due, handler.queue, handler.priority)

    def _discarded(self, execution: Execution, error: BaseException) -> Invocations:
        """Call after_discard; returns what one of these callbacks raised."""
        for hook in self.called("after_discard"):
            raised = yield Invocation(hook, [execution, error])
            if raised is not None:
                return raised
        return None


def _behind(handled: E | None, error: BaseException) -> E | None:
    """The same, with the error that was dealt with behind it, for the log."""
    if handled is not None and handled is not error and not is_a(error, Interrupted):
        set_context(handled, error)
    return handled


def _while_handling(error: BaseException, wrong: BaseException | None) -> BaseException:
    """What went wrong while an error was handled, with that error behind it."""
    if wrong is None:
        return error
    if cause_of(wrong) is None:
        set_context(wrong, error)
    return wrong
