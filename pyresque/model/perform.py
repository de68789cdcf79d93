"""A job in hand: running it with its hooks, and what becomes of it (docs/protocol/core.md#running-a-job)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pyresque.errors import (
    DirtyExit,
    DontPerform,
    HookError,
    JobCancelled,
)
from pyresque.failure.describe import error_name, whole_message
from pyresque.hooks import Hook, WorkerHooks
from pyresque.log import Log
from pyresque.model.job_class import JobClass
from pyresque.model.registry import Registry
from pyresque.model.unknown_job import bare_active_job, unknown_class
from pyresque.usercode.calling import (
    OVER,
    Over,
    awaited,
    call,
    call_around,
    call_around_async,
    check_ran,
    is_awaitable,
    raise_again,
)
from pyresque.usercode.guards import application_code, end_copy, getpid, one_process
from pyresque.usercode.safely import cut, either, is_a, text_of, tried
from pyresque.wire.python_text import call_text
from pyresque.wire.records import Payload, shown
from pyresque.wire.ruby_inspect import inspect


@dataclass
class Outcome:
    """What a tracked job leaves: what its function returned, or that somebody has cancelled it."""

    value: Any = None
    cancelled: bool = False


@dataclass(frozen=True, eq=False)
class Invocation:
    """One call of the application's code, of those that a job takes: a hook, or the job's function.

    `inner` is the rest of the job, for an around hook; `is_job`: it is the job's own function. `outcome` gets
    what it returns.
    """

    function: Callable[..., Any]
    args: list[Any]
    inner: Callable[[], Invocations] | None = None
    is_job: bool = False
    outcome: Outcome | None = None


logger = Log("pyresque.worker")

Invocations = Generator[Invocation, BaseException | None, BaseException | None]
"""Yields each call when it is due, gets what it raised, and returns the error of the whole job."""

Meaning = Callable[[BaseException], BaseException]

_NO_HOOKS: dict[str, list[Hook]] = {
    kind: [] for kind in ("before_perform", "around_perform", "after_perform", "always")
}
"""The hooks that a job which does not fail may have."""

MOST_SHOWN = 1_500
"""Characters of a job's arguments that a line about it shows."""


