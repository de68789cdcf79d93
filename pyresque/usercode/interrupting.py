"""What is raised in a job from outside, where that job is a coroutine that waits.

A coroutine is only ended in good order by its cancellation: TaskGroup, wait_for and the like then end what
they have begun. So that is what it gets; but what comes up in the job itself is JobTimeout or TermException,
which is a CancelledError as well.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from functools import cache
from typing import Any

from pyresque.usercode.safely import is_a


@cache
def _both(kind: Any) -> Any:
    import asyncio

    return type(kind.__name__, (kind, asyncio.CancelledError), {"__module__": kind.__module__})


class Interruptible(Coroutine[Any, Any, Any]):
    """The coroutine of a job, as its task has it."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.inner = coroutine
        self._reason: BaseException | None = None
        self._dropped = False
        self._task: Any = None
        self._events: Any = None

    def interrupt(self, reason: BaseException) -> None:
        """The next cancellation means this."""
        self._reason = reason

    def drop(self) -> None:
        """It goes on in spite of that: so it is to end with its next step, and never runs again.

        It is not closed either, now or when the program ends: that, too, would run code of the application.
        """
        import ctypes

        self._dropped = True
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.inner))

    def deliver(self, error: BaseException) -> bool:
        """For a signal handler in the thread of the loop: cancel the task because of this.

        Returns:
            Whether that is all. Where code of a task runs at this moment, it is to be raised there.
        """
        import asyncio

        task = self._task
        if task is None or task.done() or not is_a(error, Exception):
            return False
        running = asyncio.current_task(task.get_loop())
        if running is task:
            return False
        self.interrupt(error)
        task.get_loop().call_soon_threadsafe(task.cancel)
        return running is None

    def send(self, value: Any) -> Any:
        """Go on."""
        if self._task is None:
            import asyncio

            self._task, self._events = asyncio.current_task(), asyncio.events
        self._end_if_dropped()
        try:
            return self.inner.send(value)
        finally:
            self._keep_running()

    def throw(self, kind: Any, value: Any = None, _trace: Any = None) -> Any:
        """Go on with an error: the cancellation of the task, or what a future has ended with."""
        self._end_if_dropped()
        error = kind if value is None else value
        reason = self._reason
        if reason is not None and _is_cancellation(error):
            self._reason = None
            both: Any = type(reason)
            error = _both(both)(*reason.args)
            vars(error).update(vars(reason))
        try:
            return self.inner.throw(error)
        finally:
            self._keep_running()

    def _keep_running(self) -> None:
        """Its loop runs still, whatever the code has told asyncio."""
        if self._task is not None and self._events._get_running_loop() is not (loop := self._task.get_loop()):
            self._events._set_running_loop(loop)

    def _end_if_dropped(self) -> None:
        if self._dropped:
            import asyncio

            raise asyncio.CancelledError

    def close(self) -> None:
        """End it where it waits."""
        if not self._dropped:
            self.inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.inner.__await__()


def _is_cancellation(error: Any) -> bool:
    import asyncio

    kind = error if isinstance(error, type) else type(error)
    return issubclass(kind, asyncio.CancelledError)
