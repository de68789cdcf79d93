"""One job on an event loop: a task that can be ended, and the registry of the jobs that can be run so."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import TYPE_CHECKING, Any

from pyresque.config.options import GRACE
from pyresque.errors import JobTimeout, JobTimeoutExit, TermException
from pyresque.log import Log
from pyresque.model.job_class import JobClass
from pyresque.model.perform import ReservedJob
from pyresque.model.registry import Registry
from pyresque.parameters.signatures import layers_of
from pyresque.usercode.interrupting import Interruptible
from pyresque.usercode.safely import either, is_a, trace_of, tried
from pyresque.worker.aio.shared_loop import SharedTask, running_job
from pyresque.worker.stop_notice import timeout_error

if TYPE_CHECKING:
    from pyresque.worker.tracking import TrackedJob

logger = Log("pyresque.worker")

_LIBRARY = str(Path(__file__).parents[2]) + os.sep


def async_jobs(registry: Registry) -> Registry:
    """The jobs that are `async def`, with the same worker hooks."""
    return registry.only(_is_async)


def _is_async(job: JobClass) -> bool:
    answer, error = tried(lambda: is_async(job.perform))
    if error is not None:  # to have the function, an object of the user's class is made
        logger.exception("%s cannot be run: %s", job.name, error, exc_info=error)
    return bool(answer)


def is_async(function: Any) -> bool:
    """Whether it can run on an event loop that others use too: `async def`, perhaps behind decorators."""
    layers = layers_of(function)
    return inspect.iscoroutinefunction(layers[-1]) and not any(map(_has_own_loop, layers[:-1]))


def _has_own_loop(function: Any) -> bool:
    """Whether a decorator runs an event loop, as `asyncio.run` does: on another one that cannot be."""
    code = getattr(function, "__code__", None)
    return code is not None and not {"run", "run_until_complete", "Runner"}.isdisjoint(code.co_names)


class AsyncJob:
    """A job that runs on the event loop, and answers for what it does there (shared_loop.Culprit).

    Args:
        limit: seconds that it may take; None: any time.
        grace: seconds that it may take to end once it has been stopped.
        timeout_grace: the same once its time is over.
        tracked: the same job with its status, if it is tracked.
    """

    def __init__(
        self,
        job: ReservedJob,
        limit: float | None,
        grace: float,
        timeout_grace: float = GRACE,
        tracked: TrackedJob | None = None,
    ) -> None:
        self.tracked = tracked
        self.job = job if tracked is None else tracked.job
        self._limit = limit
        self._graces = (timeout_grace, grace)
        self._coroutine = Interruptible(self._run())
        self._context = copy_context()
        self._context.run(running_job.set, self)
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._reason: BaseException | None = None
        self._seen: BaseException | None = None
        self._told = asyncio.Event()
        self._is_over = False
        self.overreached = False
        self.task_factory: Any = None
        self.exception_handler: Any = None
        self.stack: list[str] = []
        """Where the job stood when it was told to end, innermost first."""
        self.was_stopped = False
        """Whether `stop` has ended it."""

    @property
    def name(self) -> str:
        """The class name of the job."""
        return self.job.payload.job_class

    async def outcome(self) -> BaseException | None:
        """Run the job; returns the exception that failed it, None if it is done."""
        if self._reason is not None:
            self.was_stopped = True
            self._coroutine.close()
            return self._reason
        if self.tracked is not None:
            self._context.run(self.tracked.begin)
        self._task = task = SharedTask(self._coroutine, asyncio.get_running_loop(), self._context)
        await self._wait(task)
        self._is_over = True
        reason = self._reason
        if not task.done():
            logger.error("%s did not end though it was cancelled; it is dropped where it waits", self.job)
            reason = self._reason = self._dropped(task)
        error = self._error if task.done() else reason
        if error is None and task.cancelled():
            error = either(reason, asyncio.CancelledError())
        if error is None and not is_a(reason, TermException) and not is_a(reason, JobTimeout):
            error = reason  # what a job has done to its worker is not undone by its end
        if error is not reason or (reason is not None and trace_of(reason) is not None):
            self.stack = []
        self.was_stopped = error is reason and is_a(reason, TermException)
        return error

    def _dropped(self, task: asyncio.Task[None]) -> BaseException | None:
        self._coroutine.drop()
        tried(self._context.copy().run, task.cancel)
        if not is_a(self._reason, JobTimeout):
            return self._reason
        grace = f"nor {self._graces[0]:g} seconds after JobTimeout was raised in it"
        return JobTimeoutExit(f"{self._reason}, {grace}")

    async def _run(self) -> None:
        # Kept here: a task that is cancelled in its last moment has no result.
        self._error = await self.job.run_async(self._meaning)

    def stop(self) -> None:
        """The worker leaves, or somebody wants the job to end."""
        self._end(TermException("SIGTERM"))

    def overreach(self, error: BaseException) -> None:
        """The job has tried to do something to its worker."""
        self.overreached = True
        if asyncio.current_task() is not self._task:
            self.escaped(error)
            return
        # Raised here, it fails the job at this line, unless the job catches it.
        asyncio.get_running_loop().call_soon(self._insist, error)
        raise error

    def _insist(self, error: BaseException) -> None:
        if error is not self._seen:
            self._end(error)

    def escaped(self, error: BaseException) -> None:
        """An error has come up in the job, but not where it waits: it ends the job, if that still runs."""
        if self._is_over or (self._task is not None and self._task.done()):
            logger.exception("%s has left something behind that raised %s", self.job, error, exc_info=error)
        else:
            self._end(error)

    async def _wait(self, task: asyncio.Task[Any]) -> None:
        loop = asyncio.get_running_loop()
        told = SharedTask(self._told.wait(), loop)
        timer = loop.call_later(self._limit, self._time_out) if self._limit else None
        try:
            await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait({task}, timeout=self._graces[not is_a(self._reason, JobTimeout)])
        finally:
            told.cancel()
            if timer is not None:
                timer.cancel()

    def _time_out(self) -> None:
        self._end(timeout_error(self._limit or 0.0))

    def _end(self, reason: BaseException) -> None:
        if self._reason is not None or (self._task is not None and self._task.done()):
            return
        self._reason = reason
        self._told.set()
        if self._task is not None:
            self.stack = list(_stack(self._coroutine.inner))
            if is_a(reason, JobTimeout) or is_a(reason, TermException):
                self._coroutine.interrupt(reason)
            # As the job's own deed: it may wait for what only the worker has a right to cancel.
            _, error = tried(self._context.copy().run, self._task.cancel)
            if error is not None:
                logger.exception("%s cannot be cancelled: %s", self.job, error, exc_info=error)

    def _meaning(self, error: BaseException) -> BaseException:
        self._seen = error
        if is_a(error, asyncio.CancelledError) and self._reason is not None:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            return self._reason
        return error


def job_on_loop() -> ReservedJob | None:
    """The job to which the code that runs belongs; None: it is the worker's own."""
    running = running_job.get()
    return running.job if isinstance(running, AsyncJob) else None


_FRAMES: dict[type, tuple[str, str]] = {
    CoroutineType: ("cr_frame", "cr_await"),
    GeneratorType: ("gi_frame", "gi_yieldfrom"),
    AsyncGeneratorType: ("ag_frame", "ag_await"),
}
"""Where these keep their frame, and what they wait for."""


def _stack(awaited: Any) -> Iterator[str]:
    """Where a coroutine waits, and who awaits it: innermost first, without our own frames."""
    frames: list[FrameType] = []
    while type(awaited) in _FRAMES:  # an object of the user's may answer to any name
        its_frame, further = _FRAMES[type(awaited)]
        frames += [getattr(awaited, its_frame)]
        awaited = getattr(awaited, further)
    for frame in reversed([frame for frame in frames if frame is not None]):
        if not frame.f_code.co_filename.startswith(_LIBRARY):
            yield f"{frame.f_code.co_filename}:{frame.f_lineno}:in `{frame.f_code.co_name}'"
