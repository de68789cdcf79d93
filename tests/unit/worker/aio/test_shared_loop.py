"""What a job does to the event loop that it shares fails that job; the loop and all others go on."""

import asyncio
import contextlib
import contextvars
import gc
import json
import logging
import sys
import threading
import time

import pytest

from pyresque import job
from pyresque.errors import TermException
from pyresque.failure.describe import backtrace_lines, error_message, error_name
from pyresque.hooks import WorkerHooks
from pyresque.model.perform import ReservedJob
from pyresque.registry import Registry
from pyresque.wire.records import Payload
from pyresque.worker.aio.shared_loop import SharedLoop, SharedTask
from pyresque.worker.aio.task import AsyncJob, async_jobs
from tests.hostile import EXCEPTIONS, Everything, raising

pytestmark = [
    pytest.mark.usefixtures("in_a_worker"),
    # The coroutines that a job leaves behind are thrown away with the loop.
    pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::ResourceWarning"),
]


async def for_ever():
    await asyncio.Event().wait()


async def exits(after=0.0):
    await asyncio.sleep(after)
    sys.exit("gone")


def loop():
    return asyncio.get_running_loop()


def start(*coroutines):
    """Tasks that a job forgets, so that nobody asks what became of them."""
    kept.extend(asyncio.create_task(one) for one in coroutines)
    return kept[-len(coroutines) :]


kept = []
RAN = []


# --- jobs, by what they do; each fails, or is done ---------------------------------------------------

FAIL, DONE = {}, {}


def fails(exception, text=None):
    return lambda function: FAIL.setdefault(function.__name__, (function, exception, text))[0]


def done(function):
    return DONE.setdefault(function.__name__, function)


@fails("SystemExit")
async def exits_in_a_task():
    start(exits())
    await for_ever()


@fails("SystemExit")
async def exits_in_a_task_that_it_awaits():
    await asyncio.create_task(exits())


@fails("SystemExit")
async def exits_in_a_task_of_a_task():
    async def inner():
        start(exits())
        await for_ever()

    start(inner())
    await for_ever()


@fails("SystemExit")
async def exits_in_a_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(exits())
        group.create_task(for_ever())


@fails("Interrupt")
async def interrupts_in_a_task():
    async def inner():
        raise KeyboardInterrupt

    start(inner())
    await for_ever()


@fails("SystemExit")
async def exits_in_a_callback():
    loop().call_soon(sys.exit, "gone")
    await for_ever()


@fails("SystemExit")
async def exits_in_a_later_callback():
    loop().call_later(0.001, sys.exit, "gone")
    await for_ever()


@fails("SystemExit")
async def exits_when_a_future_is_done():
    future = loop().create_future()
    future.add_done_callback(raising(SystemExit("gone")))
    future.set_result(1)
    await for_ever()


@fails("SystemExit")
async def exits_in_a_thread_s_callback():
    await asyncio.to_thread(lambda: running.call_soon_threadsafe(sys.exit, "gone"))
    await for_ever()


@fails("SystemExit")
async def passes_the_end_over_that_an_exit_brings():
    start(exits())
    with contextlib.suppress(asyncio.CancelledError):
        await for_ever()


@fails("RuntimeError", "stopping the event loop")
async def stops_the_loop():
    loop().stop()


@fails("RuntimeError", "stopping the event loop")
async def stops_the_loop_and_passes_over_that_it_may_not():
    with contextlib.suppress(RuntimeError):
        loop().stop()
    await for_ever()


@fails("RuntimeError", "stopping the event loop")
async def stops_the_loop_later():
    loop().call_later(0.001, loop().stop)
    await for_ever()


@fails("RuntimeError", "stopping the event loop")
async def stops_the_loop_in_a_task():
    async def inner():
        loop().stop()

    start(inner())
    await for_ever()


@fails("RuntimeError", "Cannot close a running event loop")
async def closes_the_loop():
    loop().close()


@fails("RuntimeError", "already running")
async def runs_the_loop():
    coroutine = asyncio.sleep(0)
    try:
        loop().run_until_complete(coroutine)
    finally:
        coroutine.close()