@dataclass(frozen=True, eq=False)
class ReservedJob:
    """A job that was taken from a queue; `job` is None where its class is not registered here."""

    queue: str
    payload: Payload
    job: JobClass | None
    is_bare: bool = False
    """Whether it is an Active Job of ours that came without the wrapper of Active Job."""
    worker_hooks: WorkerHooks | None = None
    """Those about each job (`hooks.before_job`)."""
    record: bytes = b""
    """What `worker:ID` holds for it; empty where no worker has reserved it."""
    outcome: Outcome | None = None
    """Where it leaves what its function returns, if it is tracked."""

    def __str__(self) -> str:
        """As a call, for log lines: `WelcomeMail('Ada') on mail`; an Active Job by its own class."""
        queue, name, args = self._parts()
        return f"{call_text(name or '(no class)', args, MOST_SHOWN)} on {queue}"

    def as_in_ruby(self) -> str:
        """As Ruby's `inspect` shows it, for what is stored in Redis."""
        queue, name, args = self._parts()
        return f"(Job{{{queue}}} | {name} | {inspect(args, MOST_SHOWN)})"

    def _parts(self) -> tuple[str, str, Any]:
        name, args = tried(shown, self.payload.value)[0] or ("", None)
        return cut(self.queue, 200), cut(text_of(name), 200), args

    def untouched(self) -> ReservedJob:
        """The same, read from its bytes anew: its arguments are the application's, which may change them."""
        return replace(self, payload=Payload.parse(self.payload.raw))

    @property
    def has_steps(self) -> bool:
        """Whether it may end at a checkpoint, and go on later."""
        return self.job is not None and "continuable" in self.job.options

    def limit(self, default: float | None) -> float | None:
        """Seconds that it may take; `default` where it does not say that itself. 0 and None: any time."""
        timeout = self.job.options.get("timeout") if self.job is not None else None
        return default if timeout is None else timeout

    @classmethod
    def of(cls, queue: str, payload: Payload, registry: Registry, record: bytes = b"") -> ReservedJob:
        """Find the code for a payload."""
        job = registry.find_for(payload)
        is_bare = job is None and registry.is_bare(payload)
        return cls(queue, payload, job, is_bare, registry.worker_hooks, record)

    def run(self) -> BaseException | None:
        """Perform the job with all its hooks; returns the exception that failed it, None if it is done."""
        job, hooks = self.job, self.worker_hooks
        if (
            job is None
            or self.outcome is not None
            or not (_NO_HOOKS.items() <= job.found_hooks.items())
            or (hooks and hooks.about_jobs)
        ):
            with one_process():
                return _carried_out(self._invocations())
        try:  # without hooks, as most jobs are, it is the call of its function
            with application_code():
                args = self.payload.value.get("args")
                args, words = job.parameters.arguments(args if type(args) is list else self.payload.args)
                result = job.perform(*args, **words)
                if result is not None:
                    check_ran(awaited(result))
        except BaseException as raised:
            error = raised
        else:
            return None
        with one_process():
            return _carried_out(self._failed(error))

    async def run_async(self, meaning: Meaning) -> BaseException | None:
        """The same on an event loop: what is `async def` is awaited.

        Args:
            meaning: which error it is for the job that its task was cancelled.
        """
        with one_process():
            return await _carried_out_async(self._invocations(), meaning, is_whole=True)

    def after_failure(self, error: BaseException) -> BaseException:
        """Run the on_failure hooks; returns the exception to record: `error`, or what a hook made of it.

        `Handled` is none to record: an Active Job may retry or discard what ended its process.
        """
        with one_process():
            rescue = self.job.rescue(self.queue, self.payload, error) if self.job is not None else None
            if rescue is not None and is_a(error, DirtyExit):
                return either(_carried_out(rescue), error)
            return either(_carried_out(self._failed(error)), error)

    def _invocations(self) -> Invocations:
        if self.outcome is not None and self.outcome.cancelled:
            return None
        hooks = self.worker_hooks
        if hooks is None or self.job is None or not hooks.about_jobs:
            return (yield from self._with_hooks())
        error = yield from self._each_of_all("before_job")
        if error is None:
            error = yield from self._with_hooks()
        elif is_a(error, DontPerform):
            error = None
        else:
            error = yield from self._failed(error)
        raised = yield from self._each_of_all("after_job")
        if raised is not None:
            logger.exception("an after_job hook failed after %s: %s", self, raised, exc_info=raised)
        return error

    def _each_of_all(self, kind: str) -> Invocations:
        """The hooks about the jobs of all classes."""
        error = None
        for hook in self.worker_hooks.of(kind) if self.worker_hooks is not None else ():
            raised = yield Invocation(hook, [self])
            error = raised if error is None else error
            if error is not None and kind == "before_job":
                break
        return error

    def _with_hooks(self) -> Invocations:
        error = yield from self._performed()
        if error is not None:
            error = yield from self._failed(error)
        raised = yield from self._each("always", self.payload.args)
        if raised is None:
            return error
        if error is not None:
            return self._additional(raised, error, "always hooks")
        return (yield from self._failed(raised))

    def _failed(self, error: BaseException) -> Invocations:
        raised = yield from self._each("on_failure", [error, *self.payload.args])
        return error if raised is None else self._additional(raised, error, "failure hooks")

    def _performed(self) -> Invocations:
        if self.job is None:
            return bare_active_job(self.payload) if self.is_bare else unknown_class(self.payload)
        calls = self.job.invocations(self.queue, self.payload)
        if calls is not None:
            return (yield from calls)
        raised = yield from self._each("before_perform", self.payload.args)
        if raised is not None:
            return None if is_a(raised, DontPerform) else raised
        hooks, raised = tried(self._hooks, "around_perform")
        if hooks is None:
            return raised
        raised = yield from self._around(self.job, hooks)
        return raised if raised is not None else (yield from self._each("after_perform", self.payload.args))

    def _around(self, job: JobClass, hooks: list[Hook]) -> Invocations:
        if hooks:
            return (yield Invocation(hooks[0], self.payload.args, lambda: self._around(job, hooks[1:])))
        # In here, for Ruby finds out that arguments are wrong when it calls `perform`.
        converted, raised = tried(lambda: job.parameters.arguments(self.payload.args))
        if converted is None:
            return raised
        args, words = converted
        function = partial(job.perform, **words) if words else job.perform
        error = yield Invocation(function, args, is_job=True, outcome=self.outcome)
        if self.outcome is not None and is_a(error, JobCancelled):
            self.outcome.cancelled, error = True, None
        return error

    def _each(self, kind: str, args: list[Any]) -> Invocations:
        hooks, error = tried(self._hooks, kind)  # which these are may be the user's code to say
        for hook in hooks or ():
            error = yield Invocation(hook, args)
            if error is not None:
                break
        return error

    def _hooks(self, kind: str) -> list[Hook]:
        return self.job.hooks(kind) if self.job else []

    def _additional(self, raised: BaseException, error: BaseException, where: str) -> HookError:
        name, message = error_name(raised), whole_message(raised)
        return HookError(
            f"Additional error ({name}: {message}) occurred in running {where} for job {self.as_in_ruby()}\n"
            f"Original error that caused job failure was {name}: {error_name(error)}: {whole_message(error)}"
        )


