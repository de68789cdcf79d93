"""Selections: some of many failures, delayed jobs or waiting jobs, to look at and to act on.

A selection holds no elements. It reads them, piece by piece, each time it is asked, so what has come since is
in it, too. A moment that was given as a length of time (`since=timedelta(hours=1)`) does not move with that.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, Generic, TypeVar

from pyresque.errors import InvalidSelection
from pyresque.model.moments import Moment, seconds_at
from pyresque.usercode.safely import plain_name
from pyresque.wire.times import rfc3339

T = TypeVar("T")

NameFilter = str | Iterable[str] | None
"""One name, or several; `*` stands for any text and `?` for one character. None: whatever the name."""
When = Moment | timedelta | None
"""A moment, or a length of time from now."""
Progress = Callable[[int], object] | None
"""Is called now and then with how many elements were dealt with until now."""

MOST_GROUPS = 10_000
"""So many groups are told apart; what comes beyond goes together under `OTHERS`."""
OTHERS = "(others)"

GONE = "gone meanwhile"
NOT_A_JOB = "not a job"
"""Why an action left elements alone: keys of `ActionResult.skipped`; each kind of selection has more."""

_WILD = re.compile(r"[*?]")


class Pattern:
    """A question about names.

    Raises:
        InvalidSelection: what was given is not a name.
    """

    def __init__(self, what: str, names: NameFilter) -> None:
        listed = _listed(what, names)
        self._any = listed is None
        self._exact = frozenset(listed or ())
        parts = [re.escape(name).replace(r"\*", ".*").replace(r"\?", ".") for name in listed or ()]
        wild = any(_WILD.search(name) for name in listed or ())
        self._glob = re.compile("|".join(parts), re.DOTALL) if wild else None

    def __call__(self, name: str | None) -> bool:
        """Whether a name is meant; None, of what has no name, is meant only where every name is."""
        if self._any or name is None:
            return self._any
        name = name.removeprefix("::")
        return name in self._exact or (self._glob is not None and self._glob.fullmatch(name) is not None)

    @property
    def is_open(self) -> bool:
        """Whether every name is meant."""
        return self._any


def _listed(what: str, names: NameFilter) -> list[str] | None:
    if names is None:
        return None
    names = plain_name(names)
    listed = [names] if isinstance(names, str) or not isinstance(names, Iterable) else [*names]
    listed = [plain_name(name) for name in listed]
    for name in listed:
        if not isinstance(name, str):
            raise InvalidSelection(
                f'{what}={name!r} is not a text: give one such as "Reports::*", or several'
            )
    return [name.removeprefix("::") for name in listed]


class Window:
    """A question about moments: whether they lie between two, these included.

    Raises:
        InvalidTime: one of them is not a moment.
    """

    def __init__(self, since: When, until: When, *, ago: bool) -> None:
        self.since, self.until = _second(since, ago), _second(until, ago)

    @property
    def is_open(self) -> bool:
        """Whether every moment is meant, and what has none."""
        return self.since is None and self.until is None

    def __call__(self, at: float | None) -> bool:
        """Whether a moment is meant; None, of what has none, is meant only where everything is."""
        if at is None:
            return self.is_open
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


def _second(when: When, ago: bool) -> float | None:
    if isinstance(when, timedelta):
        seconds = when.total_seconds()
        return seconds_at(time.time() + (-seconds if ago else seconds))
    return None if when is None else seconds_at(when)


ANY_NAME = Pattern("name", None)
ANY_TIME = Window(None, None, ago=False)


def has_text(text: str, raw: bytes, value: object) -> bool:
    """Whether a text occurs in an element: in its bytes, or in a text that it holds as JSON."""
    if text in raw.decode("utf-8", "replace"):
        return True
    if b"\\" not in raw:
        return False  # without an escape each text is there as it is
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str) and text in item:
            return True
        if isinstance(item, dict):
            left += [*item, *item.values()]
        elif isinstance(item, list):
            left += item
    return False


def checked_text(text: str | None) -> str:
    """The text that is looked for; empty where none is.

    Raises:
        InvalidSelection: it is not text.
    """
    text = plain_name(text)
    if text is not None and not isinstance(text, str):
        raise InvalidSelection(f"text={text!r} is not a text")
    return text or ""


def ids_of(ids: NameFilter) -> frozenset[str] | None:
    """The ids that are meant; None where all are.

    Raises:
        InvalidSelection: one of them is not text.
    """
    listed = _listed("ids", ids)
    return None if listed is None else frozenset(listed)


def whole_ids(
    ids: frozenset[str] | None, length: int, every: Callable[[], Iterable[str]]
) -> frozenset[str] | None:
    """Ids, where each beginning of ids is replaced by the one id that begins so, if there is just one.

    Args:
        length: how long an id is.
        every: gives the ids of everything there is; it is asked only if there are beginnings.
    """
    short = [item_id for item_id in ids or () if len(item_id) < length]
    if ids is None or not short:
        return ids
    known = set(every())
    found = ([known_name for known_name in known if known_name.startswith(start)] for start in short if start)
    return ids.difference(short).union(*(ones for ones in found if len(ones) == 1))


@dataclass(frozen=True)
class Group(Generic[T]):
    """Elements that have something in common: `key`, which is empty where it cannot be told.

    `first` and `last` are seconds since the epoch (None: not known); `example` is the last of them.
    """

    key: str
    count: int
    first: float | None
    last: float | None
    example: T


@dataclass(frozen=True)
class ActionResult:
    """What an action has done: with how many, of which classes, and how many it left alone, and why.

    `next` is where the next round goes on (`after=`), of an action in rounds (`most=`); None: it has ended.
    """

    done: int
    skipped: dict[str, int] = field(default_factory=dict)
    by_class: dict[str, int] = field(default_factory=dict)
    next: str | None = None

    @property
    def more(self) -> bool:
        """Whether another round has to look further."""
        return self.next is not None

    @property
    def left_alone(self) -> int:
        """How many were left alone."""
        return sum(self.skipped.values())


class Tally:
    """Counts what an action does, and tells of its progress."""

    def __init__(self, progress: Progress = None, every: int = 500) -> None:
        self._classes: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()
        self._progress, self._every = progress, every
        self._told = 0

    @property
    def count(self) -> int:
        """How many were done until now."""
        return self._classes.total()

    def done(self, class_name: str) -> None:
        """One more."""
        self._classes[group_in(self._classes, class_name)] += 1
        self._tell()

    def skip(self, reason: str) -> None:
        """One was left alone."""
        self._skipped[reason] += 1
        self._tell()

    def result(self, next: str | None = None) -> ActionResult:
        """What there is to say at the end, or after a round: then with where the next one goes on."""
        total = self._classes.total() + self._skipped.total()
        if self._progress is not None and total != self._told:
            self._progress(total)
        skipped = dict(self._skipped.most_common())
        return ActionResult(self._classes.total(), skipped, ranked(self._classes), next)

    def _tell(self) -> None:
        if self._progress is None:
            return
        total = self._classes.total() + self._skipped.total()
        if total - self._told >= self._every:
            self._told = total
            self._progress(total)


def ranked(counts: Counter[str]) -> dict[str, int]:
    """Counts by name, the largest first."""
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def group_in(groups: Collection[str], name: str) -> str:
    """The group that a name belongs to: its own, or `OTHERS` where there are too many already."""
    return name if name in groups or len(groups) < MOST_GROUPS else OTHERS


def in_groups(
    items: Iterable[T],
    key_of: Callable[[T], str],
    at_of: Callable[[T], float | None],
    *,
    newest_first: bool = False,
) -> list[Group[T]]:
    """Elements by what `key_of` tells of them, the largest group first.

    Args:
        newest_first: whether that is the order in which they come.
    """
    found: dict[str, tuple[int, float | None, float | None, T]] = {}
    for item in items:
        key, at = group_in(found, key_of(item)), at_of(item)
        count, first, last, example = found.get(key, (0, None, None, item))
        if at is not None:
            first = at if first is None else min(at, first)
            last = at if last is None else max(at, last)
        found[key] = (count + 1, first, last, example if newest_first else item)
    groups = [Group(key, *held) for key, held in found.items()]
    return sorted(groups, key=lambda group: (-group.count, group.key))


def hour_of(at: float | None) -> str:
    """The hour that a moment is in, in UTC: `2026-11-30T17:00:00Z`; empty where there is none."""
    return "" if at is None else _hour(at // 3600)


@lru_cache(maxsize=1024)
def _hour(number: float) -> str:
    return rfc3339(3600 * number) or ""


def chosen(what: str, by: str, ways: dict[str, T]) -> T:
    """The one of these ways that is named.

    Raises:
        InvalidSelection: there is no such way.
    """
    way = ways.get(by) if isinstance(by, str) else None
    if way is None:
        raise InvalidSelection(f"{what} cannot be grouped by {by!r}: it must be one of {', '.join(ways)}")
    return way


def page_of(items: Iterable[T], number: int, size: int) -> list[T]:
    """One page, the first has the number 1; nothing behind it is read."""
    first = first_of_page(number, size)
    return list(islice(items, first, first + size))


def first_of_page(number: int, size: int) -> int:
    """How many elements are before a page.

    Raises:
        InvalidSelection: there is no such page.
    """
    for name, value in (("number", number), ("size", size)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InvalidSelection(f"{name}={value!r} of a page must be 1 or more")
    return (number - 1) * size


def in_pieces(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The same in lists of so many."""
    source = iter(items)
    while piece := list(islice(source, size)):
        yield piece


def by_class(names: Iterable[str]) -> dict[str, int]:
    """How many there are of each class, the most first."""
    counts: Counter[str] = Counter()
    for name in names:
        counts[group_in(counts, name)] += 1
    return ranked(counts)


def told(items: Iterable[T], progress: Progress, every: int = 500) -> Iterator[T]:
    """The same elements; `progress` is called now and then with how many were read until now."""
    for number, item in enumerate(items, 1):
        if progress is not None and number % every == 0:
            progress(number)
        yield item


def count_of(items: Iterable[Any]) -> int:
    """How many there are."""
    return sum(1 for _ in items)
