"""Selections of failures: `resque.failures.select(...)`."""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from msgspec import structs

from pyresque.client.retries import Comings, Refused, Retries
from pyresque.client.selection import (
    GONE,
    ActionResult,
    Group,
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
    first_of_page,
    has_text,
    hour_of,
    ids_of,
    in_groups,
    in_pieces,
    page_of,
    told,
)
from pyresque.failure.copies import identity
from pyresque.store import failures as store
from pyresque.store.connection.link import Command
from pyresque.store.removal import weed
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.records import FailureRecord

if TYPE_CHECKING:
    from pyresque.client.put_back import PutBack

PIECE = 5000
"""Failures whose next attempts are looked for in one go: that reads the delayed and the waiting jobs."""
LENGTHS = (36, 45)
"""How long ids are: a failure_id, and `sha1:` with a digest. Others are beginnings of them."""


class FailureLists(Comings, Protocol):
    """What a selection needs of `resque.failures`."""

    def lists(self) -> list[str]:
        """The names of the failure lists."""

    def find_all(self, record_ids: Sequence[str]) -> list[FailureRecord | None]:
        """The failure with each of these ids, or with an id that alone begins so."""

    def with_copies(self, failures: Sequence[FailureRecord]) -> list[FailureRecord]:
        """These failures, each with its copies in other lists."""

    def remove_all(self, failures: Sequence[FailureRecord]) -> list[bool]:
        """Remove failures with their copies; for each whether it was still there."""


@dataclass(frozen=True)
class FailureFilter:
    """What is asked of a failure; everything that is given must be so."""

    class_name: Pattern
    exception: Pattern
    queue: Pattern
    window: Window
    text: str = ""
    retried: bool | None = None
    ids: frozenset[str] | None = None

    @classmethod
    def of(
        cls,
        class_name: NameFilter = None,
        exception: NameFilter = None,
        queue: NameFilter = None,
        text: str | None = None,
        since: When = None,
        until: When = None,
        retried: bool | None = None,
        ids: NameFilter = None,
    ) -> FailureFilter:
        """Read what a user asks for; see `Failures.select`."""
        patterns = Pattern("class_name", class_name), Pattern("exception", exception), Pattern("queue", queue)
        return cls(*patterns, Window(since, until, ago=True), checked_text(text), retried, ids_of(ids))

    @property
    def is_open(self) -> bool:
        """Whether every failure is meant."""
        parts = (self.class_name, self.exception, self.queue, self.window)
        return all(part.is_open for part in parts) and not self.text and self.retried is None is self.ids

    def __call__(self, record: FailureRecord, is_marked: bool = False) -> bool:
        """Whether this failure is meant.

        Args:
            is_marked: whether a copy of it is marked as retried.
        """
        return (
            (self.ids is None or record.id in self.ids)
            and (self.retried is None or (record.was_retried or is_marked) == self.retried)
            and (self.class_name.is_open or self.class_name(record.class_name))
            and self.exception(record.text("exception"))
            and self.queue(record.text("queue"))
            and (self.window.is_open or self.window(failed_at(record)))
            and (not self.text or _has_text(self.text, record))
        )


def _has_text(text: str, record: FailureRecord) -> bool:
    if has_text(text, record.raw, record.value):
        return True
    aside = record.aside_text  # a script has quoted what is not plain in it
    return "%" in aside and text in unquote(aside)


def failed_at(record: FailureRecord) -> float | None:
    """When a job failed, in seconds since the epoch; None where its record does not tell."""
    text = record.text("failed_at")
    return None if text is None else _parsed(text, time.tzname)


@lru_cache(maxsize=4096)
def _parsed(text: str, _zone: tuple[str, str]) -> float | None:
    """A time, which failures that come close together share; letters may stand for the local zone."""
    return times.parse(text)


_WAYS: dict[str, Callable[[FailureRecord], str]] = {
    "class": lambda record: record.class_name,
    "exception": lambda record: record.text("exception") or "",
    "frame": lambda record: record.backtrace[0] if record.backtrace else "",
    "queue": lambda record: record.text("queue") or "",
    "hour": lambda record: hour_of(failed_at(record)),
}


