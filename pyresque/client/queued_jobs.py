"""The jobs that wait in a queue: `resque.jobs(queue)`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from pyresque.client.job_rounds import JobSteps
from pyresque.client.looking import LOOK, Budget, Groups, Look
from pyresque.client.selection import (
    ANY_NAME,
    GONE,
    ActionResult,
    NameFilter,
    Pattern,
    Progress,
    Tally,
    by_class,
    checked_text,
    chosen,
    count_of,
    first_of_page,
    has_text,
    ids_of,
    in_groups,
    page_of,
    told,
    whole_ids,
)
from pyresque.errors import MalformedPayload
from pyresque.model.job_class import queue_for
from pyresque.store import ages, moving
from pyresque.store import queues as store
from pyresque.store.connection.link import Command, Link
from pyresque.store.space import Space
from pyresque.wire.encoding import decode
from pyresque.wire.records import shown, wrapped_job

WINDOW = 1000
"""Jobs that are read at a time."""
ID_LENGTH = 40
"""How long an id is; a shorter one is the beginning of one."""
HEAD = 10
"""Jobs at the head of a queue in which a time is looked for."""

KeysOf = Callable[[bytes], Sequence[str]]
"""The keys that go with a job: its locks, and its status if it is tracked."""


@dataclass(frozen=True)
class QueuedJob:
    """A job that waits, or what else is in its queue: then class and args are empty, and payload is None.

    Attributes:
        queue: its queue.
        index: where it was when it was seen; 0 is the next one.
        raw: its exact bytes.
        class_name: its class, of an Active Job its own.
        args: its arguments, of an Active Job its own.
        payload: the decoded object.
    """

    queue: str
    index: int
    raw: bytes
    class_name: str
    args: Any
    payload: dict[str, Any] | None

    @classmethod
    def read(cls, queue: str, index: int, raw: bytes) -> QueuedJob:
        """Read an element of a queue, whoever wrote it; never raises."""
        try:
            value = decode(raw)
        except MalformedPayload:
            value = None
        if not isinstance(value, dict):
            return cls(queue, index, raw, "", None, None)
        name, args = shown(value)
        return cls(queue, index, raw, name, args, value)

    @property
    def id(self) -> str:
        """The digest of its bytes: equal jobs have the same."""
        return hashlib.sha1(self.raw).hexdigest()  # noqa: S324 (no secret)

    @property
    def enqueued_at(self) -> float | None:
        """When an Active Job was enqueued, in seconds since the epoch; None in other jobs."""
        text = (wrapped_job(self.payload or {}) or {}).get("enqueued_at")
        try:
            at = datetime.fromisoformat(text) if isinstance(text, str) else None
        except ValueError:
            return None
        return at.timestamp() if at is not None and at.tzinfo is not None else None


@dataclass(frozen=True)
class JobFilter:
    """What is asked of a job; everything that is given must be so."""

    class_name: Pattern = ANY_NAME
    text: str = ""
    ids: frozenset[str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether every job is meant."""
        return self.class_name.is_open and not self.text and self.ids is None

    def __call__(self, job: QueuedJob) -> bool:
        """Whether this job is meant."""
        return (
            (self.ids is None or job.id in self.ids)
            and self.class_name(job.class_name)
            and (not self.text or has_text(self.text, job.raw, job.payload))
        )