def _carried_out(calls: Invocations) -> BaseException | None:
    error: BaseException | None = None
    while True:
        due, error = _next(calls, error)
        if due is None:
            return error
        error = _done(due)


async def _carried_out_async(
    calls: Invocations, meaning: Meaning, is_whole: bool = False
) -> BaseException | None:
    error: BaseException | None = None
    while True:
        due, error = _next(calls, error)
        if due is None:
            return error
        error = await _done_async(due, meaning)
        if error is not None and is_whole:
            await _uncancelled()


async def _uncancelled() -> None:
    """Take back what is left of a cancellation: it was meant for what has failed, not for the hooks."""
    import asyncio

    task = asyncio.current_task()
    while task is not None and task.cancelling():
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        task.uncancel()


def _next(calls: Invocations, error: BaseException | None) -> tuple[Invocation | None, BaseException | None]:
    """The next call that is due; none at the end, with the error of the whole."""
    try:
        return calls.send(error), None
    except StopIteration as end:
        result: BaseException | None = end.value
        return None, result
    except BaseException as raised:  # a signal's, between two calls
        return None, raised


def _done(due: Invocation) -> BaseException | None:
    """Make one call; returns what it raised."""
    try:
        with application_code():
            if due.inner is None:
                result = call(due.function, *due.args)
                if due.is_job:
                    check_ran(result)
                if due.outcome is not None:
                    due.outcome.value = result
            else:
                call_around(due.function, due.args, partial(_inner, due.inner, getpid()))
    except BaseException as raised:
        return raised
    return None


async def _done_async(due: Invocation, meaning: Meaning) -> BaseException | None:
    try:
        with one_process():
            if due.inner is not None:
                inner = partial(_inner_async, due.inner, meaning, getpid())
                raised = await call_around_async(due.function, due.args, inner)
                return None if raised is None else meaning(raised)
            result = due.function(*due.args)
            if is_awaitable(result):
                result = await result
            if due.is_job:
                check_ran(result)
            if due.outcome is not None:
                due.outcome.value = result
    except BaseException as raised:
        return meaning(raised)
    return None


def _inner(inner: Callable[[], Invocations], pid: int) -> Over:
    if getpid() != pid:
        end_copy()  # a hook about the job has forked before it let the job run
    raise_again(_carried_out(inner()))
    return OVER


async def _inner_async(inner: Callable[[], Invocations], meaning: Meaning, pid: int) -> BaseException | None:
    if getpid() != pid:
        end_copy()
    return await _carried_out_async(inner(), meaning)
