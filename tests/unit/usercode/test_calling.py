"""What the user's code raises comes as it would if that code were called by itself, wherever it is called."""

import asyncio
import contextlib
import contextvars
import json
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyresque import active_job, job
from pyresque.active_job.running import ActiveJob
from pyresque.failure.describe import backtrace_lines
from pyresque.hooks import WorkerHooks
from pyresque.model.perform import ReservedJob
from pyresque.registry import Registry
from pyresque.usercode.calling import call, call_around, call_around_async, is_awaitable
from pyresque.wire.records import JOB_WRAPPER, Payload
from tests.hostile import RESULTS, Everything

quickly = settings(deadline=None, derandomize=True, database=None, max_examples=100)

# --- programs that raise, and what is compared -----------------------------------------------------

RAISED = (ValueError, LookupError, SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, RuntimeError)
LEAVES = st.tuples(st.just("raise"), st.sampled_from(RAISED), st.integers(0, 9))
PROGRAMS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.just("while handling"), inner, inner),
        st.tuples(st.just("from"), inner, inner),
        st.tuples(st.just("from none"), inner, inner),
        st.tuples(st.just("finally"), inner, inner),
        st.tuples(st.just("after"), inner, inner),
    ),
    max_leaves=5,
)


def play(program):
    """Raise what a program says, by real statements."""
    what, first, second = program
    if what == "raise":
        raise first(second)
    if what == "while handling":
        try:
            play(first)
        except BaseException:
            play(second)
    if what == "finally":
        try:
            play(first)
        finally:
            play(second)
    if what == "after":
        with contextlib.suppress(BaseException):
            play(first)
        play(second)
    try:
        play(second)
    except BaseException as error:
        new = error
    try:
        play(first)
    except BaseException as error:
        raise new from (error if what == "from" else None)


def chain(error, depth=12):
    """An error with everything that Python links it to, and the user's lines that it came up in."""
    if error is None or depth == 0:
        return None
    lines = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == __file__ and trace.tb_frame.f_code.co_name in (
            "play",
            "body",
        ):
            lines.append((trace.tb_frame.f_code.co_name, trace.tb_lineno))
        trace = trace.tb_next
    return (
        type(error), error.args, error.__suppress_context__, lines,
        chain(error.__cause__, depth - 1), chain(error.__context__, depth - 1),
    )  # fmt: skip


def raised(function, *args):
    """What a function raises, called here, in no handler."""
    caught = None
    try:
        function(*args)
    except BaseException as error:
        caught = error
    return chain(caught)


def work(registry, name="J", args=()):
    raw = json.dumps({"class": name, "args": list(args)}).encode()
    return ReservedJob.of("q", Payload.parse(raw), registry)


def of_class(**members):
    registry = Registry(WorkerHooks())
    job(name="J", registry=registry)(type("J", (), {"perform": lambda self: None, **members}))
    return work(registry)


def performed(reserved):
    """What a job has failed of, in a process and on a loop."""
    plain = chain(reserved.run())
    on_a_loop = asyncio.run(told(reserved))
    return plain, chain(on_a_loop)


async def told(reserved):
    return await reserved.run_async(lambda error: error)


# --- the property ----------------------------------------------------------------------------------


@quickly
@given(PROGRAMS)
def test_a_function(program):
    """A plain job, and any plain hook."""

    def body(*args):
        play(program)

    direct = raised(body)
    for place in ("perform", "before_perform", "after_perform", "always"):
        members = {place: staticmethod(body)}
        assert performed(of_class(**members)) == (direct, direct)


@quickly
@given(PROGRAMS)
def test_a_coroutine(program):
    """An `async def` job or hook; Python itself makes a RuntimeError of a StopIteration that leaves it."""

    async def body(*args):
        await asyncio.sleep(0)
        play(program)

    direct = raised(lambda: asyncio.run(body()))
    for place in ("perform", "before_perform", "always"):
        assert performed(of_class(**{place: staticmethod(body)})) == (direct, direct)


def plain(run):
    run()


def replacing(run):
    try:
        run()
    except BaseException:
        raise ArithmeticError("replaced")  # noqa: B904


def from_it(run):
    try:
        run()
    except BaseException as error:
        raise ArithmeticError("from") from error


def in_finally(run):
    try:
        run()
    finally:
        raise ArithmeticError("finally")


def while_handling(run):
    try:
        raise ArithmeticError("handled")
    except ArithmeticError:
        run()


def afterwards(run):
    with contextlib.suppress(BaseException):
        run()
    raise ArithmeticError("afterwards")


def again(run):
    try:
        run()
    except BaseException as error:
        raise error


def plain_yields():
    yield


def replacing_yields():
    try:
        yield
    except BaseException:
        raise ArithmeticError("replaced")  # noqa: B904


def from_it_yields():
    try:
        yield
    except BaseException as error:
        raise ArithmeticError("from") from error


def in_finally_yields():
    try:
        yield
    finally:
        raise ArithmeticError("finally")


def while_handling_yields():
    try:
        raise ArithmeticError("handled")
    except ArithmeticError:
        yield


def afterwards_yields():
    with contextlib.suppress(BaseException):
        yield
    raise ArithmeticError("afterwards")


def again_yields():
    try:
        yield
    except BaseException as error:
        raise error


AROUND = {
    "plain": (plain, plain_yields), "replacing": (replacing, replacing_yields),
    "from it": (from_it, from_it_yields), "finally": (in_finally, in_finally_yields),
    "while handling": (while_handling, while_handling_yields),
    "afterwards": (afterwards, afterwards_yields), "again": (again, again_yields),
}  # fmt: skip


