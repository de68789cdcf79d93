"""Finding failures, and copies of them, in lists that are too long to be read for that.

Lists of failures grow at their end, so the older ones come first: where those of a moment are is found by
halving. Who has seen a failure knows where it stood: it is looked for there first, for only what comes
before it may have gone since.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import structs

from pyresque.client.failure_lists import ReadLists, failed_at
from pyresque.client.looking import AROUND, LOOK, ROUND, Budget, nearest, spans
from pyresque.failure.copies import with_copies
from pyresque.store import failures as store
from pyresque.store.list_scan import ListScan
from pyresque.store.space import Space
from pyresque.wire.records import FailureRecord

Place = tuple[str, int]
"""Where a failure stood: the bare name of its list, and its index there."""
Records = list[FailureRecord]

SLACK = 5.0
"""Seconds by which copies of one failure may differ: they are written one after the other."""


def with_near_copies(space: Space, records: Sequence[FailureRecord], lists: Sequence[str]) -> Records:
    """These records, each with those of its copies that failed about when it did.

    Args:
        lists: the names of all lists that hold anything.
    """
    queues = {record.text("queue") for record in records}
    names = {"failed", *(record.list_name for record in records), *(f"{queue}_failed" for queue in queues)}
    moments = sorted(at for at in map(failed_at, records) if at is not None)
    if not moments:
        return [structs.replace(record, copies=()) for record in records]
    among = (record for name in lists if name in names for record in _about(space, name, moments))
    return with_copies([*records], _each_place_once(among))


def _each_place_once(records: Iterable[FailureRecord]) -> Iterator[FailureRecord]:
    seen: set[tuple[str, int]] = set()
    for record in records:
        place = record.list_name, record.index
        if place not in seen:
            seen.add(place)
            yield record


def _about(space: Space, name: str, moments: Sequence[float]) -> Iterator[FailureRecord]:
    """The failures of a list that failed about one of these moments."""
    first = max(0, place_of(space, name, moments[0] - SLACK) - AROUND)
    last = place_of(space, name, moments[-1] + SLACK) + AROUND
    if len(moments) > 1 and last - first > 1000 + 4 * len(moments):
        middle = len(moments) // 2
        yield from _about(space, name, moments[:middle])
        yield from _about(space, name, moments[middle:])
        return
    yield from store.read(space, name, first, min(last - first, LOOK + 4 * len(moments)))


def place_of(space: Space, name: str, moment: float) -> int:
    """How many failures of a list come before a moment, if they are in order."""
    low, high = 0, store.count(space, name)
    while low < high:
        middle = (low + high) // 2
        at = next((at for at in map(failed_at, store.read(space, name, middle, 5)) if at is not None), None)
        if at is None or at < moment:
            low = middle + 1
        else:
            high = middle
    return low


def find_near(
    space: Space, lists: ReadLists, seen: Sequence[tuple[str, Place | None]], budget: int = ROUND
) -> list[FailureRecord | None]:
    """Those failures with these ids that are found without reading everything.

    Args:
        seen: ids, each with where its failure stood when it was seen; None where that is not known.
        budget: how many of the newest failures are read for those that are not there.
    """
    candidates: dict[str, Records] = {}
    wanted = _Wanted(one for one, _ in seen)
    for name in {place[0] for _, place in seen if place is not None}.intersection(lists.names):
        indexes = [place[1] for _, place in seen if place is not None and place[0] == name]
        for first, last in spans(indexes):
            _enter(candidates, wanted, store.read(space, name, first, last - first))
        if any(place and place[0] == name and not candidates.get(one) for one, place in seen):
            scan = ListScan(space, space.keys.failed_list(name), True)
            scan.skip_to(min(scan.length, max(indexes)))
            _enter(candidates, wanted, wanted.among(name, scan, Budget(LOOK), len(seen)))
    missing = wanted.ids - {one for one, found in candidates.items() if found}
    for name in lists.names if missing else ():
        scan = ListScan(space, space.keys.failed_list(name), True)
        left = Budget(max(1, budget // len(lists.names)))
        _enter(candidates, wanted, wanted.among(name, scan, left, len(missing)))
    return nearest(candidates, seen, _distance)


def _enter(candidates: dict[str, Records], wanted: _Wanted, records: Iterable[FailureRecord]) -> None:
    for record in records:
        known = candidates.setdefault(record.id, []) if record.id in wanted.ids else [record]
        if all((one.list_name, one.index) != (record.list_name, record.index) for one in known):
            known.append(record)


def _distance(record: FailureRecord, place: Place | None) -> float:
    if place is None:
        return 0.0
    return abs(record.index - place[1]) if record.list_name == place[0] else float("inf")


class _Wanted:
    """Ids that are looked for: an element is read only if it may have one of them."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = frozenset(ids)
        plain = [one for one in self.ids if re.fullmatch(r"[\w-]+", one, re.ASCII)]
        digests = {one.removeprefix("sha1:") for one in self.ids if one.startswith("sha1:")}
        self._reads_all = len(plain) + len(digests) < len(self.ids)
        self._pattern = re.compile("|".join(plain).encode()) if plain else None
        self._digests = digests

    def among(self, name: str, scan: ListScan, budget: Budget, most: int) -> Iterator[FailureRecord]:
        """Those that are among the elements of a list, at most so many."""
        count = 0
        for index, raw in scan:
            if budget.is_spent or count == most:
                return
            budget.spend(len(raw))
            record = FailureRecord.parse(raw, name, index) if self._may_be(raw) else None
            if record is not None and record.id in self.ids:
                count += 1
                yield record

    def _may_be(self, raw: bytes) -> bool:
        return (
            self._reads_all
            or (self._pattern is not None and self._pattern.search(raw) is not None)
            or (bool(self._digests) and hashlib.sha1(raw).hexdigest() in self._digests)  # noqa: S324 (no secret)
        )
