"""Selections of failures: `resque.failures.select(...)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from msgspec import structs

from pyresque.client.failure_lists import ReadLists, failed_at
from pyresque.client.failure_rounds import FailureSteps
from pyresque.client.looking import LOOK, Budget, Groups, Look
from pyresque.client.nearby_failures import Place, find_near
from pyresque.client.retries import Comings, Refused, Retries
from pyresque.client.selection import (
    GONE,
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
from pyresque.wire.records import FailureRecord

if TYPE_CHECKING:
    from pyresque.client.put_back import PutBack

Seen = Sequence[tuple[str, Place | None]]

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
        seen: Seen | None = None,
    ) -> None:
        self._failures = failures
        self._space = space
        self._put_back = put_back
        self._wanted = wanted
        self._list_name = list_name
        self._seen = seen

    def __iter__(self) -> Iterator[FailureRecord]:
        return self._each(self._lists())

    def count(self) -> int:
        """How many there are."""
        lists = self._lists()
        if self._wanted.is_open and self._seen is None and not lists.may_hold_copies:
            return sum(store.count(self._space, name) for name in lists.names)
        return count_of(self._each(lists))

    def page(self, number: int = 1, size: int = 50, newest_first: bool = True) -> list[FailureRecord]:
        """A page of them; the first has the number 1. What is behind it is not read."""
        lists = self._lists()
        if self._wanted.is_open and self._seen is None and len(lists.names) == 1:
            return self._straight(lists.names[0], first_of_page(number, size), size, newest_first)
        records = page_of(self._each(lists, newest_first), number, size)
        return self._failures.with_copies(records) if lists.may_hold_copies else records

    def look(
        self,
        number: int = 1,
        size: int = 50,
        newest_first: bool = True,
        *,
        after: str | None = None,
        budget: int = LOOK,
    ) -> Look[FailureRecord]:
        """A page of them, after reading a bounded part of the lists, however long they are.

        Args:
            number: which page; with `after` it is only a name.
            after: the `next` of the page before: this page goes on there.
            budget: how many failures are read at most.

        Raises:
            InvalidSelection: there is no such page.
        """
        steps, _ = self._steps()
        return steps.look(number, size, newest_first, after, budget, self._wanted.is_open)

    def groups(
        self, by: str = "class", *, most: int | None = None, progress: Progress = None
    ) -> Groups[FailureRecord]:
        """How many there are of each class, exception, top frame of the backtrace, queue or hour.

        Args:
            by: `class`, `exception`, `frame`, `queue` or `hour` (in UTC).
            most: read only so many of the newest failures; None: all.
            progress: is called with how many were read until now.
        """
        way = chosen("failures", by, _WAYS)
        if most is None:
            return Groups(in_groups(told(self, progress), way, failed_at))
        steps, wanted = self._steps()
        scan = steps.scan(Budget(most), True)
        groups = in_groups(told(filter(wanted, scan), progress), way, failed_at, newest_first=True)
        return Groups(groups, scan.budget.looked_at, scan.is_whole)

    def by_class(self) -> dict[str, int]:
        """How many there are of each class, the most first."""
        return by_class(record.class_name for record in self)

    def plan(
        self,
        *,
        again: bool = False,
        pending: bool = False,
        progress: Progress = None,
        most: int | None = None,
    ) -> ActionResult:
        """What `retry` would do now: with how many, of which classes, and how many it would leave alone.

        That something is not a job shows only when it is put back.

        Args:
            most: what the first round would do; see `retry`.
        """
        return self._retried(None, again, pending, Tally(progress), most=most)

    def retry(
        self,
        *,
        again: bool = False,
        pending: bool = False,
        progress: Progress = None,
        refused: Refused = None,
        most: int | None = None,
        after: str | None = None,
    ) -> ActionResult:
        """Put their jobs back on their queues; the records stay, and are marked as retried.

        Each is put back in one step with its mark. What was put back before is left alone, and so is what
        comes again by itself (`Retry`, resque-retry): it would run twice.

        Args:
            again: put back also those that were put back before.
            pending: let those that are delayed until their next attempt come now instead.
            progress: is called with how many failures were dealt with until now.
            refused: is called with each failure that cannot be put back, and why.
            most: only a round, of so many, that takes some two seconds at most; None: all, however long.
            after: the `next` of the round before: this one goes on there.
        """
        return self._retried(self._put_back, again, pending, Tally(progress), refused, most, after)

    def _retried(
        self,
        put_back: PutBack | None,
        again: bool,
        pending: bool,
        tally: Tally,
        refused: Refused = None,
        most: int | None = None,
        after: str | None = None,
    ) -> ActionResult:
        most = self._in_one_round(most)
        retries = Retries(self._failures, put_back, again, pending, tally, refused, thorough=most is None)
        if most is not None:
            return self._steps()[0].retry(retries, most, after)
        lists = self._lists()
        if lists.may_hold_copies:
            retries.retry(self._failures.with_copies(list(self._each(lists))))
        else:
            for piece in in_pieces(self._each(lists), PIECE):
                retries.retry([structs.replace(record, copies=()) for record in piece])
        return tally.result()

    def remove(
        self, *, progress: Progress = None, most: int | None = None, after: str | None = None
    ) -> ActionResult:
        """Remove them in one pass, and what was put aside with them: their jobs are gone then.

        Args:
            progress: is called with how many were removed until now.
            most: only a round, of so many, from the newest on; see `retry`.
            after: the `next` of the round before.
        """
        tally = Tally(progress)
        most = self._in_one_round(most)
        if most is not None:
            return self._steps()[0].remove(tally, most, after)
        lists = self._lists()
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

    def _each(self, lists: ReadLists, newest_first: bool = False) -> Iterator[FailureRecord]:
        if self._seen is not None:
            yield from self._given(lists, newest_first)
            return
        wanted = self._resolved()
        marked = lists.marked(newest_first) if wanted.retried is not None else frozenset()
        for key, record in lists.each(newest_first):
            if wanted(record, key in marked):
                yield record

    def _lists(self) -> ReadLists:
        return ReadLists(self._space, self._failures.lists(), self._list_name)

    def _in_one_round(self, most: int | None) -> int | None:
        """How many a round deals with: those that are given by their ids in one."""
        return most if self._seen is None else max(1, len(self._seen))

    def _given(self, lists: ReadLists, newest_first: bool = False) -> list[FailureRecord]:
        """Those that are given by their ids, and still there; in the order of the list."""
        found = [item for item in find_near(self._space, lists, self._seen or ()) if item is not None]
        return sorted(found, key=lambda record: record.index, reverse=newest_first)

    def _steps(self) -> tuple[FailureSteps, Callable[[FailureRecord], bool]]:
        """Bounded steps, and what is wanted of each failure."""
        lists, wanted = self._lists(), self._resolved()
        given = None if self._seen is None else self._given(lists)
        marked = frozenset[str]()
        if wanted.retried is not None and lists.may_hold_copies and lists.is_small:
            marked = lists.identities_marked()

        def is_wanted(record: FailureRecord) -> bool:
            return wanted(record, bool(marked) and identity(record) in marked)

        return FailureSteps(self._space, self._failures, lists, is_wanted, given), is_wanted

    def _resolved(self) -> FailureFilter:
        """The filter with whole ids: beginnings of ids are looked for, as `find` does."""
        ids = self._wanted.ids
        short = [item_id for item_id in ids or () if len(item_id) not in LENGTHS]
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
