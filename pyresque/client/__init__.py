"""What one calls on a Resque: enqueueing, delaying, scheduling, looking, acting.

The classes that looking gives are here by their names, for annotations.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pyresque.client.resque import Resque

if TYPE_CHECKING:
    from pyresque.client.delayed_item import DelayedItem
    from pyresque.client.delayed_selection import DelayedSelection
    from pyresque.client.failure_selection import FailureSelection
    from pyresque.client.fleet import Fleet
    from pyresque.client.found_jobs import FoundJobs
    from pyresque.client.health import Health, Problem
    from pyresque.client.keyspace import KeysPage, KeyValue
    from pyresque.client.looking import Groups, Look
    from pyresque.client.pausing import PausedQueues
    from pyresque.client.queued_jobs import JobSelection, QueuedJob
    from pyresque.client.selection import ActionResult, Group
    from pyresque.client.unknown_classes import WaitingClass, waiting_classes

__all__ = [
    "ActionResult",
    "DelayedItem",
    "DelayedSelection",
    "FailureSelection",
    "Fleet",
    "FoundJobs",
    "Group",
    "Groups",
    "Health",
    "JobSelection",
    "KeyValue",
    "KeysPage",
    "Look",
    "PausedQueues",
    "Problem",
    "QueuedJob",
    "Resque",
    "WaitingClass",
    "waiting_classes",
]

# Who only enqueues does not wait for what looks.
_HOMES = {
    "ActionResult": "selection",
    "DelayedItem": "delayed_item",
    "DelayedSelection": "delayed_selection",
    "FailureSelection": "failure_selection",
    "Fleet": "fleet",
    "FoundJobs": "found_jobs",
    "Group": "selection",
    "Groups": "looking",
    "Health": "health",
    "JobSelection": "queued_jobs",
    "KeyValue": "keyspace",
    "KeysPage": "keyspace",
    "Look": "looking",
    "PausedQueues": "pausing",
    "Problem": "health",
    "QueuedJob": "queued_jobs",
    "WaitingClass": "unknown_classes",
    "waiting_classes": "unknown_classes",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
