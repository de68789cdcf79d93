"""Looking at failures, and acting on them, in bounded steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import structs

from pyresque.client.failure_lists import FailureScan, ReadLists
from pyresque.client.looking import ROUND, SECONDS, Budget, GivenScan, Look, Scan, look_through
from pyresque.client.nearby_failures import with_near_copies
from pyresque.client.retries import Retries
from pyresque.client.selection import GONE, ActionResult, Tally, first_of_page
from pyresque.store import failures as store
from pyresque.store.space import Space
from pyresque.wire.records import FailureRecord

PIECE = 1000
"""Failures that are acted on in one go; then it is asked whether there is time for more."""

Wanted = Callable[[FailureRecord], bool]


class WithCopies(Protocol):
    """What bounded steps need of `resque.failures`."""

    def with_copies(self, failures: Sequence[FailureRecord]) -> list[FailureRecord]:
        """These failures, each with its copies in other lists."""


class FailureSteps:
    """Bounded steps through some of the failures.

    Args:
        given: the failures, where they are known already.
    """

    def __init__(
        self,
        space: Space,
        failures: WithCopies,
        lists: ReadLists,
        wanted: Wanted,
        given: Sequence[FailureRecord] | None,
    ) -> None:
        self._space = space
        self._failures = failures
        self._lists = lists
        self._wanted = wanted
        self._given = given

    def scan(self, budget: Budget, newest_first: bool, after: str | None = None) -> Scan[FailureRecord]:
        """What is read."""
        if self._given is not None:
            given = sorted(self._given, key=lambda record: record.index, reverse=newest_first)
            return GivenScan(given, budget, after)
        return FailureScan(self._space, self._lists, newest_first, budget, after)

    def look(
        self, number: int, size: int, newest_first: bool, after: str | None, most: int, is_open: bool
    ) -> Look[FailureRecord]:
        """One page; see `FailureSelection.look`."""
        skip = 0 if after else first_of_page(number, size)
        scan = self.scan(Budget(most), newest_first, after)
        if is_open and not after and len(self._lists.names) == 1 and isinstance(scan, FailureScan):
            scan.start_at(self._lists.names[0], skip)
            skip = 0
        counts = not is_open and not after and self._lists.count <= most
        found = look_through(scan, self._wanted, number, size, skip=skip, counts=counts)
        items = self.with_copies(found.items)
        total = found.total
        if self._given is not None:
            total = len(self._given)
        elif is_open and not self._lists.may_hold_copies:
            total = self._lists.count
        return Look(items, number, size, found.looked_at, found.is_whole, found.more, total, found.next)

    def with_copies(self, records: Sequence[FailureRecord]) -> list[FailureRecord]:
        """These records with their copies: of long lists only with those that failed about then."""
        if not self._lists.may_hold_copies:
            return [structs.replace(record, copies=()) for record in records]
        if self._lists.is_small:
            return self._failures.with_copies(records)
        return with_near_copies(self._space, records, self._lists.full)

    def retry(self, retries: Retries, most: int, after: str | None) -> ActionResult:
        """Put at most so many back, the oldest first."""
        return self._round(most, after, False, retries.tally, retries.retry)

    def remove(self, tally: Tally, most: int, after: str | None) -> ActionResult:
        """Remove at most so many, the newest first."""

        def remove(records: Sequence[FailureRecord]) -> None:
            gone = self._removed(records)
            for record in records:
                if gone[record.list_name, record.raw] > 0:
                    gone[record.list_name, record.raw] -= 1
                    tally.done(record.class_name)
                else:
                    tally.skip(GONE)

        return self._round(most, after, True, tally, remove)

    def _removed(self, records: Sequence[FailureRecord]) -> Counter[tuple[str, bytes]]:
        """Remove these records and their copies; which went, by list and bytes."""
        doomed: dict[str, dict[int, FailureRecord]] = {}
        for record in records:
            for copy in (record, *(record.copies or ())):
                doomed.setdefault(copy.list_name, {})[copy.index] = copy
        gone: Counter[tuple[str, bytes]] = Counter()
        for name, those in doomed.items():
            places = sorted(those.values(), key=lambda record: record.index)
            for record, went in zip(places, store.remove_at(self._space, name, places), strict=True):
                gone[name, record.raw] += went
        return gone

    def _round(
        self,
        most: int,
        after: str | None,
        newest_first: bool,
        tally: Tally,
        act: Callable[[list[FailureRecord]], None],
    ) -> ActionResult:
        first_of_page(1, most)
        scan = self.scan(Budget(ROUND, SECONDS), newest_first, after)
        piece: list[FailureRecord] = []
        met = 0
        for record in scan:
            if self._wanted(record):
                piece.append(record)
                met += 1
            if len(piece) == PIECE or (met == most and piece):
                act(self.with_copies(piece))
                piece = []
            if met == most:
                break
        if piece:
            act(self.with_copies(piece))
        return tally.result(None if scan.is_whole else scan.cursor())
