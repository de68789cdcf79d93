"""The same job with the same hooks on an event loop and without one: nothing may differ.

See docs/protocol/core.md#job-hooks.
"""

import asyncio
import json

import pytest

from pyresque import DontPerform, job
from pyresque.errors import HookError, TermException
from pyresque.failure.describe import error_message, error_name
from pyresque.hooks import WorkerHooks
from pyresque.model.perform import ReservedJob
from pyresque.registry import Registry
from pyresque.wire.records import Payload

PLACES = [
    "before_perform_a", "before_perform_b", "around_a", "around_b", "around_c", "perform", "around_c_after",
    "around_b_after", "around_a_after", "after_perform_a", "after_perform_b", "always_a", "always_b",
]  # fmt: skip


def reserved(registry, args=(1,)):
    raw = json.dumps({"class": "J", "args": list(args)}).encode()
    return ReservedJob.of("q", Payload.parse(raw), registry)


def hooked(seen, raising, is_async):
    """A registry with a job that has every kind of hook; `raising` says which of them raise what."""
    registry = Registry(WorkerHooks())

    def step(name):
        seen.append(name)
        if name in raising:
            raise raising[name]

    async def step_async(name):
        await asyncio.sleep(0)
        step(name)

    @job(name="J", registry=registry)
    class J:
        if is_async:

            async def perform(self, number):
                await step_async("perform")

            async def around_perform_c(self, number, run):
                await step_async("around_c")
                await run()
                await step_async("around_c_after")
        else:

            def perform(self, number):
                step("perform")

            def around_perform_c(self, number, run):
                step("around_c")
                run()
                step("around_c_after")

        def around_perform_a(self, number):
            step("around_a")
            yield
            step("around_a_after")

        def around_perform_b(self, number, run):
            step("around_b")
            run()
            step("around_b_after")

    for kind in ("before_perform", "after_perform", "on_failure", "always"):
        setattr(J, f"{kind}_a", lambda self, *args, name=f"{kind}_a": step(name))
        coroutine = lambda self, *args, name=f"{kind}_b": step_async(name)  # noqa: E731
        plain = lambda self, *args, name=f"{kind}_b": step(name)  # noqa: E731
        setattr(J, f"{kind}_b", coroutine if is_async else plain)
    return registry


def said(error):
    return error and (error_name(error), error_message(error))


def both(*args, **raising):
    """What happens without a loop, and on one."""
    found = []
    for is_async in (False, True):
        seen = []
        work = reserved(hooked(seen, raising, is_async), *args)
        error = asyncio.run(work.run_async(lambda raised: raised)) if is_async else work.run()
        found.append((seen, said(error)))
    return found


def test_a_success():
    """Every step, in order."""
    plain, on_a_loop = both()
    assert plain == on_a_loop == (PLACES, None)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "error", [LookupError, DontPerform, SystemExit, KeyboardInterrupt, GeneratorExit, TermException]
)
def test_a_step_that_raises(place, error):
    """Whichever it is, and whatever it raises."""
    plain, on_a_loop = both(**{place: error("boom")})
    assert plain == on_a_loop
    assert place in plain[0]


@pytest.mark.parametrize("second", ["on_failure_a", "on_failure_b", "always_a", "always_b"])
@pytest.mark.parametrize("first", ["before_perform_a", "around_b", "perform", "after_perform_b"])
def test_two_steps_that_raise(first, second):
    """The second is told together with the first."""
    plain, on_a_loop = both(**{first: ValueError("boom"), second: LookupError("second")})
    assert plain == on_a_loop
    assert plain[1][0] == "RuntimeError"


def test_arguments_that_do_not_fit():
    """before_perform has run, as in Ruby, then on_failure and always, nothing else: these hooks around the
    job take as many arguments as it does, so that the first of them is what they do not fit."""
    plain, on_a_loop = both((1, 2))
    assert plain == on_a_loop
    before = ["before_perform_a", "before_perform_b"]
    assert plain[0] == [*before, "on_failure_a", "on_failure_b", "always_a", "always_b"]
    assert plain[1][0] == "TypeError"


def test_a_class_that_is_not_registered():
    """The same error, and no hooks."""
    registry = Registry(WorkerHooks())
    error = asyncio.run(reserved(registry).run_async(lambda raised: raised))
    assert said(error) == said(reserved(registry).run())


@pytest.mark.parametrize("place", ["a_generator", "b_function", "c_coroutine"])
def test_an_around_hook_that_skips_the_job_or_lets_an_error_pass(place):
    """Each kind of hook may do so, and after_perform runs as if the job were done."""
    seen = []
    registry = Registry(WorkerHooks())

    @job(name="J", registry=registry)
    class J:
        async def perform(self, number):
            seen.append("perform")
            raise LookupError("passed over")

        def after_perform(self, number):
            seen.append("after")

    def generator(self, number):
        if number:
            try:
                yield
            except LookupError:
                seen.append("passed")

    def function(self, number, run):
        if number:
            try:
                run()
            except LookupError:
                seen.append("passed")

    async def coroutine(self, number, run):
        if number:
            try:
                await run()
            except LookupError:
                seen.append("passed")

    setattr(J, f"around_perform_{place}", locals()[place[2:]])
    assert asyncio.run(reserved(registry).run_async(lambda raised: raised)) is None
    assert asyncio.run(reserved(registry, (0,)).run_async(lambda raised: raised)) is None
    assert seen == ["perform", "passed", "after", "after"]


@pytest.mark.parametrize("hook", [None, "generator", "function", "coroutine"])
def test_a_job_that_is_cancelled(hook):
    """It is ended where it waits, whatever is around it, and its failure is what the cancellation means."""
    seen, begun = [], asyncio.Event()
    registry = Registry(WorkerHooks())

    @job(name="J", registry=registry)
    class J:
        async def perform(self, number):
            begun.set()
            try:
                await asyncio.sleep(1000)
            finally:
                seen.append("cleaned up")

        def on_failure(self, error, number):
            seen.append(error)

    def generator(self, number):
        yield

    def function(self, number, run):
        run()

    async def coroutine(self, number, run):
        await run()

    if hook:
        J.around_perform = locals()[hook]  # type: ignore[attr-defined]
    reason = TermException("SIGTERM")

    async def main():
        is_cancelled = lambda error: reason if isinstance(error, asyncio.CancelledError) else error  # noqa: E731
        task = asyncio.create_task(reserved(registry).run_async(is_cancelled))
        await begun.wait()
        task.cancel()
        return await task

    error = asyncio.run(main())
    assert error is reason
    assert sorted(seen, key=str) == [reason, "cleaned up"]


def test_an_async_around_hook_may_await_the_function_without_a_loop_too():
    """So that the same hook serves both kinds of worker."""
    seen = []
    registry = Registry(WorkerHooks())

    @job(name="J", registry=registry)
    class J:
        def perform(self, number):
            seen.append("perform")

        async def around_perform(self, number, run):
            await run()
            seen.append("after")

    assert reserved(registry).run() is None
    assert seen == ["perform", "after"]


def test_a_hook_error_has_no_backtrace_of_ours():
    """As without a loop."""
    _, (_, told) = both(perform=ValueError("boom"), always_b=LookupError("second"))
    assert told == (HookError.ruby_name, told[1])
