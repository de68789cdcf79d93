"""A search for jobs wherever they are: with workers, delayed, on queues. It tells how far it went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from pyresque.client.delayed_rounds import ItemScan
from pyresque.client.looking import LOOK, Budget
from pyresque.client.queued_jobs import QueuedJob
from pyresque.client.selection import ANY_TIME, NameFilter, Pattern, checked_text
from pyresque.model.registry import Registry
from pyresque.model.resque_like import ResqueLike
from pyresque.store import queues
from pyresque.store import retries as store
from pyresque.store.space import Space
from pyresque.wire.records import WorkingOn, shown

MOST = 100
"""Jobs that are told of each place."""
HEAD = 10
"""Jobs of each queue that are looked at before more of one are."""
WINDOW = 1000
"""Jobs of one queue that are read at a time."""

Where = Literal["working", "delayed", "queued"]


@dataclass(frozen=True)
class FoundJob:
    """A job that was found.

    Attributes:
        where: with a worker, delayed, or on a queue.
        place: the id of the worker, or the queue (of a delayed job the one it names, else empty).
        class_name, args: as people know them; of an Active Job its own.
        at: when a delayed job is due.
        id: that of a delayed or queued job, as their selections have it.
        index: where a queued job stands.
    """

    where: Where
    place: str
    class_name: str
    args: Any
    at: int | None = None
    id: str = ""
    index: int = -1


@dataclass
class FoundJobs:
    """What a search has found.

    `looked_at` is how many elements of each place were read, `is_whole` whether these were all; of those that
    were found only the first hundred of each place are there, `counts` tells how many there are.
    """

    working: list[FoundJob] = field(default_factory=list)
    delayed: list[FoundJob] = field(default_factory=list)
    queued: list[FoundJob] = field(default_factory=list)
    counts: dict[Where, int] = field(default_factory=dict)
    looked_at: dict[Where, int] = field(default_factory=dict)
    is_whole: dict[Where, bool] = field(default_factory=dict)

    def enter(self, found: FoundJob) -> None:
        """One more."""
        listed = {"working": self.working, "delayed": self.delayed, "queued": self.queued}[found.where]
        self.counts[found.where] = self.counts.get(found.where, 0) + 1
        if len(listed) < MOST:
            listed.append(found)


def find_jobs(
    resque: ResqueLike, text: str | None = None, class_name: NameFilter = None, budget: int = LOOK
) -> FoundJobs:
    """Search; see `Resque.find_jobs`."""
    return _Search(checked_text(text).lower(), Pattern("class_name", class_name), budget).run(
        resque.space, resque.registry
    )


class _Search:
    def __init__(self, text: str, class_name: Pattern, budget: int) -> None:
        self._text = text
        self._class_name = class_name
        self._budget = budget
        self._found = FoundJobs()

    def run(self, space: Space, registry: Registry) -> FoundJobs:
        self._working(space)
        self._delayed(space, registry)
        self._queued(space)
        return self._found

    def _may_hold(self, raw: bytes) -> bool:
        """Whether it is worth reading an element: without an escape each text is there as it is."""
        return not self._text or b"\\" in raw or self._text in raw.decode("utf-8", "replace").lower()

    def _wanted(self, class_name: str, args: Any, raw: bytes) -> bool:
        if not self._class_name(class_name):
            return False
        if not self._text or self._text in class_name.lower():
            return True
        if not class_name:  # it is not a job
            return self._text in raw.decode("utf-8", "replace").lower()
        return _holds(args, self._text)

    def _working(self, space: Space) -> None:
        working = list(store.working(space))
        for worker, raw in working:
            if not self._may_hold(raw):
                continue
            payload = WorkingOn.parse(raw).payload or {}
            name, args = shown(payload)
            if self._wanted(name, args, raw):
                self._found.enter(FoundJob("working", worker, name, args))
        self._found.looked_at["working"], self._found.is_whole["working"] = len(working), True

    def _delayed(self, space: Space, registry: Registry) -> None:
        scan = ItemScan(space, ANY_TIME, Budget(self._budget), None)
        for item in scan:
            if self._may_hold(item.raw) and self._wanted(item.job_class, item.job_args, item.raw):
                job = None if item.queue is not None else registry.find(item.class_name)
                queue = item.queue if job is None else job.queue
                self._found.enter(
                    FoundJob("delayed", queue or "", item.job_class, item.job_args, item.at, item.id)
                )
        self._found.looked_at["delayed"] = scan.budget.looked_at
        self._found.is_whole["delayed"] = scan.is_whole

    def _queued(self, space: Space) -> None:
        budget = Budget(self._budget)
        self._found.is_whole["queued"] = True
        for name, index, raw in self._jobs(space, budget):
            if not self._may_hold(raw):
                continue
            job = QueuedJob.read(name, index, raw)
            if self._wanted(job.class_name, job.args, job.raw):
                self._found.enter(
                    FoundJob("queued", job.queue, job.class_name, job.args, None, job.id, job.index)
                )
        self._found.looked_at["queued"] = budget.looked_at

    def _jobs(self, space: Space, budget: Budget) -> Iterator[tuple[str, int, bytes]]:
        """The first jobs of every queue, then more of the long ones."""
        names = queues.names(space)
        sizes = queues.sizes(space, names)
        full = [name for name in names if sizes[name]]
        for start in range(0, len(full), 100):
            heads = queues.samples(space, full[start : start + 100], HEAD)
            for name, raws in heads.items():
                for index, raw in enumerate(raws):
                    if budget.is_spent:
                        self._found.is_whole["queued"] = False
                        return
                    budget.spend(len(raw))
                    yield name, index, raw
        for name in full:
            at = HEAD
            while at < sizes[name]:
                if budget.is_spent:
                    self._found.is_whole["queued"] = False
                    return
                raws = queues.elements(space, name, at, min(WINDOW, self._budget - budget.looked_at))
                for index, raw in enumerate(raws, at):
                    budget.spend(len(raw))
                    yield name, index, raw
                at += max(1, len(raws))


def _holds(value: Any, text: str) -> bool:
    """Whether a text or a number that a value holds has this text in it, in whatever case."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            left += [*item, *item.values()]
        elif isinstance(item, list):
            left += item
        elif text in str(item).lower():
            return True
    return False
