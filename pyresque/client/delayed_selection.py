"""Selections of delayed jobs: `resque.delayed.select(...)`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, Protocol

from pyresque.client.delayed_item import DelayedItem, ready_item
from pyresque.client.delayed_rounds import DelayedSteps
from pyresque.client.looking import LOOK, Budget, Groups, Look
from pyresque.client.move_delayed import DelayedMover, remove_items
from pyresque.client.next_retry import forget_attempts
from pyresque.client.selection import (
    ANY_NAME,
    ANY_TIME,
    GONE,
    NOT_A_JOB,
    ActionResult,
    NameFilter,
    Pattern,
    Progress,
    Tally,
    When,
    Window,
    by_class,
    checked_text,
    chosen,
    count_of,
    has_text,
    hour_of,
    ids_of,
    in_groups,
    page_of,
    told,
    whole_ids,
)
from pyresque.errors import MalformedPayload, NoQueueError, RedisError
from pyresque.model.registry import Registry
from pyresque.store.delayed import Element
from pyresque.store.space import Space
from pyresque.usercode.safely import name_of
from pyresque.wire.encoding import decode

PIECE = 1000
"""Jobs, at least, that are acted on in one go; those of one second always are."""
ID_LENGTH = 16
"""How long an id is; a shorter one is the beginning of one."""

NO_QUEUE = "no queue is known for it"
RAISED = "its code raised "
"""Why jobs are left alone: further keys of `ActionResult.skipped`. Behind the last is an exception's name."""


class Delays(Protocol):
    """What a selection needs of a Resque."""

    space: Space
    registry: Registry

    def each_delayed(self) -> Iterator[DelayedItem]:
        """Every delayed job, by time."""

    def count_all_scheduled_jobs(self) -> int:
        """How many jobs are delayed."""


