"""Hooks, as Ruby Resque has them (core.md section 13).

Job hooks are methods of the job class whose names begin with the name of the hook: `before_perform`,
`before_perform_check_disk`. They run in the order of their names. Beware: **any** method whose name
begins with `always` is an always hook.

Worker hooks are functions with a decorator of this module:

    from pyresque import hooks

    @hooks.before_fork
    def close_pools(job): ...

An around_perform hook is a generator function that yields where the job is to run:

    def around_perform_timing(*args):
        started = time.monotonic()
        yield
        print(time.monotonic() - started)

or takes, behind the arguments, a function that runs the job (an `async def` hook awaits it). If it never
yields (or calls), the job is skipped.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

from pyresque.usercode import application_code, one_process

Hook = Callable[..., Any]
_F = TypeVar("_F", bound=Hook)

JOB_HOOKS = (
    "before_enqueue", "after_enqueue", "before_dequeue", "after_dequeue",
    "before_perform", "around_perform", "after_perform", "on_failure", "always",
)  # fmt: skip


def job_hooks(sources: Sequence[object], kind: str) -> list[Hook]:
    """The hooks of one kind that these objects (a job class, plugins) have, ordered by name.

    An object with a method `hooks` has only the hooks whose names that method returns.
    """
    found: dict[str, Hook] = {}
    for source in sources:
        names = dir(source)
        listed = getattr(source, "hooks", None)
        if callable(listed):
            names = [str(name) for name in listed()]
        for name in names:
            hook = getattr(source, name, None) if name.startswith(kind) else None
            if callable(hook):
                found[f"{name} {len(found)}" if name in found else name] = hook
    return [found[name] for name in sorted(found, key=lambda name: name.encode())]


def call(hook: Hook, *args: Any) -> Any:
    """Call a function; what an `async def` returns is run to its end."""
    result = hook(*args)
    if not hasattr(result, "__await__"):
        return result
    import asyncio  # large: only those who use it pay for it, at every fork

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_awaited(result))
    # An async around hook has called for the rest of an async job: that gets a loop of its own.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _awaited(result)).result()


async def _awaited(result: Any) -> Any:
    with one_process():  # a copy of the process must not take down the loop either, for it shares its files
        return await result


def call_around(hook: Hook, args: Sequence[Any], inner: Callable[[], object]) -> None:
    """Call one around_perform hook about the rest of the job."""
    if not inspect.isgeneratorfunction(inspect.unwrap(hook)):
        call(hook, *args, inner)
        return
    with _Yielding(hook, args) as runs:
        if runs:
            inner()


async def call_around_async(
    hook: Hook, args: Sequence[Any], inner: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """The same on an event loop: an `async def` hook has to await the function that runs the job.

    A plain hook that takes that function, and expects the job to be over when it returns, gets a thread.
    """
    function = inspect.unwrap(hook)
    if inspect.isgeneratorfunction(function):
        with _Yielding(hook, args) as runs:
            if runs:
                await inner()
    elif inspect.iscoroutinefunction(function):
        await hook(*args, inner)
    else:
        await _in_thread(hook, args, inner)


async def _in_thread(hook: Hook, args: Sequence[Any], inner: Callable[[], Coroutine[Any, Any, None]]) -> None:
    import asyncio

    loop, running = asyncio.get_running_loop(), []

    def run() -> None:
        running.append(asyncio.run_coroutine_threadsafe(_error_of(inner), loop))
        _raise(running[-1].result())

    def in_thread() -> BaseException | None:
        try:
            with one_process():
                hook(*args, run)
        except BaseException as error:
            return error
        return None

    try:
        _raise(await asyncio.to_thread(in_thread))
    except asyncio.CancelledError:
        for one in running:
            one.cancel()
        raise


async def _error_of(inner: Callable[[], Coroutine[Any, Any, None]]) -> BaseException | None:
    # As a value: raised from a task, a SystemExit would end the whole loop.
    try:
        await inner()
    except BaseException as error:
        return error
    return None


def _raise(error: BaseException | None) -> None:
    if error is not None:
        raise error


class _Yielding:
    """An around_perform hook that yields where the job runs; it may let pass what the job raises."""

    def __init__(self, hook: Hook, args: Sequence[Any]) -> None:
        self._generator: Iterator[None] = hook(*args)
        self._name = hook.__name__

    def __enter__(self) -> bool:
        """Whether the job is to run."""
        self._runs = next(self._generator, _END) is not _END
        return self._runs

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is not None and self._runs:
            return not _throw(self._generator, error)
        if error is None and self._runs and next(self._generator, _END) is not _END:
            raise RuntimeError(f"{self._name} yields more than once")
        return False


_END: Any = object()


def _throw(generator: Any, error: BaseException) -> bool:
    """Raise the job's error at the hook's `yield`; True if the hook let it pass."""
    try:
        generator.throw(error)
    except StopIteration:
        return False
    except BaseException as raised:
        if raised is error:
            return True
        raise
    raise RuntimeError("an around_perform hook yields more than once")


class WorkerHooks:
    """Functions to be called at moments of a worker's life, in the order of their registration."""

    KINDS = (
        "before_first_fork", "before_fork", "after_fork", "queue_empty",
        "before_pause", "after_pause", "shutdown", "worker_exit",
    )  # fmt: skip

    def __init__(self) -> None:
        self._hooks: dict[str, list[Hook]] = {kind: [] for kind in self.KINDS}

    def add(self, kind: str, hook: Hook) -> None:
        """Register one more function for a moment."""
        self._hooks[kind].append(hook)

    def run(self, kind: str, *args: Any) -> None:
        """Call the functions of a moment; the first exception ends it and is raised."""
        for hook in self._hooks[kind]:
            with application_code():
                hook(*args)

    def has(self, kind: str) -> bool:
        """Whether any function is registered for a moment."""
        return bool(self._hooks[kind])


worker_hooks = WorkerHooks()
"""The hooks that the decorators below fill and that a Worker uses unless it is given others."""


def before_first_fork(hook: _F) -> _F:
    """Once in the worker, before it registers. Takes nothing; an exception ends the worker."""
    return _register("before_first_fork", hook)


def before_fork(hook: _F) -> _F:
    """In the worker before each fork, with the job. An exception fails the job and ends the worker."""
    return _register("before_fork", hook)


def after_fork(hook: _F) -> _F:
    """In the child after the fork, with the job. An exception fails the job."""
    return _register("after_fork", hook)


def queue_empty(hook: _F) -> _F:
    """In the worker when it becomes idle after having worked. Takes nothing."""
    return _register("queue_empty", hook)


def before_pause(hook: _F) -> _F:
    """When USR2 pauses the worker, with the worker."""
    return _register("before_pause", hook)


def after_pause(hook: _F) -> _F:
    """When CONT resumes the worker, with the worker."""
    return _register("after_pause", hook)


def shutdown(hook: _F) -> _F:
    """When a signal tells the worker to stop. Takes nothing."""
    return _register("shutdown", hook)


def worker_exit(hook: _F) -> _F:
    """After the worker has unregistered. Takes nothing."""
    return _register("worker_exit", hook)


def _register(kind: str, hook: _F) -> _F:
    worker_hooks.add(kind, hook)
    return hook
