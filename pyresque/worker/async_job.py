"""One job on an event loop: a task that can be ended, and the registry of the jobs that can be run so."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from pyresque.errors import DirtyExit, TermException
from pyresque.perform import ReservedJob
from pyresque.registry import Registry

logger = logging.getLogger("pyresque.worker")

_LIBRARY = str(Path(__file__).parents[1])


def async_jobs(registry: Registry) -> Registry:
    """The jobs that are `async def`, with the same worker hooks."""
    return registry.only(lambda job: inspect.iscoroutinefunction(job.perform))


class AsyncRun:
    """A job that runs on the event loop.

    Args:
        limit: seconds that it may take; None: any time.
        grace: seconds that it may take to end once it has been told to.
    """

    def __init__(self, job: ReservedJob, limit: float | None, grace: float) -> None:
        self._job = job
        self._limit = limit
        self._grace = grace
        self._task: asyncio.Task[BaseException | None] | None = None
        self._reason: BaseException | None = None
        self._told = asyncio.Event()
        self.stack: list[str] = []
        """Where the job stood when it was told to end, innermost first."""
        self.was_stopped = False
        """Whether `stop` has ended it."""

    @property
    def name(self) -> str:
        """The class name of the job."""
        return self._job.payload.job_class

    async def outcome(self) -> BaseException | None:
        """Run the job; returns the exception that failed it, None if it is done."""
        if self._reason is not None:
            self.was_stopped = True
            return self._reason
        self._task = task = asyncio.create_task(self._job.run_async(self._meaning))
        await self._wait(task)
        reason = self._reason
        if not task.done():
            logger.error("%s did not end though it was cancelled; it may run on unseen", self._job)
        error = task.result() if task.done() and not task.cancelled() else reason
        if error is None and isinstance(reason, DirtyExit):
            error = reason  # what ends with success in spite of it has succeeded, but not within its time
        if error is not reason:
            self.stack = []
        self.was_stopped = error is reason and isinstance(reason, TermException)
        return error

    def stop(self) -> None:
        """The worker leaves, or somebody wants the job to end."""
        self._end(TermException("SIGTERM"))

    async def _wait(self, task: asyncio.Task[Any]) -> None:
        loop, told = asyncio.get_running_loop(), asyncio.create_task(self._told.wait())
        timer = loop.call_later(self._limit, self._time_out) if self._limit else None
        try:
            await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait({task}, timeout=self._grace)
        finally:
            told.cancel()
            if timer is not None:
                timer.cancel()

    def _time_out(self) -> None:
        self._end(DirtyExit(f"Job did not end within its timeout of {self._limit:g} seconds"))

    def _end(self, reason: BaseException) -> None:
        if self._reason is not None or (self._task is not None and self._task.done()):
            return
        self._reason = reason
        self._told.set()
        if self._task is not None:
            self.stack = list(_stack(self._task.get_coro()))
            self._task.cancel()

    def _meaning(self, error: BaseException) -> BaseException:
        if isinstance(error, asyncio.CancelledError) and self._reason is not None:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            return self._reason
        return error


def _stack(awaited: Any) -> Iterator[str]:
    """Where a coroutine waits, and who awaits it: innermost first, without our own frames."""
    frames: list[FrameType] = []
    while awaited is not None:
        kind = next((kind for kind in ("cr", "gi", "ag") if hasattr(awaited, f"{kind}_frame")), None)
        if kind is None:
            break
        frame = getattr(awaited, f"{kind}_frame")
        frames += [frame] if frame is not None else []
        awaited = getattr(awaited, "gi_yieldfrom" if kind == "gi" else f"{kind}_await")
    for frame in reversed(frames):
        if not frame.f_code.co_filename.startswith(_LIBRARY):
            yield f"{frame.f_code.co_filename}:{frame.f_lineno}:in `{frame.f_code.co_name}'"