class JobSelection:
    """Some of the jobs that wait in a queue. Iteration gives them, the next one first.

    Workers take jobs, and others add some, while it reads.
    """

    def __init__(
        self,
        space: Space,
        queue: str,
        keys_of: KeysOf,
        wanted: JobFilter,
        seen: Sequence[tuple[str, int]] | None = None,
    ) -> None:
        self._space = space
        self._queue = queue
        self._keys_of = keys_of
        self._wanted = wanted
        self._seen = seen

    def __iter__(self) -> Iterator[QueuedJob]:
        if self._seen is not None:
            yield from self._steps().scan(Budget(max(1, len(self._seen))))
            return
        wanted, start = self._resolved(), 0
        while True:
            piece = store.elements(self._space, self._queue, start, WINDOW)
            for number, raw in enumerate(piece, start):
                job = QueuedJob.read(self._queue, number, raw)
                if wanted(job):
                    yield job
            if len(piece) < WINDOW:
                return
            start += WINDOW

    def count(self) -> int:
        """How many there are."""
        if self._wanted.is_open and self._seen is None:
            return store.size(self._space, self._queue)
        return count_of(self)

    def page(self, number: int = 1, size: int = 50) -> list[QueuedJob]:
        """A page of them; the first has the number 1. What is behind it is not read."""
        if not self._wanted.is_open or self._seen is not None:
            return page_of(self, number, size)
        first = first_of_page(number, size)
        piece = store.elements(self._space, self._queue, first, size)
        return [QueuedJob.read(self._queue, n, raw) for n, raw in enumerate(piece, first)]

    def look(
        self, number: int = 1, size: int = 50, *, after: str | None = None, budget: int = LOOK
    ) -> Look[QueuedJob]:
        """A page of them, after reading a bounded part of the queue, however long it is.

        Args:
            number: which page; with `after` it is only a name.
            after: the `next` of the page before: this page goes on there.
            budget: how many jobs are read at most.

        Raises:
            InvalidSelection: there is no such page.
        """
        return self._steps().look(number, size, after, budget, self._wanted.is_open)

    def groups(
        self, by: str = "class", *, most: int | None = None, progress: Progress = None
    ) -> Groups[QueuedJob]:
        """How many there are of each class; what is not a job is under an empty key.

        Args:
            by: `class`.
            most: read only the next so many of the queue; None: all.
            progress: is called with how many were read until now.
        """
        way = chosen("jobs", by, {"class": lambda job: job.class_name})
        if most is None:
            return Groups(in_groups(told(self, progress), way, lambda job: job.enqueued_at))
        steps, wanted = self._steps(), self._resolved()
        scan = steps.scan(Budget(most))
        groups = in_groups(told(filter(wanted, scan), progress), way, lambda job: job.enqueued_at)
        return Groups(groups, scan.budget.looked_at, scan.is_whole)

    def by_class(self, *, progress: Progress = None) -> dict[str, int]:
        """How many there are of each class, the most first; what is not a job is under an empty name."""
        return by_class(job.class_name for job in told(self, progress))

    def remove(
        self, *, progress: Progress = None, most: int | None = None, after: str | None = None
    ) -> ActionResult:
        """Remove them in one pass, with the locks that they hold (`Loner`) and their statuses.

        Args:
            progress: is called with how many were removed until now.
            most: only a round, of so many, from the end of the queue on, that takes some two seconds at most;
                None: all, however long it takes.
            after: the `next` of the round before: this one goes on there.
        """
        tally, most = Tally(progress), self._in_one_round(most)
        if most is not None:
            return self._steps().remove(self._effects, tally, most, after)
        wanted = self._resolved()

        def keys_of(raw: bytes) -> Sequence[str] | None:
            return self._keys_of(raw) if wanted(QueuedJob.read(self._queue, 0, raw)) else None

        store.remove_if(self._space, self._queue, keys_of, gone=self._counting(tally))
        return tally.result()

    def move_to(
        self, queue: str, *, progress: Progress = None, most: int | None = None, after: str | None = None
    ) -> ActionResult:
        """Move them to the end of another queue, as they are and in their order.

        Args:
            progress: is called with how many were moved until now.
            most: only a round, of so many, from the front of the queue on; see `remove`.
            after: the `next` of the round before.
        """
        queue, most = queue_for(None, "", queue), self._in_one_round(most)
        if most is not None:
            return self._steps().move_to(queue, Tally(progress), most, after)
        return self._moved(queue, False, progress)

    def to_front(
        self, *, progress: Progress = None, most: int | None = None, after: str | None = None
    ) -> ActionResult:
        """Move them to the front of their queue, in their order.

        Args:
            progress: is called with how many were moved until now.
            most: only a round, of so many, from the end of the queue on; see `remove`.
            after: the `next` of the round before.
        """
        most = self._in_one_round(most)
        if most is not None:
            return self._steps().to_front(Tally(progress), most, after)
        return self._moved(self._queue, True, progress)

    def _in_one_round(self, most: int | None) -> int | None:
        """How many a round deals with: those that are given by their places in one."""
        return most if self._seen is None else max(1, len(self._seen))

    def _steps(self) -> JobSteps[QueuedJob]:
        read = partial(QueuedJob.read, self._queue)
        return JobSteps(self._space, self._queue, read, self._resolved(), self._seen)

    def _effects(self, raw: bytes) -> list[Command]:
        return store.unlocking(self._keys_of(raw))

    def _moved(self, queue: str, to_front: bool, progress: Progress) -> ActionResult:
        tally, wanted = Tally(progress), self._resolved()
        left = moving.move(
            self._space,
            self._queue,
            queue,
            lambda raw: wanted(QueuedJob.read(self._queue, 0, raw)),
            to_front=to_front,
            moved=self._counting(tally),
        )
        for _ in range(left):
            tally.skip(GONE)
        return tally.result()

    def _counting(self, tally: Tally) -> Callable[[bytes], None]:
        return lambda raw: tally.done(QueuedJob.read(self._queue, 0, raw).class_name)

    def _resolved(self) -> JobFilter:
        """The filter with whole ids."""
        every = JobSelection(self._space, self._queue, self._keys_of, JobFilter())
        ids = whole_ids(self._wanted.ids, ID_LENGTH, lambda: (job.id for job in every))
        return replace(self._wanted, ids=ids)


