"""The event loop that the jobs of an async worker share.

What a job does to it concerns that job alone: the loop goes on, with every other job. Each job has a context
of its own, which its tasks and callbacks inherit, so that it can be told who does a thing:

- SystemExit and KeyboardInterrupt, which asyncio lets out of the loop, fail the job that they came from;
- the loop is not stopped by a job, and the worker's own tasks are not cancelled by one, nor by those of whom
  nothing tells for which job they act (a thread, code in a context of its own);
- a job that tries that fails, and what it has cancelled of other jobs on its way goes on;
- a task factory or an exception handler that a job sets is for that job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, Protocol, TypeVar

from pyresque.log import Log
from pyresque.usercode.safely import trace_of, tried

logger = Log("pyresque.worker")

T = TypeVar("T")

MOST_STRANGE = 1_000
"""Errors in a row that come out of the loop from nowhere, until the loop is taken for broken."""

_RUN = asyncio.Handle._run.__code__


class Culprit(Protocol):
    """A job on the loop."""

    overreached: bool
    """Whether it has tried to do something to the worker's own tasks, or to the loop."""
    task_factory: Any
    exception_handler: Any
    """What it has set for its own tasks."""

    def overreach(self, error: BaseException) -> None:
        """It has just done so; raises the error if the job's own task is what runs."""

    def escaped(self, error: BaseException) -> None:
        """An error of one of its tasks or callbacks has come out of the loop."""


running_job: ContextVar[Culprit | None] = ContextVar("pyresque_job_on_loop", default=None)
"""The job to which the code that runs belongs; None: it is the worker's own."""


_of_worker: ContextVar[bool] = ContextVar("pyresque_worker_on_loop", default=False)
"""Whether the code that runs is the worker's own, or a job's: elsewhere nobody knows whose it is."""

MOMENT = 0.05
"""Seconds in which whoever cancels "all tasks" comes to one of the worker's."""


class SharedTask(asyncio.Task[T]):
    """A task of a job, or of the worker."""

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, T],
        loop: asyncio.AbstractEventLoop,
        context: Context | None = None,
        **named: Any,
    ) -> None:
        around = copy_context() if context is None else context
        self._job = around.get(running_job)
        self._is_worker_s = self._job is None and around.get(_of_worker, False)
        super().__init__(coroutine, loop=loop, context=context, **named)

    def cancel(self, msg: Any = None) -> bool:
        """Cancel it, unless a job or a stranger does that to the worker; whether it will be."""
        by = running_job.get()
        loop: Any = self.get_loop()
        is_known = by is not None or _of_worker.get()
        if self._is_worker_s and by is not None:
            by.overreach(RuntimeError("a job has no business cancelling the tasks of its worker"))
            return False
        if self._is_worker_s and not is_known:
            loop.all_cancelled_at = loop.time()
            return False
        if by is self._job or self._job is None or (by is None and is_known):
            return super().cancel(msg)
        # It may come with "all tasks", that is, in a moment those of the worker too.
        loop.call_later(MOMENT, self._cancel_unless_all, by, loop.time(), msg)
        return True

    def _cancel_unless_all(self, by: Culprit | None, since: float, msg: Any) -> None:
        loop: Any = self.get_loop()
        if not (by.overreached if by is not None else loop.all_cancelled_at >= since - MOMENT):
            super().cancel(msg)


class SharedLoop(asyncio.SelectorEventLoop):
    """An event loop that jobs cannot stop."""

    all_cancelled_at = float("-inf")
    """When a stranger has last tried to cancel one of the worker's tasks, by the clock of the loop."""
    _strange = 0

    def run_to_end(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the worker to its end, whatever comes out of the loop meanwhile."""
        token = _of_worker.set(True)
        try:
            task = SharedTask(main, self)
            while not task.done():
                _, error = tried(self.run_until_complete, task)
                if error is not None and not task.done():
                    self._came_out(error)
            return task.result()
        finally:
            _of_worker.reset(token)

    def _came_out(self, error: BaseException) -> None:
        job = _job_of(error)
        if job is not None:
            job.escaped(error)
            return
        self._strange += 1
        if self._strange > MOST_STRANGE:
            raise error
        logger.exception("a job has interrupted the event loop, which goes on: %s", error, exc_info=error)

    def create_task(self, coro: Any, *, name: Any = None, **named: Any) -> asyncio.Task[Any]:
        """Start a task: one of ours, unless its job has set a task factory."""
        factory: Any = self.get_task_factory()
        if factory is None:
            return SharedTask(coro, self, name=name, **named)
        task: asyncio.Task[Any] = factory(
            self, coro, **{key: named[key] for key in named if named[key] is not None}
        )
        if name is not None:
            task.set_name(name)
        return task

    def get_task_factory(self) -> Any:
        """What makes the tasks of the job that asks."""
        job = running_job.get()
        return super().get_task_factory() if job is None else job.task_factory

    def set_task_factory(self, factory: Any) -> None:
        """Set what makes the tasks of the job that sets it."""
        job = running_job.get()
        if job is None:
            super().set_task_factory(factory)
        else:
            job.task_factory = _callable(factory)

    def get_exception_handler(self) -> Any:
        """What is told of the errors of the job that asks."""
        job = running_job.get()
        return super().get_exception_handler() if job is None else job.exception_handler

    def set_exception_handler(self, handler: Any) -> None:
        """Set what is told of errors that nobody waits for, of the job that sets it."""
        job = running_job.get()
        if job is None:
            super().set_exception_handler(handler)
        else:
            job.exception_handler = _callable(handler)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tell of an error that nobody waits for: the handler of the job that it is of, else the log."""
        task, handle = context.get("task", context.get("future")), context.get("handle")
        job = task._job if isinstance(task, SharedTask) else job_in(handle) if handle else running_job.get()
        if job is not None and job.exception_handler is not None:
            _, error = tried(job.exception_handler, self, context)
        else:
            _, error = tried(super().call_exception_handler, context)
        if error is not None:
            logger.exception("the exception handler of the event loop failed: %s", error, exc_info=error)

    def stop(self) -> None:
        """Stop the loop; not for jobs."""
        _refuse("stopping the event loop that it shares with others")
        super().stop()

    async def shutdown_asyncgens(self) -> None:
        """Close every generator; not for jobs."""
        _refuse("closing the generators of all jobs")
        await super().shutdown_asyncgens()

    async def shutdown_default_executor(self, *args: Any) -> None:
        """End the threads of `asyncio.to_thread`; not for jobs."""
        _refuse("ending the threads of all jobs")
        await super().shutdown_default_executor(*args)


def _callable(function: Any) -> Any:
    if function is not None and not callable(function):
        raise TypeError(f"a callable or None is needed, not {function!r}")  # as in asyncio
    return function


def _refuse(what: str) -> None:
    job = running_job.get()
    if job is not None:
        error = RuntimeError(f"a job has no business {what}")
        job.overreach(error)
        raise error


def _job_of(error: BaseException) -> Culprit | None:
    """The job in whose context the loop has run what raised this."""
    trace = trace_of(error)
    while trace is not None and trace.tb_frame.f_code is not _RUN:
        trace = trace.tb_next
    if trace is None:
        return None
    return job_in(trace.tb_frame.f_locals.get("self"))


def job_in(handle: Any) -> Culprit | None:
    """The job in whose context a callback runs."""
    context: Context = handle._context
    return context.get(running_job)