@fails("RuntimeError", "ending the threads")
async def ends_the_threads():
    await loop().shutdown_default_executor()


@fails("RuntimeError", "closing the generators")
async def closes_the_generators():
    await loop().shutdown_asyncgens()


@fails("RuntimeError", "the tasks of its worker")
async def cancels_all():
    for task in asyncio.all_tasks():
        task.cancel()
    await for_ever()


@fails("RuntimeError", "the tasks of its worker")
async def cancels_all_in_a_task():
    async def inner():
        for task in asyncio.all_tasks():
            task.cancel()

    start(inner())
    await for_ever()


@fails("RuntimeError", "the tasks of its worker")
async def cancels_all_others_and_waits_for_them():
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        with contextlib.suppress(RuntimeError):
            task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@fails("asyncio.exceptions.CancelledError")
async def cancels_itself():
    asyncio.current_task().cancel()
    await for_ever()


@fails("asyncio.exceptions.CancelledError")
async def cancels_itself_and_returns():
    asyncio.current_task().cancel()


@fails("ZeroDivisionError")
async def fails_with_a_cancellation_that_is_still_to_come():
    asyncio.current_task().cancel()
    raise ZeroDivisionError


@fails("RuntimeError", "coroutine raised StopIteration")
async def stops_iterating():
    raise StopIteration


@done
async def sets_a_handler_that_exits():
    loop().set_exception_handler(raising(SystemExit()))
    loop().call_soon(raising(ValueError("nobody waits for this")))
    await asyncio.sleep(0.01)
    loop().set_exception_handler(None)


@done
async def sets_a_task_factory_that_raises():
    loop().set_task_factory(raising(ValueError()))
    await asyncio.sleep(0.01)
    loop().set_task_factory(None)


@done
async def sets_the_debug_mode():
    loop().set_debug(True)
    await asyncio.sleep(0.01)
    loop().set_debug(False)


@done
async def cancels_its_own_tasks():
    own = start(for_ever(), for_ever())
    await asyncio.sleep(0)
    for task in own:
        task.cancel()
    await asyncio.wait(own)
    assert all(task.cancelled() for task in own)


@done
async def uses_timeouts_and_groups():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.001):
            await for_ever()
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0.001))
    await asyncio.wait_for(asyncio.to_thread(lambda: None), 60)


@done
async def goes_past_what_we_know_of_the_loop():
    asyncio.BaseEventLoop.stop(loop())
    await asyncio.sleep(0)


# --- the loop, and neighbours ----------------------------------------------------------------------


async def neighbour():
    """A job with tasks of its own."""

    async def inner():
        await asyncio.sleep(0.05)
        return 1

    one = asyncio.create_task(inner())
    assert await asyncio.gather(one, inner(), asyncio.shield(inner())) == [1, 1, 1]
    RAN.append("neighbour")


def reserved(function, **options):
    registry = Registry(WorkerHooks())
    members = {"perform": staticmethod(function), **options}
    job(name="J", registry=registry)(type("J", (), members))
    return ReservedJob.of("q", Payload.parse(json.dumps({"class": "J", "args": []}).encode()), registry)


running = None


def outcomes(*functions, grace=0.3, limit=None, **options):
    """What becomes of jobs that run side by side: (name, text) of each error, None where it is done."""
    global running
    RAN.clear()

    async def all_of_them():
        runs = [AsyncJob(reserved(function, **options), limit, grace) for function in functions]
        tasks = [SharedTask(run.outcome(), loop()) for run in runs]
        errors = []
        for task in tasks:  # a task each time, as a worker does it
            errors.append(await task)
        return errors, runs

    running = SharedLoop()
    try:
        return running.run_to_end(all_of_them())
    finally:
        running.close()
        kept.clear()
        gc.collect()  # asyncio tells of tasks when they are thrown away: let it be here


