"""Queues to look at when there may be thousands: all by name and size, some with everything that is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from pyresque.client.fleet import quick_fleet
from pyresque.client.queued_jobs import QueuedJob, oldest_ages
from pyresque.model.resque_like import ResqueLike
from pyresque.store import pauses, queues, workers

SAMPLE = 20
"""Jobs at the head of a queue whose classes are told."""


@dataclass(frozen=True)
class QueueRow:
    """A queue as a list of queues shows it.

    Attributes:
        name: its name; size: how many jobs wait.
        oldest_age: seconds for which the first has waited at least; None: not known.
        is_paused: whether it is paused itself.
        workers: how many workers take from it, as far as their ids tell.
        classes: classes among its first jobs, the most frequent first.
    """

    name: str
    size: int
    oldest_age: float | None = None
    is_paused: bool = False
    workers: int = 0
    classes: tuple[str, ...] = ()


def sizes(resque: ResqueLike, text: str = "") -> dict[str, int]:
    """The queues whose names hold this text, in lower or upper case, and how many jobs wait in each."""
    names = [name for name in queues.names(resque.space) if text.lower() in name.lower()]
    return queues.sizes(resque.space, names)


def is_there(resque: ResqueLike, queue: str) -> bool:
    """Whether there is a queue of this name, known or not, or something else under its key."""
    return queue in queues.names(resque.space) or queues.exists(resque.space, queue)


def rows(resque: ResqueLike, some: dict[str, int]) -> list[QueueRow]:
    """These queues, given with their sizes, with what is told of each."""
    space, names = resque.space, list(some)
    if not names:
        return []
    ages = oldest_ages(replace(space, link=resque.link), names)
    paused = frozenset(pauses.among(space, names))
    heads = queues.samples(space, names, SAMPLE)
    taking = takers(resque, names)
    return [
        QueueRow(name, size, ages.get(name), name in paused, taking[name], _classes(name, heads[name]))
        for name, size in some.items()
    ]


def takers(resque: ResqueLike, names: Sequence[str]) -> dict[str, int]:
    """How many workers that may live take from each of these queues, as far as their ids tell."""
    ids = workers.ids(resque.space)
    dead = frozenset(quick_fleet(resque.space, None, ids).dead)
    lists = Counter([*worker_id.split(":", 2), "", ""][2] for worker_id in ids if worker_id not in dead)
    found = dict.fromkeys(names, 0)
    for patterns, count in lists.items():
        parts = patterns.rstrip(",").split(",")
        for name in names:
            found[name] += count * any(name == part or fnmatchcase(name, part) for part in parts)
    return found


def _classes(queue: str, raws: Sequence[bytes]) -> tuple[str, ...]:
    counts = Counter(QueuedJob.read(queue, 0, raw).class_name for raw in raws)
    return tuple(name for name, _ in counts.most_common() if name)
