"""What may be asked for beside a job's arguments, by `enqueue(..., track=True)` or `@job(track=True)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyresque.errors import NotAJob
from pyresque.model.job_class import JobClass

NAMES = frozenset(("track", "at_front"))
"""The keywords of `enqueue` that say so; a job that has a parameter of that name gets it as an argument."""


@dataclass(frozen=True)
class EnqueueOptions:
    """How one job is enqueued.

    Args:
        track: whether it gets an id, under which its status and result are kept.
        at_front: whether it goes to the head of its queue.
    """

    track: bool = False
    at_front: bool = False


def options_of(
    job: JobClass | None, kwargs: Mapping[str, Any]
) -> tuple[EnqueueOptions | None, Mapping[str, Any]]:
    """What a call asks for, or else the job's class; and the keywords that are arguments.

    None where nothing is asked for.

    Raises:
        NotAJob: an option has a value that it cannot have.
    """
    own = job.parameters.names if job is not None else frozenset()
    given = {name: value for name, value in kwargs.items() if name in NAMES and name not in own}
    if given:
        kwargs = {name: value for name, value in kwargs.items() if name not in given}
        wrong = reason_against(given)
        if wrong:
            raise NotAJob(wrong)
    declared = job.options if job is not None else {}
    options = EnqueueOptions(
        track=given.get("track", declared.get("track", False)), at_front=given.get("at_front", False)
    )
    return None if options == _NOTHING else options, kwargs


def reason_against(given: Mapping[str, Any]) -> str:
    """What is wrong with the values of options; empty if nothing is."""
    for name in ("track", "at_front"):
        if not isinstance(given.get(name, False), bool):
            return f"{name}={given[name]!r} must be True or False"
    return ""


_NOTHING = EnqueueOptions()