class QueuedJobs(JobSelection):
    """All the jobs that wait in a queue; `select` gives some of them.

    Args:
        link: a connection that repeats nothing, for notes that are not worth waiting.
    """

    def __init__(self, space: Space, queue: str, keys_of: KeysOf, link: Link) -> None:
        super().__init__(space, queue, keys_of, JobFilter())
        self._hasty = replace(space, link=link)

    def select(
        self, class_name: NameFilter = None, text: str | None = None, ids: NameFilter = None
    ) -> JobSelection:
        """Some of the jobs.

        Args:
            class_name: one name or several, with `*` for any text; an Active Job has its own class.
            text: a text that occurs in the job.
            ids: ids (`job.id`), or beginnings that only one id has.

        Raises:
            InvalidSelection: one of them cannot be understood.
        """
        wanted = JobFilter(Pattern("class_name", class_name), checked_text(text), ids_of(ids))
        return JobSelection(self._space, self._queue, self._keys_of, wanted)

    def these(self, seen: Sequence[tuple[str, int]]) -> JobSelection:
        """The jobs with these ids, without a look at the whole queue: for who has seen where they stood.

        Args:
            seen: ids, each with its index then. It is looked for there, and where it may have gone meanwhile.
        """
        return JobSelection(self._space, self._queue, self._keys_of, JobFilter(), seen)

    def oldest_age(self) -> float | None:
        """Seconds for which the first job has waited at least; None without a job, or if nobody can tell.

        Active Jobs say when they were enqueued. Of others it is known since when they were seen at the head
        of the queue, by whoever asked for it: the first time that is 0. Where equal jobs follow each other
        that cannot be told.
        """
        return oldest_ages(self._hasty, [self._queue]).get(self._queue)


def oldest_ages(space: Space, queues: Sequence[str], now: float | None = None) -> dict[str, float]:
    """What `oldest_age` tells, for many queues in one go; without those of which it tells nothing."""
    now = time.time() if now is None else now
    samples = store.samples(space, queues, HEAD)
    heads = {queue: raws[0] if raws else None for queue, raws in samples.items()}
    seen = ages.since(space, space.keys.seen_heads, heads, now)
    found = {}
    for queue, raws in samples.items():
        told = [QueuedJob.read(queue, 0, raw).enqueued_at for raw in raws]
        is_seen = raws[:1] != raws[1:2]  # else another one may have stood there
        moments = [at for at in (*told, seen.get(queue) if is_seen else None) if at is not None]
        if raws and moments:
            found[queue] = max(0.0, now - min(moments))
    return found