@dataclass(frozen=True)
class DelayedFilter:
    """What is asked of a delayed job; everything that is given must be so."""

    class_name: Pattern = ANY_NAME
    queue: Pattern = ANY_NAME
    window: Window = ANY_TIME
    text: str = ""
    ids: frozenset[str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether every delayed job is meant."""
        parts = (self.class_name, self.queue, self.window)
        return all(part.is_open for part in parts) and not self.text and self.ids is None

    def __call__(self, item: DelayedItem, queue: str | None) -> bool:
        """Whether this job, which goes to this queue, is meant."""
        return (
            (self.ids is None or item.id in self.ids)
            and self.window(item.at)
            and (self.class_name.is_open or self.class_name(item.job_class))
            and self.queue(queue)
            and (not self.text or has_text(self.text, item.raw, _value(item)))
        )


def _value(item: DelayedItem) -> Any:
    try:
        return decode(item.raw)
    except MalformedPayload:
        return None


class DelayedSelection:
    """Some of the delayed jobs. Iteration gives them, the one that is due first at the beginning."""

    def __init__(self, resque: Delays, wanted: DelayedFilter) -> None:
        self._resque = resque
        self._wanted = wanted

    def __iter__(self) -> Iterator[DelayedItem]:
        wanted = self._resolved()
        for item in self._resque.each_delayed():
            if wanted(item, self.queue_of(item)):
                yield item

    def queue_of(self, item: DelayedItem) -> str | None:
        """The queue that a job goes to: the one it names, or the one that its class has here."""
        if item.queue is not None:
            return item.queue
        job = self._resque.registry.find(item.class_name)
        return job.queue if job is not None else None

    def count(self) -> int:
        """How many there are."""
        return self._resque.count_all_scheduled_jobs() if self._wanted.is_open else count_of(self)

    def page(self, number: int = 1, size: int = 50) -> list[DelayedItem]:
        """A page of them; the first has the number 1."""
        return page_of(self, number, size)

    def look(
        self, number: int = 1, size: int = 50, *, after: str | None = None, budget: int = LOOK
    ) -> Look[DelayedItem]:
        """A page of them, after reading a bounded part, however many there are.

        Args:
            number: which page; with `after` it is only a name.
            after: the `next` of the page before: this page goes on there.
            budget: how many jobs are read at most.

        Raises:
            InvalidSelection: there is no such page.
        """
        return self._steps().look(number, size, after, budget, self._wanted.is_open)

    def by_class(self, *, progress: Progress = None) -> dict[str, int]:
        """How many there are of each class, the most first; what is not a job is under an empty name."""
        return by_class(item.job_class for item in told(self, progress))

    def groups(
        self, by: str = "class", *, most: int | None = None, progress: Progress = None
    ) -> Groups[DelayedItem]:
        """How many there are of each class or queue, or how many are due in each hour.

        Args:
            by: `class`, `queue` or `hour` (in UTC).
            most: read only so many, those that are due first; None: all.
            progress: is called with how many were read until now.
        """
        ways: dict[str, Callable[[DelayedItem], str]] = {
            "class": lambda item: item.job_class,
            "queue": lambda item: self.queue_of(item) or "",
            "hour": lambda item: hour_of(item.at),
        }
        way = chosen("delayed jobs", by, ways)
        if most is None:
            return Groups(in_groups(told(self, progress), way, lambda item: item.at))
        scan = self._steps().scan(Budget(most))
        groups = in_groups(told(filter(self._is_wanted(), scan), progress), way, lambda item: item.at)
        return Groups(groups, scan.budget.looked_at, scan.is_whole)

    def remove(
        self, *, progress: Progress = None, most: int | None = None, after: str | None = None
    ) -> ActionResult:
        """Remove them. If one is the next attempt at a job that failed, its retries end with it.

        Args:
            progress: is called with how many were removed until now.
            most: only a round, of so many, that takes some two seconds at most; None: all, however long.
            after: the `next` of the round before: this one goes on there.
        """
        tally = Tally(progress)
        remove = partial(self._remove, tally)
        if most is not None:
            return self._steps().act(remove, tally, most, after)
        for items in self._in_pieces():
            remove(items)
        return tally.result()

    def _remove(self, tally: Tally, items: Sequence[DelayedItem]) -> None:
        counts: Counter[Element] = Counter()
        remove_items(
            self._resque.space, [item.element for item in items], tidy=True, told=partial(_add, counts)
        )
        for item in items:
            if counts[item.element] > 0:
                tally.done(item.job_class)
            else:
                tally.skip(GONE)
            counts[item.element] -= 1
        gone = {item.raw for item in items if item.element in counts}
        forget_attempts(self._resque.space, self._resque.registry, *gone)

    def run_now(
        self, *, progress: Progress = None, most: int | None = None, after: str | None = None
    ) -> ActionResult:
        """Put them on their queues now, with the hooks that they have here, in their order.

        One whose hook raises an exception stays delayed, and those behind it go on.

        Args:
            progress: is called with how many were dealt with until now.
            most: only a round, of so many; see `remove`.
            after: the `next` of the round before.
        """
        runs = _Runs(self._resque, Tally(progress))
        if most is not None:
            return self._steps().act(runs.run, runs.tally, most, after)
        for items in self._in_pieces():
            runs.run(items)
        return runs.tally.result()

    def _steps(self) -> DelayedSteps:
        return DelayedSteps(self._resque.space, self._wanted.window, self._is_wanted())

    def _is_wanted(self) -> Callable[[DelayedItem], bool]:
        wanted = self._resolved()
        return lambda item: wanted(item, self.queue_of(item))

    def _in_pieces(self) -> Iterator[list[DelayedItem]]:
        """Piece by piece, whole seconds: what goes from a list that is still read would shift the rest."""
        piece: list[DelayedItem] = []
        for _, items in groupby(self, key=lambda item: item.element[0]):
            piece += items
            if len(piece) >= PIECE:
                yield piece
                piece = []
        if piece:
            yield piece

    def _resolved(self) -> DelayedFilter:
        """The filter with whole ids."""
        every = (item.id for item in self._resque.each_delayed())
        return replace(self._wanted, ids=whole_ids(self._wanted.ids, ID_LENGTH, lambda: every))


def _add(counts: Counter[Element], element: Element, count: int) -> None:
    counts[element] += count


class DelayedJobs(DelayedSelection):
    """All delayed jobs; `select` gives some of them."""

    def __init__(self, resque: Delays) -> None:
        super().__init__(resque, DelayedFilter())

    def select(
        self,
        class_name: NameFilter = None,
        queue: NameFilter = None,
        text: str | None = None,
        since: When = None,
        until: When = None,
        ids: NameFilter = None,
    ) -> DelayedSelection:
        """Some of the delayed jobs.

        Args:
            class_name: one name or several, with `*` for any text; an Active Job has its own class.
            queue: one queue or several that they go to.
            text: a text that occurs in the job.
            since: the first moment at which they are due, or a timedelta from now on.
            until: the last moment; `until=timedelta(0)` are those that are overdue.
            ids: ids (`item.id`), or beginnings that only one id has.

        Raises:
            InvalidSelection, InvalidTime: one of them cannot be understood.
        """
        patterns = Pattern("class_name", class_name), Pattern("queue", queue)
        window = Window(since, until, ago=False)
        wanted = DelayedFilter(*patterns, window, checked_text(text), ids_of(ids))
        return DelayedSelection(self._resque, wanted)


class _Runs:
    """Puts delayed jobs on their queues: those without code of their own together, each other one alone."""

    def __init__(self, resque: Delays, tally: Tally) -> None:
        self._resque = resque
        self._classes: dict[Element, str] = {}
        self.tally = tally

    def run(self, items: Sequence[DelayedItem]) -> None:
        """Put these on their queues."""
        self._classes = {item.element: item.job_class for item in items}
        together: list[Element] = []
        for item in items:
            try:
                ready = ready_item(item.raw, self._resque.registry, self._resque.space.style)
                has_code = ready.has_code
            except MalformedPayload:
                self.tally.skip(NOT_A_JOB)
            except NoQueueError:
                self.tally.skip(NO_QUEUE)
            except Exception as error:
                self.tally.skip(RAISED + name_of(type(error)))
            else:
                if not has_code:
                    together.append(item.element)
                    continue
                self._take(together)
                together = []
                self._take_with_code(item.element)
        self._take(together)

    def _take_with_code(self, element: Element) -> None:
        """One job whose hooks may raise anything; what ends a process ends this, too."""
        try:
            self._take([element])
        except RedisError:
            raise
        except Exception as error:
            self.tally.skip(RAISED + name_of(type(error)))

    def _take(self, elements: Iterable[Element]) -> None:
        elements = list(elements)
        if not elements:
            return
        counted: list[Element] = []

        def told(element: Element, count: int) -> None:
            counted.append(element)
            if count:
                self.tally.done(self._classes[element])
            else:
                self.tally.skip(GONE)

        DelayedMover(self._resque.space, self._resque.registry, told=told).take(elements)
        for _ in range(len(elements) - len(counted)):  # not there when its code was to run
            self.tally.skip(GONE)
