"""Looks and rounds that end after a bounded time, however much there is.

A look is what one page of a web page needs, a round is one step of an action.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pyresque.client.selection import Group
from pyresque.errors import InvalidSelection
from pyresque.store.list_scan import ListScan

T = TypeVar("T")
P = TypeVar("P")
Some = TypeVar("Some", covariant=True)

LOOK = 5000
"""Elements that a look reads at most."""
ROUND = 20_000
"""Elements that a round of an action reads at most."""
BYTES = 16_000_000
"""How large may be what a look or a round reads; the last element may be larger."""
GONE_BEFORE, AROUND = 300, 50
"""Elements before and behind a place among which one is looked for that was there."""
SECONDS = 0.7
"""A round begins nothing more after so many seconds."""


@dataclass(frozen=True)
class Look(Generic[T]):
    """A page, and how far was looked for it.

    Attributes:
        items: what is on it.
        number: the number of the page; size: how many items it may have.
        looked_at: how many elements were read.
        is_whole: whether everything there is was looked at, from where the look began.
        more: whether there may be more behind this page.
        total: how many there are in all; None where only a longer look could tell.
        next: where the next page begins, for `after=`; None: there is nothing behind this one.
    """

    items: list[T]
    number: int
    size: int
    looked_at: int
    is_whole: bool
    more: bool
    total: int | None = None
    next: str | None = None


class Groups(list[Group[T]], Generic[T]):
    """Groups, the largest first, and how far was looked for them.

    Attributes:
        looked_at: how many elements were read.
        is_whole: whether everything there is was looked at.
    """

    def __init__(self, groups: Iterable[Group[T]] = (), looked_at: int = 0, is_whole: bool = True) -> None:
        super().__init__(groups)
        self.looked_at = looked_at
        self.is_whole = is_whole

    @property
    def total(self) -> int:
        """How many elements are in all of them."""
        return sum(group.count for group in self)


class Budget:
    """What a look or a round may still read.

    Args:
        elements: how many.
        seconds: for how long; None: as long as it takes.
    """

    def __init__(self, elements: int, seconds: float | None = None) -> None:
        self._elements = elements
        self._bytes = BYTES
        self._end = None if seconds is None else time.monotonic() + seconds
        self.looked_at = 0

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be read."""
        return self.looked_at >= self._elements or self._bytes <= 0 or self.is_late

    @property
    def is_late(self) -> bool:
        """Whether its time is over."""
        return self._end is not None and time.monotonic() >= self._end

    def spend(self, size: int) -> None:
        """One element more, of so many bytes."""
        self.looked_at += 1
        self._bytes -= size


class Scan(Protocol[Some]):
    """A bounded reading of elements, from where somebody has stopped."""

    budget: Budget
    is_whole: bool
    """Whether the end was reached; known when the iteration has ended."""

    def __iter__(self) -> Iterator[Some]:
        """The elements."""

    def cursor(self) -> str | None:
        """Where to go on behind the last element that was given; None: there is nothing left."""


class ElementScan(Generic[T]):
    """As much of one list as a budget allows."""

    def __init__(self, elements: ListScan, budget: Budget, read: Callable[[int, bytes], T]) -> None:
        self.elements = elements
        self.budget = budget
        self._read = read
        self.is_whole = False

    def __iter__(self) -> Iterator[T]:
        for index, raw in self.elements:
            self.budget.spend(len(raw))
            yield self._read(index, raw)
            if self.budget.is_spent:
                break
        self.is_whole = not self.elements.left

    def cursor(self) -> str | None:
        """Where to go on; see `Scan`."""
        return self.elements.cursor() or None


class GivenScan(Generic[T]):
    """Elements that are known already, as a scan gives them.

    Raises:
        InvalidSelection: `after` is not a cursor.
    """

    def __init__(self, items: Sequence[T], budget: Budget, after: str | None) -> None:
        if after and not (after.isascii() and after.isdigit()):
            raise InvalidSelection(f"after={after!r} is not a place among them: begin at the first page")
        self._items = items
        self._at = int(after or 0)
        self.budget = budget
        self.is_whole = False

    def __iter__(self) -> Iterator[T]:
        for item in self._items[self._at :]:
            if self.budget.is_spent:
                return
            self._at += 1
            self.budget.spend(0)
            yield item
        self.is_whole = True

    def cursor(self) -> str | None:
        """Where to go on; see `Scan`."""
        return str(self._at) if self._at < len(self._items) else None


def nearest(
    candidates: Mapping[str, Sequence[T]],
    wanted: Sequence[tuple[str, P]],
    distance: Callable[[T, P], float],
) -> list[T | None]:
    """For each id and place that of the elements with this id that is nearest to it; each only once."""
    taken: set[int] = set()
    found: list[T | None] = []
    for one, place in wanted:
        free = [item for item in candidates.get(one, ()) if id(item) not in taken]
        best = min(free, key=lambda item: distance(item, place), default=None)
        if best is not None:
            taken.add(id(best))
        found.append(best)
    return found


def spans(indexes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """What is to be read about some places in a list: where each part begins and ends."""
    first, last = -1, -1
    for index in sorted(indexes):
        begin, end = max(0, index - GONE_BEFORE), index + AROUND
        if first >= 0 and begin <= last and end - first <= LOOK:
            last = end
            continue
        if first >= 0:
            yield first, last
        first, last = begin, end
    if first >= 0:
        yield first, last


def look_through(
    scan: Scan[T], wanted: Callable[[T], bool], number: int, size: int, *, skip: int, counts: bool
) -> Look[T]:
    """One page of what is wanted.

    Args:
        skip: how many come before this page.
        counts: go on behind the page, to tell how many there are in all.
    """
    items: list[T] = []
    matched, more, place = 0, False, None
    for item in scan:
        if not wanted(item):
            continue
        matched += 1
        if matched <= skip:
            continue
        if len(items) == size:
            more = True
            if not counts:
                break
            continue
        items.append(item)
        if len(items) == size:
            place = scan.cursor()
    if not more:
        place = None if scan.is_whole else scan.cursor()
        more = place is not None
    total = matched if counts and scan.is_whole else None
    return Look(items, number, size, scan.budget.looked_at, scan.is_whole, more, total, place)