@pytest.mark.parametrize("name", AROUND)
@quickly
@given(program=PROGRAMS)
def test_an_around_hook(name, program):
    """It is as if the job were called where the hook yields, or calls its function."""
    calling, yielding = AROUND[name]

    def body():
        play(program)

    direct = raised(lambda: calling(body))
    for hook in (calling, yielding):
        reserved = of_class(perform=staticmethod(body), around_perform=staticmethod(hook))
        assert performed(reserved) == (direct, direct)


@pytest.mark.parametrize("name", AROUND)
@quickly
@given(program=PROGRAMS)
def test_around_hooks_about_each_other(name, program):
    """Two of them, one that yields about one that calls."""
    calling, yielding = AROUND[name]

    def body():
        play(program)

    direct = raised(lambda: calling(lambda: calling(body)))
    members = {"around_perform_a": staticmethod(yielding), "around_perform_b": staticmethod(calling)}
    assert performed(of_class(perform=staticmethod(body), **members)) == (direct, direct)


@quickly
@given(PROGRAMS)
def test_an_async_around_hook(program):
    """It awaits the rest of the job; out of what it awaits no StopIteration can come, in Python."""

    async def around(run):
        await run()

    async def body():
        play(program)

    direct = raised(lambda: asyncio.run(body()))
    members = {"perform": staticmethod(body), "around_perform": staticmethod(around)}
    assert performed(of_class(**members)) == (direct, direct)


@quickly
@given(PROGRAMS)
def test_an_active_job(program):
    """Its function, plain and `async def`."""

    def body():
        play(program)

    async def later():
        play(program)

    for function in (body, later):
        registry = Registry(WorkerHooks())
        active_job.job("J", registry=registry)(function)
        data = {"job_class": "J", "job_id": "1", "arguments": [], "executions": 0, "exception_executions": {}}
        reserved = work(registry, JOB_WRAPPER, [data])
        assert isinstance(reserved.job, ActiveJob)
        direct = raised(function) if function is body else raised(lambda: asyncio.run(later()))
        assert performed(reserved) == (direct, direct)


def test_the_line_of_a_stop_iteration_is_told():
    """In a coroutine Python makes a RuntimeError of it, and the record names the place all the same."""

    async def body():
        raise StopIteration("here")

    lines = backtrace_lines(of_class(perform=staticmethod(body)).run())
    assert "caused by StopIteration: here" in lines
    assert any(line.endswith("in `body'") for line in lines)


# --- what is awaited -------------------------------------------------------------------------------


@types.coroutine
def old_coroutine():
    yield from asyncio.sleep(0).__await__()
    return 3


class Awaitable:
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return 4


class NotAwaitable:
    __await__ = None


async def coroutine():
    return 5


def test_what_is_awaited_is_told_by_its_type():
    """As `await` itself does it: attributes of an object say nothing."""
    one = Everything()
    one.__await__ = lambda: iter(())  # type: ignore[attr-defined]
    strange = [make() for make in RESULTS.values()]
    assert not any(map(is_awaitable, [*strange, one, NotAwaitable(), None, 5, Awaitable, coroutine]))
    assert [call(old_coroutine), call(Awaitable), call(coroutine)] == [3, 4, 5]


# --- around hooks that are not what they look like --------------------------------------------------


async def async_generator(*args):
    yield


def test_an_async_generator_is_no_around_hook():
    """Called, it would run nothing, and the job would be skipped without a word."""
    with pytest.raises(TypeError, match="async_generator is an `async def` that yields"):
        call_around(async_generator, [], lambda: None)
    ran = []

    async def inner():
        ran.append(True)

    async def main():
        return await call_around_async(async_generator, [], inner)

    with pytest.raises(TypeError, match="is an `async def` that yields"):
        asyncio.run(main())
    assert ran == []


class AsyncObject:
    async def __call__(self, run):
        await run()


def test_an_object_whose_call_is_async():
    """It is awaited, on a loop and without one."""
    for is_async in (False, True):
        ran = []
        reserved = of_class(
            perform=staticmethod(lambda ran=ran: ran.append(True)), around_perform=AsyncObject()
        )
        error = asyncio.run(told(reserved)) if is_async else reserved.run()
        assert (error, ran) == (None, [True])


def test_around_hooks_in_threads_do_not_wait_for_each_other():
    """Jobs whose plain around hooks have a thread each may use threads themselves, however many there are."""
    registry = Registry(WorkerHooks())

    @job(name="J", registry=registry)
    class J:
        async def perform(self):
            return await asyncio.to_thread(lambda: None)

        def around_perform(self, run):
            run()

    async def main():
        return await asyncio.gather(*(told(work(registry)) for _ in range(100)))

    assert asyncio.run(asyncio.wait_for(main(), 60)) == [None] * 100


def test_variables_of_a_context_reach_the_job():
    """Also where a hook on a loop calls for the rest of the job, which then gets a loop of its own."""
    variable = contextvars.ContextVar("variable")
    seen = []

    async def around(run):
        variable.set("set")
        await run()

    async def body():
        seen.append(variable.get(None))

    reserved = of_class(perform=staticmethod(body), around_perform=staticmethod(around))
    assert reserved.run() is None
    assert asyncio.run(told(reserved)) is None
    assert seen == ["set", "set"]