@pytest.mark.parametrize("name", FAIL)
def test_a_job_that_fails_by_what_it_does(name):
    """That job only; its neighbours, begun before and behind it, are done."""
    function, exception, text = FAIL[name]
    errors, _ = outcomes(neighbour, function, neighbour)
    assert [errors[0], errors[2], RAN] == [None, None, ["neighbour"] * 2]
    assert error_name(errors[1]) == exception
    assert (text or "") in error_message(errors[1])


@pytest.mark.parametrize("name", DONE)
def test_a_job_that_is_done_in_spite_of_what_it_does(name):
    """Harm is neither done nor seen."""
    errors, _ = outcomes(neighbour, DONE[name], neighbour)
    assert (errors, RAN) == ([None] * 3, ["neighbour"] * 2)


def test_all_at_once():
    """Each of them answers for itself."""
    functions = {name: function for name, (function, _, _) in FAIL.items()} | DONE
    errors, _ = outcomes(*functions.values(), *[neighbour] * 5)
    for name, error in zip(functions, errors, strict=False):
        assert (None if error is None else error_name(error)) == (FAIL[name][1] if name in FAIL else None), (
            name
        )
    assert RAN == ["neighbour"] * 5


@pytest.mark.parametrize("make", EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_anything_raised_in_a_task_or_callback(make):
    """It fails the job if asyncio lets it out of the loop; else asyncio tells of it."""

    async def job_of_it():
        async def inner():
            raise make()

        start(inner())
        loop().call_soon(raising(make()))
        await asyncio.sleep(0.005)

    errors, _ = outcomes(neighbour, job_of_it, neighbour)
    let_out = issubclass(type(make()), (SystemExit, KeyboardInterrupt))
    assert errors[0] is errors[2] is None
    assert (errors[1] is not None) == let_out


def test_the_line_is_told():
    """Of an exit in a task, and of a deed that a job has no right to."""
    errors, _ = outcomes(exits_in_a_task, stops_the_loop, cancels_all)
    lines = [backtrace_lines(error) for error in errors]
    assert [found[0].split(":in ")[1] for found in lines] == ["`exits'", "`stops_the_loop'", "`cancels_all'"]


def test_what_a_job_leaves_behind_is_told_with_its_name(caplog):
    """When it exits after its job is over, nobody fails."""

    async def leaves_something():
        start(exits(0.02))

    errors, _ = outcomes(leaves_something, neighbour)
    assert errors == [None, None]
    told = [one.getMessage() for one in caplog.records if one.name == "pyresque.worker"]
    assert told == ["J() on q has left something behind that raised gone"]


def test_hooks_run_to_their_end():
    """on_failure is not hit by a cancellation that was meant for the job."""
    seen = []

    async def on_failure(error):
        await asyncio.sleep(0.01)
        seen.append(error_name(error))

    for name in ("exits_in_a_task", "cancels_all", "fails_with_a_cancellation_that_is_still_to_come"):
        errors, _ = outcomes(FAIL[name][0], on_failure=staticmethod(on_failure))
        assert seen.pop() == error_name(errors[0]) == FAIL[name][1]


def test_a_shared_task_of_two_jobs():
    """A job may end another's task that it waits for: by its own timeout."""
    shared = []

    async def owner():
        shared.append(asyncio.create_task(for_ever()))
        with contextlib.suppress(asyncio.CancelledError):
            await shared[0]

    async def other():
        while not shared:
            await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await shared[0]

    assert outcomes(owner, other)[0] == [None, None]


def test_a_timeout_ends_what_waits_for_anything():
    """Also an object of the user's that answers to every name, or a thread that does not end."""

    class Waits(Everything):
        def __await__(self):
            return self

        def __iter__(self):
            return self

        def __next__(self):
            return None

    async def waits():
        await Waits()

    errors, [run] = outcomes(waits, limit=0.02)
    assert "timeout" in error_message(errors[0])
    assert run.stack[-1].endswith("in `waits'")


def test_a_worker_that_leaves_stops_a_job():
    """As before: TermException, raised where the job waits."""
    seen = []

    async def waits():
        try:
            await for_ever()
        except asyncio.CancelledError:
            seen.append("told")
            raise

    async def main():
        run = AsyncJob(reserved(waits), None, 1)
        task = SharedTask(run.outcome(), loop())
        await asyncio.sleep(0.01)
        run.stop()
        return await task, run.was_stopped

    shared = SharedLoop()
    error, was_stopped = shared.run_to_end(main())
    shared.close()
    assert (type(error), was_stopped, seen) == (TermException, True, ["told"])


def test_a_loop_that_is_broken_is_given_up():
    """What comes out of it again and again, and is not a job's, ends it at last."""
    shared = SharedLoop()
    shared._selector.select = raising(OSError(9, "Bad file descriptor"))  # type: ignore[attr-defined]
    logging.disable(logging.CRITICAL)
    try:
        with pytest.raises(OSError, match="Bad file"):
            shared.run_to_end(for_ever())
    finally:
        logging.disable(logging.NOTSET)
        del shared._selector.select  # type: ignore[attr-defined]
        shared.close()


def test_a_thread_stops_the_loop():
    """It has no context that tells whose it is; the loop goes on all the same."""

    async def stops():
        thread = threading.Thread(target=lambda: running.call_soon_threadsafe(running.stop))
        thread.start()
        await asyncio.sleep(0.02)
        thread.join()

    assert outcomes(stops, neighbour)[0] == [None, None]


async def cancels_all_in_no_context():
    contextvars.Context().run(lambda: [task.cancel() for task in asyncio.all_tasks()])
    await asyncio.sleep(0.2)


async def cancels_all_from_a_thread():
    tasks = asyncio.all_tasks()

    def cancel_each():
        for task in tasks:
            running.call_soon_threadsafe(task.cancel)
            time.sleep(0.002)  # so that the loop comes in between

    thread = threading.Thread(target=cancel_each)
    thread.start()
    await asyncio.sleep(0.2)
    thread.join()


async def cancels_all_others_from_a_thread_of_its_own():
    others = asyncio.all_tasks() - {asyncio.current_task()}

    def cancel_each():
        for task in others:
            running.call_soon_threadsafe(task.cancel)
            time.sleep(0.002)

    await asyncio.to_thread(cancel_each)
    await asyncio.sleep(0.2)


@pytest.mark.parametrize("cancels", [cancels_all_in_no_context, cancels_all_from_a_thread])
def test_all_is_cancelled_and_nobody_knows_for_which_job(cancels):
    """The worker goes on, and so does every job."""
    assert outcomes(slow_neighbour, cancels, slow_neighbour)[0] == [None, None, None]


def test_all_others_are_cancelled_from_a_thread():
    """Of one whose context tells whose it is: that job fails, and its neighbours go on."""
    errors, _ = outcomes(slow_neighbour, cancels_all_others_from_a_thread_of_its_own, slow_neighbour)
    assert [errors[0], errors[2]] == [None, None]
    assert "the tasks of its worker" in error_message(errors[1])


async def slow_neighbour():
    for _ in range(15):
        await asyncio.sleep(0.02)


def test_a_thread_cancels_the_job_that_has_started_it():
    """That alone is its right."""

    async def is_cancelled():
        own = asyncio.current_task()
        threading.Thread(target=lambda: running.call_soon_threadsafe(own.cancel)).start()
        await for_ever()

    async def has_a_task_without_a_context():
        task = asyncio.create_task(for_ever(), context=contextvars.Context())
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    errors, _ = outcomes(is_cancelled, has_a_task_without_a_context, slow_neighbour)
    assert [error_name(errors[0]), *errors[1:]] == ["asyncio.exceptions.CancelledError", None, None]


def test_a_job_that_cannot_be_looked_at_is_left(caplog):
    """An async worker takes `async def` jobs only, and must ask for the function."""

    class Job:
        name = "Odd"

        @property
        def perform(self):
            raise SystemExit("no")

    registry = Registry(WorkerHooks())
    registry._by_name["Odd"] = Job()
    assert async_jobs(registry).names() == ()
    assert "Odd cannot be run: no" in caplog.text
