"""What is said of the jobs when a worker starts: which can never run, are not checked, or are not taken."""

from __future__ import annotations

from pyresque.errors import ConfigError
from pyresque.log import Log
from pyresque.model.registry import Registry
from pyresque.usercode.safely import cut, tried

logger = Log("pyresque.worker")

_SHOWN = 1_000
"""Characters of a list of jobs that are shown."""


def check_jobs(registry: Registry, is_async: bool) -> None:
    """Look at all jobs, once in a process and those that it forks.

    Args:
        is_async: whether the worker takes `async def` jobs only.

    Raises:
        ConfigError: some can never run; the text gives the reasons.
    """
    if registry.is_checked:
        return
    never: list[str] = []
    for job in registry.jobs():
        # What the user's code raises when it is looked at it raises when the job runs, too.
        if not job.gets_objects:
            never += [f"{job.name}: {reason}" for reason in tried(job.parameters.never)[0] or ()]
        for unknown in tried(job.parameters.unknown)[0] or ():
            logger.warning("%s: %s; so that argument is not checked", job.name, unknown)
    if never:
        shown = cut("\n".join(f"  {reason}" for reason in never), 10 * _SHOWN)
        raise ConfigError(
            "these jobs could never run, for no argument fits. Give the parameter a default or another type, "
            f"or let a decorator with functools.wraps put it in:\n{shown}"
        )
    if is_async:
        _tell_left(registry)
    registry.is_checked = True


def _tell_left(registry: Registry) -> None:
    from pyresque.worker.aio.task import async_jobs  # asyncio is large

    known = registry.jobs()
    taken = {id(job) for job in async_jobs(registry).jobs()}
    left = sorted(job.name for job in known if id(job) not in taken)
    if left and taken:
        logger.warning(
            "left to workers without --async-concurrency, for they are not `async def`, or a decorator hides "
            "that (functools.wraps shows it): %s",
            cut(", ".join(left), _SHOWN),
        )