class FailureSelection:
    """Some of the failures. Iteration gives them, the oldest first.

    A failure that is in several lists (`failed` and `Q_failed`) is there once.
    """

    def __init__(
        self,
        failures: FailureLists,
        space: Space,
        put_back: PutBack,
        wanted: FailureFilter,
        list_name: str | None,
    ) -> None:
        self._failures = failures
        self._space = space
        self._put_back = put_back
        self._wanted = wanted
        self._list_name = list_name

    def __iter__(self) -> Iterator[FailureRecord]:
        return self._each(_Lists(self._failures, self._space, self._list_name))

    def count(self) -> int:
        """How many there are."""
        lists = _Lists(self._failures, self._space, self._list_name)
        if self._wanted.is_open and not lists.may_hold_copies:
            return sum(store.count(self._space, name) for name in lists.names)
        return count_of(self._each(lists))

    def page(self, number: int = 1, size: int = 50, newest_first: bool = True) -> list[FailureRecord]:
        """A page of them; the first has the number 1. What is behind it is not read."""
        lists = _Lists(self._failures, self._space, self._list_name)
        if self._wanted.is_open and len(lists.names) == 1:
            return self._straight(lists.names[0], first_of_page(number, size), size, newest_first)
        records = page_of(self._each(lists, newest_first), number, size)
        return self._failures.with_copies(records) if lists.may_hold_copies else records

    def groups(self, by: str = "class", *, progress: Progress = None) -> list[Group[FailureRecord]]:
        """How many there are of each class, exception, top frame of the backtrace, queue or hour.

        Args:
            by: `class`, `exception`, `frame`, `queue` or `hour` (in UTC).
            progress: is called with how many were read until now.
        """
        return in_groups(told(self, progress), chosen("failures", by, _WAYS), failed_at)

    def by_class(self) -> dict[str, int]:
        """How many there are of each class, the most first."""
        return by_class(record.class_name for record in self)

    def plan(self, *, again: bool = False, pending: bool = False, progress: Progress = None) -> ActionResult:
        """What `retry` would do now: with how many, of which classes, and how many it would leave alone.

        That something is not a job shows only when it is put back.
        """
        return self._retried(Retries(self._failures, None, again, pending, Tally(progress)))

    def retry(
        self,
        *,
        again: bool = False,
        pending: bool = False,
        progress: Progress = None,
        refused: Refused = None,
    ) -> ActionResult:
        """Put their jobs back on their queues; the records stay, and are marked as retried.

        Each is put back in one step with its mark. What was put back before is left alone, and so is what
        comes again by itself (`Retry`, resque-retry): it would run twice.

        Args:
            again: put back also those that were put back before.
            pending: let those that are delayed until their next attempt come now instead.
            progress: is called with how many failures were dealt with until now.
            refused: is called with each failure that cannot be put back, and why.
        """
        return self._retried(
            Retries(self._failures, self._put_back, again, pending, Tally(progress), refused)
        )

    def _retried(self, retries: Retries) -> ActionResult:
        lists = _Lists(self._failures, self._space, self._list_name)
        if lists.may_hold_copies:
            retries.retry(self._failures.with_copies(list(self._each(lists))))
        else:
            for piece in in_pieces(self._each(lists), PIECE):
                retries.retry([structs.replace(record, copies=()) for record in piece])
        return retries.tally.result()

    def remove(self, *, progress: Progress = None) -> ActionResult:
        """Remove them in one pass, and what was put aside with them: their jobs are gone then.

        Args:
            progress: is called with how many were removed until now.
        """
        tally = Tally(progress)
        lists = _Lists(self._failures, self._space, self._list_name)
        if lists.may_hold_copies:
            records = list(self._each(lists))
            for record, gone in zip(records, self._failures.remove_all(records), strict=True):
                tally.done(record.class_name) if gone else tally.skip(GONE)
            return tally.result()
        wanted = self._resolved()
        for name in lists.names:
            self._remove_from(name, wanted, tally)
        return tally.result()

    def _remove_from(self, name: str, wanted: FailureFilter, tally: Tally) -> None:
        def doom(raw: bytes) -> Sequence[Command] | None:
            return () if wanted(FailureRecord.parse(raw, name)) else None

        def gone(raw: bytes) -> None:
            tally.done(FailureRecord.parse(raw, name).class_name)

        weed(self._space, self._space.keys.failed_list(name), doom, with_aside=True, gone=gone)

    def _each(self, lists: _Lists, newest_first: bool = False) -> Iterator[FailureRecord]:
        wanted = self._resolved()
        marked = lists.marked(newest_first) if wanted.retried is not None else frozenset()
        for key, record in lists.each(newest_first):
            if wanted(record, key in marked):
                yield record

    def _resolved(self) -> FailureFilter:
        """The filter with whole ids: beginnings of ids are looked for, as `find` does."""
        ids = self._wanted.ids
        short = [one for one in ids or () if len(one) not in LENGTHS]
        if ids is None or not short:
            return self._wanted
        found = [record.id for record in self._failures.find_all(short) if record is not None]
        return replace(self._wanted, ids=ids.difference(short).union(found))

    def _straight(self, name: str, first: int, size: int, newest_first: bool) -> list[FailureRecord]:
        """A page of a whole list, without reading any other."""
        if not newest_first:
            return store.read(self._space, name, first, size)
        last = store.count(self._space, name) - first
        offset = max(0, last - size)
        return store.read(self._space, name, offset, last - offset)[::-1]


