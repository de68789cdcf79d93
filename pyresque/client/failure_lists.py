"""The failure lists that are read for a selection: whole, or as much of them as a look may take.

A failure that is in several lists (`failed` and `Q_failed`) is given once.
"""

from __future__ import annotations

import heapq
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from pyresque.client.looking import Budget
from pyresque.errors import InvalidSelection
from pyresque.failure.copies import identity
from pyresque.store import failures as store
from pyresque.store.list_scan import FIRST, ListScan, Mark
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.records import FailureRecord

FEW = 20_000
"""So many failures in all lists together are read for the copies of some."""
OVERLAP = 50
"""Failures before a place that are read again, for their copies in other lists."""


def failed_at(record: FailureRecord) -> float | None:
    """When a job failed, in seconds since the epoch; None where its record does not tell."""
    text = record.text("failed_at")
    return None if text is None else _parsed(text, time.tzname)


@lru_cache(maxsize=4096)
def _parsed(text: str, _zone: tuple[str, str]) -> float | None:
    """A time, which failures that come close together share; letters may stand for the local zone."""
    return times.parse(text)


class ReadLists:
    """The failure lists that are read for a selection."""

    def __init__(self, space: Space, every: Sequence[str], list_name: str | None) -> None:
        self._space = space
        counts = store.counts(space, every)
        full = [name for name in every if counts[name]]
        self.full = full
        """The names of all lists that hold anything."""
        self.names = [name for name in full if list_name in (None, name)]
        self.may_hold_copies = "failed" in full and len(full) > 1
        """Whether a failure may be in two lists: with several backends, in `failed` and in its queue's."""
        self.count = sum(counts[name] for name in self.names)
        """How many records those hold that are read."""
        self.is_small = sum(counts.values()) <= FEW
        """Whether all lists together may be read for one look."""

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
            for name in self.full
            for record in store.each(self._space, name, newest_first=newest_first)
        )
        return frozenset(key for key, record in _keyed(records) if record.was_retried)

    def identities_marked(self) -> frozenset[str]:
        """What is the same in all copies of each failure that has a marked record."""
        records = (record for name in self.full for record in store.each(self._space, name))
        return frozenset(identity(record) for record in records if record.was_retried)


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


class FailureScan:
    """As many failures as a budget allows, each once, by time; copies of one that was given are left out.

    Args:
        lists: the lists to read.
        newest_first: from which end.
        after: a cursor, from a scan of the same lists and direction.

    Raises:
        InvalidSelection: this is not a cursor.
    """

    def __init__(
        self, space: Space, lists: ReadLists, newest_first: bool, budget: Budget, after: str | None = None
    ) -> None:
        self._space = space
        self._newest_first = newest_first
        self._has_copies = lists.may_hold_copies and len(lists.names) > 1
        places = _places_in(after)
        first = FIRST if len(lists.names) < 10 else 2
        self._scans = {
            name: ListScan(
                space, space.keys.failed_list(name), newest_first, places.get(name, ""), _sign, first
            )
            for name in lists.names
            if not (after and places.get(name) == "")
        }
        self._done = {name: "" for name in lists.names if name not in self._scans}
        self._marks = {name: scan.mark for name, scan in self._scans.items()}
        self.budget = budget
        self.is_whole = False

    def __iter__(self) -> Iterator[FailureRecord]:
        if not self._has_copies:
            yield from self._by_time()
            return
        known = self._before()
        number = len(known)
        seen: set[int] = set()
        for n, (key, record) in enumerate(_keyed(_chained(known, self._by_time()))):
            if key not in seen and n >= number:
                yield record
            seen.add(key)

    def cursor(self) -> str | None:
        """Where to go on behind the last failure that was given; None: there is nothing left."""
        places = {name: scan.cursor_of(self._marks[name]) for name, scan in self._scans.items()}
        if not any(places.values()):
            return None
        return json.dumps(self._done | places, separators=(",", ":"))

    def start_at(self, name: str, offset: int) -> None:
        """Begin so many failures from the end that is read first, in the only list that is read."""
        scan = self._scans[name]
        place = max(0, scan.length - offset) if self._newest_first else min(scan.length, offset)
        scan.skip_to(place)

    def _by_time(self) -> Iterator[FailureRecord]:
        sign = -1 if self._newest_first else 1
        sources = {name: iter(scan) for name, scan in self._scans.items()}
        heap: list[tuple[float, int, str, FailureRecord, Mark]] = []
        before = dict.fromkeys(sources, float("inf") if self._newest_first else 0.0)

        def push(number: int, name: str) -> None:
            found = next(sources[name], None)
            if found is None:
                return
            record = FailureRecord.parse(found[1], name, found[0])
            at = failed_at(record) if len(sources) > 1 else 0.0
            before[name] = before[name] if at is None else at
            mark = self._scans[name].mark
            heapq.heappush(heap, (sign * before[name], number, name, record, mark))

        for number, name in enumerate(sources):
            push(number, name)
        while heap:
            if self.budget.is_spent:
                return
            _, number, name, record, mark = heapq.heappop(heap)
            self._marks[name] = mark
            self.budget.spend(len(record.raw))
            yield record
            push(number, name)
        self._marks = dict.fromkeys(self._marks, (0, b"", 0))
        self.is_whole = True

    def _before(self) -> list[FailureRecord]:
        """What was given last from each list, in the direction of reading: copies of it may still come."""
        found: list[FailureRecord] = []
        for name, scan in self._scans.items():
            first = scan.at if self._newest_first else max(0, scan.at - OVERLAP)
            count = OVERLAP if self._newest_first else scan.at - first
            records = store.read(self._space, name, first, count)
            found += records[::-1] if self._newest_first else records
        return found


def _chained(*parts: Iterable[FailureRecord]) -> Iterator[FailureRecord]:
    for part in parts:
        yield from part


def _sign(raw: bytes) -> bytes:
    """What stays the same in a failure when it is marked as retried."""
    return identity(FailureRecord.parse(raw)).encode()


def _places_in(after: str | None) -> Mapping[str, str]:
    if not after:
        return {}
    try:
        places = json.loads(after)
    except (ValueError, RecursionError):
        places = None
    if not isinstance(places, dict) or not all(isinstance(place, str) for place in places.values()):
        raise InvalidSelection(f"after={after!r} is not a place in the list: begin at the first page")
    return places
