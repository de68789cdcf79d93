"""What may be asked for beside a job's arguments, by `enqueue(..., track=True)` or `@job(track=True)`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from pyresque.errors import InvalidJob, NotAJob

if TYPE_CHECKING:
    from pyresque.model.job_class import JobClass

NAMES = frozenset(("track", "at_front", "ttl", "unique"))
"""The keywords of `enqueue` that say so; a job that has a parameter of that name gets it as an argument."""

UNIQUE_SECONDS = 3600
"""So long at most `unique=True` keeps equal jobs away."""

_MOST_SECONDS = 10**9
_MOST_STARTS, _MOST_RUNNING = 100_000, 10_000
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONGEST = 366 * _UNITS["d"]
_RATE = re.compile(
    r"(?P<jobs>[0-9]{1,9})\s*/\s*(?P<times>[0-9]{0,9})\s*(?P<unit>s(ec(ond)?s?)?|m(in(ute)?s?)?|h(ours?)?|d(ays?)?)"
)


class JobOptions(TypedDict, total=False):
    """What `@job` takes of these, for each job of its class."""

    track: bool
    ttl: float | timedelta | None
    unique: bool | int
    rate_limit: str
    max_running: int


@dataclass(frozen=True)
class EnqueueOptions:
    """How one job is enqueued.

    Args:
        track: whether it gets an id, under which its status and result are kept.
        at_front: whether it goes to the head of its queue.
        ttl: seconds that it may wait; None: any time.
        unique: seconds for which, while it waits, no equal job is enqueued; 0: any may be.
    """

    track: bool = False
    at_front: bool = False
    ttl: float | None = None
    unique: int = 0


def options_of(
    job: JobClass | None, kwargs: Mapping[str, Any]
) -> tuple[EnqueueOptions | None, Mapping[str, Any]]:
    """What a call asks for, or else the job's class; and the keywords that are arguments.

    None where nothing is asked for.

    Raises:
        NotAJob: an option has a value that it cannot have.
    """
    own = job.parameters.names if job is not None and kwargs else frozenset()
    given = {name: value for name, value in kwargs.items() if name in NAMES and name not in own}
    if given:
        kwargs = {name: value for name, value in kwargs.items() if name not in given}
        wrong = reason_against(given)
        if wrong:
            raise NotAJob(wrong)
    asked = {**(job.options if job is not None else {}), **given}
    options = EnqueueOptions(
        track=asked.get("track", False),
        at_front=asked.get("at_front", False),
        ttl=_seconds(asked.get("ttl")),
        unique=UNIQUE_SECONDS if asked.get("unique") is True else int(asked.get("unique") or 0),
    )
    return None if options == _NOTHING else options, kwargs


def declared(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a class, as `@job` got them; those that ask for nothing are left out.

    Raises:
        InvalidJob: one has a value that it cannot have.
    """
    wrong = reason_against(options)
    if wrong:
        raise InvalidJob(f"@job: {wrong}")
    unknown = [name for name in options if name not in JobOptions.__annotations__]
    if unknown:
        raise TypeError(f"job() got an unexpected keyword argument {unknown[0]!r}")
    kept = {name: value for name, value in options.items() if value}
    if "rate_limit" in kept:
        kept["rate_limit"] = _rate(kept["rate_limit"])
    return kept


def reason_against(given: Mapping[str, Any]) -> str:
    """What is wrong with the values of options; empty if nothing is."""
    for name in ("track", "at_front"):
        if not isinstance(given.get(name, False), bool):
            return f"{name}={given[name]!r} must be True or False"
    ttl, unique = given.get("ttl"), given.get("unique", False)
    if ttl is not None and not _is_time(ttl):
        return f"ttl={ttl!r} must be seconds that the job may wait, more than 0, or a timedelta"
    if not isinstance(unique, bool) and not (isinstance(unique, int) and 0 < unique < _MOST_SECONDS):
        return f"unique={unique!r} must be True, or whole seconds for which equal jobs are kept away"
    rate, running = given.get("rate_limit", "1/s"), given.get("max_running", 1)
    if not isinstance(rate, str) or _rate(rate) is None:
        return f'rate_limit={rate!r} must be a text like "10/minute", "5/30s" or "1000/day"'
    if type(running) is not int or not 0 < running <= _MOST_RUNNING:
        return f"max_running={running!r} must be a number of jobs, 1 to {_MOST_RUNNING}"
    return ""


def _rate(text: str) -> tuple[int, int] | None:
    """How many jobs may begin within how many milliseconds; None where the text does not say it."""
    match = _RATE.fullmatch(text)
    if match is None:
        return None
    jobs, times = int(match["jobs"]), int(match["times"] or 1)
    within = times * _UNITS[match["unit"][0]]
    return (jobs, within) if 0 < jobs <= _MOST_STARTS and 0 < within <= _LONGEST else None


def _is_time(value: object) -> bool:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        return False
    return math.isfinite(seconds) and 0 < seconds < _MOST_SECONDS


def _seconds(value: float | timedelta | None) -> float | None:
    return value.total_seconds() if isinstance(value, timedelta) else value


_NOTHING = EnqueueOptions()