class _Lists:
    """The failure lists that are read for a selection."""

    def __init__(self, failures: FailureLists, space: Space, list_name: str | None) -> None:
        self._space = space
        every = failures.lists()
        full = [name for name in every if store.count(space, name)]
        self._full = full
        self.names = [name for name in full if list_name in (None, name)]
        self.may_hold_copies = "failed" in full and len(full) > 1
        """Whether a failure may be in two lists: with several backends, in `failed` and in its queue's."""

    def each(self, newest_first: bool = False) -> Iterator[tuple[int, FailureRecord]]:
        """Every failure once, by time where there are several lists; with a key of its copies."""
        window = max(10, store.WINDOW // max(1, len(self.names)))
        lists = [
            store.each(self._space, name, newest_first=newest_first, window=window) for name in self.names
        ]
        if len(lists) == 1:
            yield from ((0, record) for record in lists[0])
            return
        start = float("inf") if newest_first else 0.0
        timed = heapq.merge(
            *(_timed(records, start) for records in lists), key=lambda pair: pair[0], reverse=newest_first
        )
        records = (record for _, record in timed)
        yield from _each_once(records) if self.may_hold_copies else ((0, record) for record in records)

    def marked(self, newest_first: bool) -> frozenset[int]:
        """Which failures have a record that is marked as retried, where another may not be."""
        if not self.may_hold_copies:
            return frozenset()
        records = (
            record
            for name in self._full
            for record in store.each(self._space, name, newest_first=newest_first)
        )
        return frozenset(key for key, record in _keyed(records) if record.was_retried)


def _timed(records: Iterator[FailureRecord], before: float) -> Iterator[tuple[float, FailureRecord]]:
    """Records with their moments; one that tells none has that of the one before."""
    for record in records:
        at = failed_at(record)
        before = before if at is None else at
        yield before, record


def _each_once(records: Iterator[FailureRecord]) -> Iterator[tuple[int, FailureRecord]]:
    """The same without copies of what came before (failure/copies.py): the first one stands for all."""
    seen: set[int] = set()
    for key, record in _keyed(records):
        if key not in seen:
            seen.add(key)
            yield key, record


def _keyed(records: Iterator[FailureRecord]) -> Iterator[tuple[int, FailureRecord]]:
    """Records with what all copies of one failure share; read in the same direction from each list."""
    before: Counter[int] = Counter()
    for record in records:
        key = hash(identity(record))
        if record.failure_id is None:  # equal ones of one list are failures of their own
            name = hash((key, record.list_name))
            before[name] += 1
            key = hash((key, before[name]))
        yield key, record
