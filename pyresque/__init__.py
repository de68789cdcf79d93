"""Python workers and clients on the Redis keys of Ruby Resque."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pyresque._version import __version__

if TYPE_CHECKING:
    from pyresque.client.async_resque import AsyncResque
    from pyresque.client.info import WorkerInfo
    from pyresque.client.job_handle import JobHandle
    from pyresque.client.resque import Resque
    from pyresque.errors import DontPerform, JobTimeout, ResqueError
    from pyresque.model.registry import job
    from pyresque.plugins.retry import Retry
    from pyresque.scheduler.loop import Scheduler
    from pyresque.worker import Worker

__all__ = [
    "AsyncResque",
    "DontPerform",
    "JobHandle",
    "JobTimeout",
    "Resque",
    "ResqueError",
    "Retry",
    "Scheduler",
    "Worker",
    "WorkerInfo",
    "__version__",
    "job",
]

# Each name is imported when it is first asked for: `pyresque --help` and a module that only needs
# `job` do not wait for redis-py.
_HOMES = {
    "AsyncResque": "pyresque.client.async_resque",
    "DontPerform": "pyresque.errors",
    "JobHandle": "pyresque.client.job_handle",
    "JobTimeout": "pyresque.errors",
    "Resque": "pyresque.client.resque",
    "ResqueError": "pyresque.errors",
    "Retry": "pyresque.plugins.retry",
    "Scheduler": "pyresque.scheduler.loop",
    "Worker": "pyresque.worker",
    "WorkerInfo": "pyresque.client.info",
    "job": "pyresque.model.registry",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
