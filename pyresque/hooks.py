"""Hooks, as Ruby Resque has them (docs/protocol/core.md#job-hooks): all of them are listed here.

Job hooks are methods of the job class, or of its plugins, whose names begin with the name of the hook:
`before_perform`, `before_perform_check_disk`. They run in the order of their names. Beware: **any** method
whose name begins with `always` is an always hook. They get the arguments as they are on the wire.

    before_enqueue ............ before it is put on its queue; one that returns False refuses it
    after_enqueue ............. when it is on its queue
    before_dequeue ............ before it is removed from its queue; one that returns False refuses that
    after_dequeue ............. when it was removed
    before_perform ............ before it runs; DontPerform: it does not run, and is not a failure
    around_perform ............ about its run (below)
    after_perform ............. when it is done
    on_failure ................ when it has failed, with the error before the arguments
    always .................... at the end, however it ended

and, of resque-scheduler:

    before_schedule ........... before it is delayed; one that returns False refuses it
    after_schedule ............ when it is delayed
    before_delayed_enqueue .... before a delayed job that is due is put on its queue
    before_recurring .......... before an entry of the schedule is run; one that returns False leaves that out
    after_recurring ........... when it was run

An around_perform hook is a generator function that yields where the job is to run:

    def around_perform_timing(*args):
        started = time.monotonic()
        yield
        print(time.monotonic() - started)

or takes, behind the arguments, a function that runs the job (an `async def` hook awaits it). If it never
yields (or calls), the job is skipped.

Worker hooks are functions with a decorator of this module; for `async def` a loop is run:

    from pyresque import hooks

    @hooks.before_fork
    def close_pools(job): ...

    before_first_fork ......... once in the worker, before it registers
    before_fork ............... in the worker before each fork, with the job
    after_fork ................ in the process of a job after the fork, with the job
    before_job, after_job ..... about each job of every class, in the process that runs it, with the job
    queue_empty ............... when the worker becomes idle
    before_pause, after_pause . when it is paused, and goes on, with the worker
    shutdown .................. when it is told to stop
    worker_exit ............... when it has left
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from pyresque.log import Log
from pyresque.usercode.calling import Hook as Hook
from pyresque.usercode.calling import call as call
from pyresque.usercode.calling import call_around as call_around
from pyresque.usercode.calling import raise_again
from pyresque.usercode.guards import application_code
from pyresque.usercode.safely import text_of, tried

logger = Log("pyresque.worker")

_F = TypeVar("_F", bound=Hook)

JOB_HOOKS = (
    "before_enqueue", "after_enqueue", "before_dequeue", "after_dequeue",
    "before_perform", "around_perform", "after_perform", "on_failure", "always",
)  # fmt: skip
"""Those of Resque."""

SCHEDULE_HOOKS = (
    "before_schedule", "after_schedule", "before_delayed_enqueue", "before_recurring", "after_recurring",
)  # fmt: skip
"""Those of resque-scheduler."""


def job_hooks(sources: Sequence[object], kind: str) -> list[Hook]:
    """The hooks of one kind that these objects (a job class, plugins) have, ordered by name.

    An object with a method `hooks` has only the hooks whose names that method returns; all, as in Ruby, where
    it returns None.
    """
    hooks: dict[str, Hook] = {}
    for source in sources:
        listed = getattr(source, "hooks", None)
        names = listed() if callable(listed) else None
        for name in dir(source) if names is None or names is False else map(text_of, names):
            hook = getattr(source, name, None) if name.startswith(kind) else None
            if callable(hook):
                hooks[f"{name} {len(hooks)}" if name in hooks else name] = hook
    return [hooks[name] for name in sorted(hooks, key=lambda name: name.encode("utf-8", "replace"))]


class WorkerHooks:
    """Functions to be called at moments of a worker's life, in the order of their registration."""

    KINDS = (
        "before_first_fork", "before_fork", "after_fork", "before_job", "after_job", "queue_empty",
        "before_pause", "after_pause", "shutdown", "worker_exit",
    )  # fmt: skip

    def __init__(self) -> None:
        self._hooks: dict[str, list[Hook]] = {kind: [] for kind in self.KINDS}
        self.about_jobs = False
        """Whether there is one that is called before or after each job."""

    def add(self, kind: str, hook: Hook) -> None:
        """Register one more function for a moment."""
        self._hooks[kind].append(hook)
        self.about_jobs = self.about_jobs or kind in ("before_job", "after_job")

    def run(self, kind: str, *args: Any) -> None:
        """Call the functions of a moment; the first exception ends it and is raised."""
        for hook in self._hooks[kind]:
            with application_code():
                call(hook, *args)

    def run_or_end(self, kind: str, *args: Any) -> None:
        """The same, for moments at which an exception ends the worker: that is logged."""
        _, error = tried(self.run, kind, *args)
        if error is not None:
            logger.exception("a %s hook failed, so the worker ends: %s", kind, error, exc_info=error)
            raise error

    def leave(self, error: BaseException | None) -> None:
        """Call those of `worker_exit`, then raise what ends the worker, if anything does."""
        _, raised = tried(self.run_or_end, "worker_exit")
        raise_again(error if error is not None else raised)

    def run_safely(self, kind: str, *args: Any) -> None:
        """The same, for moments at which an exception must stop nothing: it is logged."""
        _, error = tried(self.run, kind, *args)
        if error is not None:
            logger.exception("a %s hook failed: %s", kind, error, exc_info=error)

    def of(self, kind: str) -> Sequence[Hook]:
        """The functions of a moment."""
        return self._hooks[kind]

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


def before_job(hook: _F) -> _F:
    """In the process that runs a job, before each job of every class, with the job.

    An exception fails the job, which then does not run; DontPerform: it does not run, and is not a failure.
    """
    return _register("before_job", hook)


def after_job(hook: _F) -> _F:
    """In the process that runs a job, after each job and all its hooks, with the job; an exception is logged.

    It runs however the job ended, unless its process is gone.
    """
    return _register("after_job", hook)


def queue_empty(hook: _F) -> _F:
    """In the worker when it becomes idle after having worked. Takes nothing; an exception ends the worker."""
    return _register("queue_empty", hook)


def before_pause(hook: _F) -> _F:
    """When USR2 pauses the worker, with the worker; an exception is logged."""
    return _register("before_pause", hook)


def after_pause(hook: _F) -> _F:
    """When CONT resumes the worker, with the worker; an exception is logged."""
    return _register("after_pause", hook)


def shutdown(hook: _F) -> _F:
    """When a signal tells the worker to stop. Takes nothing; an exception is logged."""
    return _register("shutdown", hook)


def worker_exit(hook: _F) -> _F:
    """After the worker has unregistered. Takes nothing; an exception is how the process ends."""
    return _register("worker_exit", hook)


def _register(kind: str, hook: _F) -> _F:
    worker_hooks.add(kind, hook)
    return hook
