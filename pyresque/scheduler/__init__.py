"""The scheduler: delayed and recurring jobs on the keys of Ruby's resque-scheduler."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyresque.schedule.cron import Cron
    from pyresque.schedule.every import Every
    from pyresque.scheduler.loop import Scheduler

__all__ = ["Cron", "Every", "Scheduler"]

# Each is imported when it is first asked for: a client that writes an entry needs no loop.
_HOMES = {"Cron": "schedule.cron", "Every": "schedule.every", "Scheduler": "scheduler.loop"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"pyresque.{home}"), name)
    return value
