"""How code of the user's is called: plain, `async def`, or around the rest of a job.

What it raises comes as it would if it were called by itself: none of ours is its context, it keeps its class,
its place and its cause. So no code of the user's runs inside an `except` or a `finally` here, and an error
that waits for something goes on as a value.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextvars import copy_context
from functools import partial
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from pyresque.errors import InvalidJob
from pyresque.usercode.guards import delivered_by, getpid, one_process
from pyresque.usercode.interrupting import Interruptible
from pyresque.usercode.safely import cause_of, class_has, context_of, is_a, set_context, text_of, tried

Hook = Callable[..., Any]
_MANAGERS = (contextlib._GeneratorContextManager, contextlib._AsyncGeneratorContextManager)


def call(hook: Hook, *args: Any) -> Any:
    """Call a function; what an `async def` returns is run to its end."""
    return awaited(hook(*args))


def awaited(result: Any) -> Any:
    """What a call has returned, run to its end where that is a coroutine."""
    if not is_awaitable(result):
        return result
    if not _is_on_a_loop():
        kept, pid = _kept
        is_main = threading.current_thread() is threading.main_thread()
        main = Interruptible(_await(result))
        with delivered_by(main.deliver):
            return kept(main) if kept is not None and pid == getpid() and is_main else _run(main)
    # An async around hook has called for the rest of an async job: that gets a loop of its own.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(copy_context().run, _run, _await(result)).result()


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on a loop of its own."""
    import asyncio

    # Not asyncio.run: after that, `asyncio.get_event_loop` would give none any more, to anybody.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(coroutine)


_kept: tuple[Callable[[Coroutine[Any, Any, Any]], Any] | None, int] = (None, 0)


def keep_loop(run: Callable[[Coroutine[Any, Any, Any]], Any] | None) -> None:
    """From now on this runs what is `async def`, in the main thread of this process."""
    global _kept
    _kept = (run, getpid())


def is_awaitable(result: object) -> bool:
    """Whether a function that was called has to be awaited still.

    Its type tells, as with `await` itself: an object may answer to every name that it is asked for.
    """
    if type(result) is GeneratorType:
        return bool(result.gi_code.co_flags & inspect.CO_ITERABLE_COROUTINE)
    return class_has(result, "__await__")


def check_ran(result: object) -> None:
    """Refuse what a job returned where that shows that nothing of it has run.

    A function with a `yield` in it, behind a decorator that hides that, only makes a generator.

    Raises:
        InvalidJob: it is such a generator.
    """
    if type(result) in _MANAGERS:
        result = vars(result).get("gen")
    if type(result) is GeneratorType:
        code, begun = result.gi_code, inspect.getgeneratorstate(result) != inspect.GEN_CREATED
    elif type(result) is AsyncGeneratorType:
        code, begun = result.ag_code, result.ag_frame is None
    else:
        return
    if not begun and code.co_name != "<genexpr>":
        raise InvalidJob(
            f"{code.co_name} yields, so calling it ran nothing of it: take the yield out ({code.co_filename}:"
            f"{code.co_firstlineno})"
        )


def _is_on_a_loop() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _await(result: Any) -> Any:
    with one_process():  # a copy of the process must not take down the loop either, for it shares its files
        return await result


def call_around(hook: Hook, args: Sequence[Any], inner: Callable[[], object]) -> None:
    """Call one around_perform hook about the rest of the job."""
    if not _yields(hook):
        call(hook, *args, inner)
        return
    around = _Yielding(hook, args)
    if around.begin():
        raise_again(around.end(tried(inner)[1]))


async def call_around_async(
    hook: Hook, args: Sequence[Any], inner: Callable[[], Awaitable[BaseException | None]]
) -> BaseException | None:
    """The same on an event loop: an `async def` hook has to await the function that runs the job.

    A plain hook that takes that function, and expects the job to be over when it returns, gets a thread.

    Args:
        inner: runs the rest of the job.

    Returns:
        What was raised, as `inner` does: out of a coroutine a StopIteration would come as another error.
    """
    if _yields(hook):
        around, error = tried(_Yielding, hook, args)
        runs, error = tried(around.begin) if around is not None else (False, error)
        return around.end(await inner()) if around is not None and runs else error
    if not inspect.iscoroutinefunction(inspect.unwrap(hook)):
        return await _in_thread(hook, args, inner)

    async def run() -> None:
        raise_again(await inner())

    try:
        result = hook(*args, run)
        if is_awaitable(result):
            await result
    except BaseException as error:
        return error
    return None


