"""The Ruby jobs of the recorded lives (vectors/activejob.json, `flows`), as Python jobs."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from pyresque import active_job
from pyresque.active_job import Continuable
from pyresque.errors import DontPerform, RecordNotFound, ResqueError
from pyresque.usercode.leaving import note_leaving


class AppError(ResqueError):
    ruby_name = "AppError"


class OtherError(ResqueError):
    ruby_name = "OtherError"


def fail(*args: Any, **kwargs: Any) -> None:
    raise AppError("x")


def alternate(*args: Any) -> None:
    raise (AppError if active_job.current().executions % 2 else OtherError)("x")


def register(registry: Any) -> None:
    """Register them all."""
    job = partial(active_job.job, registry=registry)
    retry_on, discard_on = active_job.retry_on, active_job.discard_on
    exact = partial(retry_on, AppError, wait=30, attempts=3, jitter=0)

    def named(name: str, *declared: Any, function: Any = fail, **options: Any) -> Any:
        def own(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        own.__qualname__ = name
        for one in declared:
            own = one(own)
        return job(name, **options)(own)

    named("PlainFail", function=_fail_loudly)
    named("Retry3", exact())
    named("RetryModule", retry_on("AppError", wait=30, attempts=3, jitter=0))
    named("RetryDefault", retry_on(AppError))
    named("RetryQueuePrio", exact(queue="slow", priority=9), queue="orig")
    named("RetryMulti", retry_on(AppError, OtherError, wait=30, attempts=4), function=alternate)
    two = [retry_on(AppError, wait=30, attempts=3), retry_on(OtherError, wait=60, attempts=3)]
    named("RetryTwoDecl", *two, function=alternate)
    named("RetryExp", retry_on(AppError, wait="polynomially_longer", attempts=10))
    named("RetryUnlimited", retry_on(AppError, wait=lambda count: count * 10, attempts=None))
    named("RetryWait0", retry_on(AppError, wait=0, attempts=2))
    named("RetryBlock", retry_on(AppError, wait=30, attempts=2, then=lambda job, error: None))
    named("Discard", discard_on(AppError))
    named("DiscardBlock", discard_on(AppError, OtherError, then=lambda job, error: None), function=_other)
    named("DiscardDeser", discard_on(active_job.DeserializationError))
    named("RetryDeser", retry_on(active_job.DeserializationError, wait=30, attempts=3))
    named("Locale", retry_on(AppError, wait=30, attempts=3))
    named("RescueRetry", function=_retry_elsewhere)
    named("CommitRetry", function=_retry_later)
    named("RescueRetryNow", function=_retry_once)
    named("Introspect", function=_nothing)
    named("CbJobs", function=_nothing)
    named("Kw", function=lambda a, b=2, **o: None)
    aborted = named("ThrowAbort")
    active_job.before_perform(aborted, registry=registry)(_abort)
    _steps(named, retry_on)

    @active_job.resolver("Person", registry=registry)
    def person(found: Any) -> None:
        raise RecordNotFound(
            f"Error while trying to deserialize arguments: Couldn't find Person with 'id'={found.id}"
        )


def _steps(named: Any, retry_on: Any) -> None:
    no_resume = Continuable(resume_errors_after_advancing=False)
    resuming = Continuable(wait=40, queue="resumed", priority=4, max_resumptions=1)
    named("StepErr", function=_step_err, continuable=True)
    named("StepDate", function=_step_date, continuable=True)
    named("StepIsolated", function=_step_isolated, continuable=True)
    named("StepMethods", function=_step_methods, continuable=True)
    named("StepNoAdvance", function=_step_no_advance, continuable=True)
    named("StepNoResume", function=_advance_and_raise, continuable=no_resume)
    three = retry_on(AppError, wait=60, attempts=3)
    named("StepRetryOn", three, function=_one_then_raise, continuable=no_resume)
    named("StepMax", function=_advance_and_raise, continuable=resuming)
    named("StepNow", function=_advance_twice, continuable=Continuable(wait=0))
    named("StepInt", function=_interrupted, continuable=True)
    named("StepTwoDone", function=_two_done, continuable=True)
    named("StepUnsuccable", function=_unsuccable, continuable=True)


def _fail_loudly(*args: Any) -> None:
    raise AppError("boom <&> \u2028 é")


def _other(*args: Any) -> None:
    raise OtherError("x")


def _nothing(*args: Any, **kwargs: Any) -> None:
    pass


def _abort(job: Any) -> None:
    raise DontPerform


def _retry_elsewhere(*args: Any) -> None:
    raise active_job.current().retry(120, queue="other")


def _retry_later(*args: Any) -> None:
    raise active_job.current().retry(90, queue="later", priority=6)


def _retry_once(*args: Any) -> None:
    if active_job.current().executions == 1:
        raise active_job.current().retry()


def _is_first() -> bool:
    return active_job.current().executions == 1


def _step_err(*args: Any) -> None:
    job = active_job.current()
    job.step("first", lambda: None)

    @job.step("second", start=10)
    def second(step: Any) -> None:
        step.advance()
        if _is_first():
            raise AppError("boom")

    job.step("third", lambda: None)


def _step_date(*args: Any) -> None:
    @active_job.current().step("walk", start=date(2024, 1, 1))
    def walk(step: Any) -> None:
        if _is_first():
            step.advance()
            raise AppError("b")


def _step_isolated(*args: Any) -> None:
    job = active_job.current()
    job.step("plain", lambda: None)
    job.step("alone", lambda step: None, isolated=True)
    job.step("after", lambda: None)


def _step_methods(*args: Any) -> None:
    def walk(step: Any) -> None:
        if _is_first():
            step.set(7)
            raise AppError("in walk")

    job = active_job.current()
    job.step("load", lambda: None)
    job.step("walk", walk, start=5)
    job.step("close", lambda: None)


def _step_no_advance(*args: Any) -> None:
    active_job.current().step("walk", fail, start=3)


def _advance_and_raise(*args: Any) -> None:
    @active_job.current().step("walk", start=0)
    def walk(step: Any) -> None:
        step.advance()
        raise AppError("again")


def _advance_twice(*args: Any) -> None:
    @active_job.current().step("walk", start=0)
    def walk(step: Any) -> None:
        if step.cursor < 2:
            step.advance()
            raise AppError(f"r{step.cursor - 1}")


def _one_then_raise(*args: Any) -> None:
    job = active_job.current()
    job.step("one", lambda: None)

    @job.step("two", start=0)
    def two(step: Any) -> None:
        step.advance()
        raise AppError("two")


def _interrupted(*args: Any) -> None:
    @active_job.current().step("walk", start=0)
    def walk(step: Any) -> None:
        while step.cursor < 3:
            if step.cursor == 1 and _is_first():
                note_leaving(0, None)
            step.advance()


def _two_done(*args: Any) -> None:
    job = active_job.current()
    job.step("a", lambda: None)
    job.step("b", lambda: note_leaving(0, None) if _is_first() else None)
    job.step("c", lambda: None)


def _unsuccable(*args: Any) -> None:
    active_job.current().step("walk", lambda step: step.advance(), start=1.5)
