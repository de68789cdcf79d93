"""Delayed jobs second by second, as people look at them: `resque.delayed.seconds()`.

Each look reads only so much, however many jobs are delayed. Nothing here raises for what others wrote.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pyresque.client.delayed_item import DelayedItem
from pyresque.client.delayed_rounds import ItemScan
from pyresque.client.delayed_selection import DelayedFilter, DelayedSelection, Delays
from pyresque.client.looking import Budget
from pyresque.client.selection import ANY_TIME, first_of_page
from pyresque.errors import RedisReplied
from pyresque.keys import DELAYED
from pyresque.store import delayed, delayed_seconds
from pyresque.store.delayed_seconds import SecondAsStored
from pyresque.store.space import Space
from pyresque.wire.encoding import encode, same
from pyresque.wire.times import rfc3339

NEAR = 1000
"""A job is looked for among so many before and behind the place at which it was seen."""
FURTHER = 20_000
"""And then, if it is not there, among so many at the beginning of its second."""
HOURS = 24
COUNTED = 2000
"""Of so many seconds it is asked how many jobs each has; of more only how many seconds there are."""

LOOK = 2000
"""Delayed jobs among which equal ones are looked for that are written in another way."""

Place = tuple[bytes, int, str]
"""Where a job was seen: its second (as the index has it), its index there, and its id."""


@dataclass(frozen=True)
class Second:
    """A second with delayed jobs.

    Attributes:
        name: how it stands in the index.
        at: when its jobs are due, in seconds since the epoch; None where no calendar has such a moment.
        jobs: how many it has; None where its key holds no list.
        first: the first of them.
        trouble: what is wrong with it; empty where nothing is.
    """

    name: bytes
    at: float | None
    jobs: int | None
    first: DelayedItem | None
    trouble: str


@dataclass(frozen=True)
class Seconds:
    """A page of seconds, how many there are in all, and how many of them are overdue."""

    items: list[Second]
    total: int
    overdue: int


@dataclass(frozen=True)
class DueBy:
    """What is due in each of the next hours, the current one first; `unit` says what was counted."""

    counts: list[int]
    unit: str


def seconds(space: Space, number: int = 1, size: int = 50) -> Seconds:
    """A page of the seconds for which jobs are delayed, the first ones first.

    Raises:
        InvalidSelection: there is no such page.
        RedisReplied: the key of the index holds something else.
    """
    found = delayed_seconds.known(space, first_of_page(number, size), size)
    total = delayed.seconds_known(space)
    [overdue] = delayed_seconds.counts(space, [("-inf", time.time() - 1)])
    return Seconds([_second(one) for one in found], total, overdue)


def second(space: Space, name: bytes) -> Second | None:
    """One second, by its name in the index; None if it is not there and has no jobs."""
    score = delayed_seconds.score_of(space, name)
    [stored] = delayed_seconds.with_jobs(space, [(name, _number(name) if score is None else score)])
    if score is not None:
        return _second(stored)
    if stored.jobs == 0:
        return None
    return _outside(stored)


def seconds_outside(space: Space, cursor: int = 0) -> tuple[list[Second], int]:
    """Seconds with jobs that the index lacks, as far as one look at the keys tells.

    Returns:
        They, and where the next look goes on; 0: everything was looked at.
    """
    names, after = delayed_seconds.outside(space, cursor)
    stored = delayed_seconds.with_jobs(space, [(name, _number(name)) for name in names])
    return [_outside(one) for one in sorted(stored, key=lambda one: one.score) if one.jobs], after


def _outside(stored: SecondAsStored) -> Second:
    told = "it is not in delayed_queue_schedule, so no scheduler finds it: run its jobs now, or remove them"
    seen = _second(stored)
    return Second(stored.name, seen.at, seen.jobs, seen.first, told if stored.jobs else seen.trouble)


def jobs_of(space: Space, name: bytes, start: int, count: int) -> list[DelayedItem]:
    """Jobs of one second, in order; none where its key holds no list."""
    try:
        found = delayed_seconds.elements(space, name, start, count)
    except RedisReplied:
        return []
    return [DelayedItem.read((DELAYED.encode() + name, raw)) for raw in found]


def due_by_hour(space: Space, now: float) -> DueBy:
    """How much is due in each of the next hours."""
    jobs = delayed_seconds.jobs_between(space, now, now + HOURS * 3600 - 1, COUNTED)
    if jobs is None:
        bounds = [(now + 3600 * hour, now + 3600 * (hour + 1) - 1) for hour in range(HOURS)]
        return DueBy(delayed_seconds.counts(space, bounds), "seconds with jobs")
    counts = [0] * HOURS
    for at, size in jobs:
        counts[min(HOURS - 1, max(0, int((at - now) // 3600)))] += size
    return DueBy(counts, "jobs")


class GivenJobs(DelayedSelection):
    """Delayed jobs that are known already, to act on."""

    def __init__(self, resque: Delays, items: Sequence[DelayedItem]) -> None:
        super().__init__(resque, DelayedFilter())
        self._items = items

    def __iter__(self) -> Iterator[DelayedItem]:
        yield from self._items

    def count(self) -> int:
        """How many there are."""
        return len(self._items)


def at_places(resque: Delays, places: Iterable[Place]) -> GivenJobs:
    """The jobs that were seen at these places, as far as they are still about there."""
    wanted: dict[bytes, list[tuple[int, str]]] = {}
    for name, index, job_id in places:
        wanted.setdefault(name, []).append((index, job_id))
    found: list[DelayedItem] = []
    for name, those in wanted.items():
        first = max(0, min(index for index, _ in those) - NEAR)
        last = max(index for index, _ in those) + NEAR
        ids = {job_id for _, job_id in those}
        near = [one for one in jobs_of(resque.space, name, first, last - first) if one.id in ids]
        if not ids.issubset(one.id for one in near):
            near = list(_in_second(resque.space, name, ids))
        found += near
    return GivenJobs(resque, found)


def _in_second(space: Space, name: bytes, ids: set[str]) -> Iterator[DelayedItem]:
    """The jobs with these ids among the first of a second."""
    for first in range(0, FURTHER, NEAR):
        items = jobs_of(space, name, first, NEAR)
        yield from (one for one in items if one.id in ids)
        if len(items) < NEAR:
            return


def schedules_of(
    resque: Delays, class_name: str, args: object, queue: str | None
) -> tuple[list[tuple[DelayedItem, int]], bool]:
    """Every delayed job of this class with these arguments, as far as one look tells, by time.

    Those that are written for this queue as Ruby and we write them are found wherever they are; other ones,
    such as Active Jobs, among the first `LOOK` delayed jobs. The class need not be known here.

    Returns:
        The jobs with their indexes, and whether everything that is delayed was looked at.
    """
    item = encode({"class": class_name, "args": args, "queue": queue}, resque.space.style)
    known = delayed_seconds.seconds_with(resque.space, item, LOOK)
    places = dict(delayed_seconds.stands_in(resque.space, item, known))
    found = [(DelayedItem.read((name, item)), index) for name, index in places.items()]
    scan = ItemScan(resque.space, ANY_TIME, Budget(LOOK), None)
    for one in scan:
        is_equal = one.job_class == class_name and same(one.job_args, args)
        is_equal = is_equal or (one.class_name == class_name and same(one.args, args))
        if is_equal and not (one.raw == item and one.element[0] in places):
            found.append((one, 0 if scan.place is None else scan.place.index))
    return sorted(found, key=lambda pair: pair[0].at), scan.is_whole


def _second(stored: SecondAsStored) -> Second:
    at = None if rfc3339(stored.score) is None else stored.score
    element = None if stored.first is None else (DELAYED.encode() + stored.name, stored.first)
    first = None if element is None else DelayedItem.read(element)
    return Second(stored.name, at, stored.jobs, first, _trouble(stored))


def _trouble(stored: SecondAsStored) -> str:
    """What is wrong with a second; see docs/protocol/scheduler.md#moving-due-items."""
    if not stored.name.isdigit():
        return "this is not a whole number of seconds: a Ruby scheduler hangs at it when it is due"
    if stored.jobs is None:
        return "its key holds no list, so nothing can be taken from it"
    if float(stored.name) != stored.score:
        return f"the index says that it is due at another moment ({stored.score:.0f}), and that counts"
    if rfc3339(stored.score) is None:
        return _too_far(stored.score)
    return ""


def _too_far(score: float) -> str:
    for unit, factor in (("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9)):
        moment = rfc3339(score / factor)
        if moment is not None and moment < "2200":
            return f"no calendar goes so far: it looks like {unit} ({moment})"
    return "no calendar goes so far: it never comes"


def _number(name: bytes) -> float:
    try:
        return float(name)
    except ValueError:
        return 0.0