def _yields(hook: Hook) -> bool:
    function = inspect.unwrap(hook)
    if inspect.isasyncgenfunction(function):
        raise TypeError(
            f"{_name(hook)} is an `async def` that yields: write a plain `def` that yields, or an "
            "`async def` that takes the job as its last argument and awaits it"
        )
    return inspect.isgeneratorfunction(function)


def _name(hook: Hook) -> str:
    return text_of(getattr(hook, "__name__", hook))


async def _in_thread(
    hook: Hook, args: Sequence[Any], inner: Callable[[], Awaitable[BaseException | None]]
) -> BaseException | None:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    loop, running = asyncio.get_running_loop(), []

    async def rest() -> BaseException | None:
        return await inner()

    def run() -> Over:
        running.append(asyncio.run_coroutine_threadsafe(rest(), loop))
        raise_again(running[-1].result())
        return OVER

    # A thread of its own: of those that asyncio has, the job that it waits for may need one.
    thread = ThreadPoolExecutor(1)
    try:
        context, work = copy_context(), partial(tried, call, hook, *args, run)
        _, error = await loop.run_in_executor(thread, lambda: context.run(work))
    except asyncio.CancelledError:
        for future in running:
            future.cancel()
        raise
    finally:
        thread.shutdown(wait=False)
    return error


class Over:
    """What an `async def` around hook may await where the job has been run already."""

    def __await__(self) -> Iterator[None]:
        return iter(())


OVER = Over()


def raise_again(error: BaseException | None) -> None:
    """Raise an error, if there is one, where its way up was interrupted.

    Where the user's code handles another one now, that stands behind what the error has come up in itself: as
    if it had come up right through.
    """
    if error is None:
        return
    before = context_of(error)
    try:
        raise error
    finally:
        _put_behind(error, before)


def _put_behind(error: BaseException, before: BaseException | None) -> None:
    """Make the context that an error has got after `before` the last in the chain of that."""
    after = context_of(error)
    if before is None or after is before:
        return
    set_context(error, before)
    last, seen = before, [error, before]
    while (context := context_of(last)) is not None:
        if any(context is known for known in seen):
            return
        seen.append(context)
        last = context
    if after is not None and not any(after is known for known in seen):
        set_context(last, after)


class _Yielding:
    """An around_perform hook that yields where the job runs; it may let pass what the job raises."""

    def __init__(self, hook: Hook, args: Sequence[Any]) -> None:
        self._name = _name(hook)
        self._generator: Any = hook(*args)

    def begin(self) -> bool:
        """Run it up to its `yield`; whether the job is to run."""
        return next(self._generator, _END) is not _END

    def end(self, error: BaseException | None) -> BaseException | None:
        """Run the rest of it, with what the job has raised; returns what is raised after that."""
        if error is not None:
            return self._thrown(error)
        yielded, raised = tried(next, self._generator, _END)
        return raised if yielded is _END or raised is not None else self._again()

    def _thrown(self, error: BaseException) -> BaseException | None:
        """Raise the job's error at the `yield`."""
        before = context_of(error)
        _, raised = tried(self._generator.throw, error)
        if raised is None:
            return self._again()
        if raised is error or _is_wrapped(error, raised):
            _put_behind(error, before)
            return error
        return None if is_a(raised, StopIteration) else raised

    def _again(self) -> RuntimeError:
        return RuntimeError(f"{self._name} yields more than once")


_END: Any = object()


def _is_wrapped(error: BaseException, raised: BaseException) -> bool:
    """Whether Python has raised this for a StopIteration that left a generator."""
    by_python = type(raised) is RuntimeError and raised.args == ("generator raised StopIteration",)
    return by_python and is_a(error, StopIteration) and cause_of(raised) is error
