"""The event loop of a process that runs jobs one after the other: the same one for each `async def` in it.

So what one of them has opened on it, and keeps in a module (a client, a pool of connections), works in the
next. What one leaves running ends with it, as with `asyncio.run`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

from pyresque.usercode.calling import raise_again
from pyresque.usercode.safely import either, tried
from pyresque.worker.aio.event_loop import EventLoop, Threads


class JobLoop:
    """Runs coroutines, one after the other.

    Args:
        keep_signals: as an EventLoop takes it.
    """

    def __init__(self, keep_signals: Callable[[], None] = lambda: None) -> None:
        self._keep_signals = keep_signals
        self._runner: asyncio.Runner | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine, and whatever it leaves, to the end."""
        if self._runner is None or self._runner.get_loop().is_closed():
            # With a factory the runner leaves alone what `asyncio.get_event_loop` gives to other jobs.
            self._runner = asyncio.Runner(loop_factory=partial(_new, self._keep_signals))
        runner, threads = self._runner, Threads(thread_name_prefix="asyncio")
        runner.get_loop().set_default_executor(threads)
        result, error = tried(partial(runner.run, coroutine, context=copy_context()))
        _, left = tried(runner.run, _tidy(threads))
        if left is not None:
            self.close()  # it is of no more use
            error = either(error, left)
        raise_again(error)
        return result

    def close(self) -> None:
        """There will be no more coroutines."""
        if self._runner is not None:
            tried(self._runner.close)
            self._runner = None


def _new(keep_signals: Callable[[], None] = lambda: None) -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    if type(loop) is not asyncio.SelectorEventLoop:
        return loop  # the application's policy wants another one
    loop.close()
    return EventLoop(keep_signals)


async def _tidy(threads: Threads) -> None:
    """End what a coroutine has left on the loop, as `asyncio.run` does; but the loop is used again."""
    loop = asyncio.get_running_loop()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled() and task.exception() is not None:
            message = "unhandled exception in what an async function has left running"
            loop.call_exception_handler({"message": message, "exception": task.exception(), "task": task})
    if isinstance(loop, EventLoop):
        await loop.close_generators()
    else:
        for _ in range(3):  # it closes those that nobody holds any more by itself, in its next turns
            await asyncio.sleep(0)
    if threads.used:
        with ThreadPoolExecutor(1) as waiting:
            await asyncio.wrap_future(waiting.submit(threads.shutdown))


def offer_loop() -> None:
    """Let `asyncio.get_event_loop` give a loop again, where a job has ended with `asyncio.run`."""
    policy: Any = getattr(asyncio.events, "_event_loop_policy", None)  # None: nobody has asked for a loop yet
    state = getattr(policy, "_local", None)
    if state is not None and state._loop is None and getattr(state, "_set_called", True):
        asyncio.set_event_loop(_new())
