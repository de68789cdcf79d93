"""Which records of failure lists are copies of one failure.

With several backends (Ruby's `Multiple`), and after `rake resque:failures:sort`, a failure is in `failed`
and in the list of its queue. They differ in what was written at different moments: `failed_at`, and
`retried_at` where Ruby has retried one of them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import structs

from pyresque.wire.encoding import encode
from pyresque.wire.records import FailureRecord

Records = list[FailureRecord]


def identity(record: FailureRecord) -> str:
    """The same for all copies of one failure; for records without a failure_id also for equal failures."""
    if not record.value:
        return record.id
    moments = ("retried_at",) if record.failure_id is None else ("retried_at", "failed_at")
    rest = {key: item for key, item in record.value.items() if key not in moments}
    return hashlib.sha1(encode(rest)).hexdigest()  # noqa: S324 (no secret)


def grouped(records: Iterable[FailureRecord]) -> list[Records]:
    """The records of each failure together, in the order of their first ones.

    Without a failure_id equal records of one list are failures of their own: the first of one list goes with
    the first of another.
    """
    groups: dict[tuple[str, int], Records] = {}
    before: Counter[tuple[str, str]] = Counter()
    for record in records:
        key = identity(record)
        number = 0
        if record.failure_id is None:
            number = before[key, record.list_name]
            before[key, record.list_name] += 1
        groups.setdefault((key, number), []).append(record)
    return list(groups.values())


def as_one(group: Records, chosen: FailureRecord | None = None) -> FailureRecord:
    """One record of a failure that knows its copies: the chosen one, else the first."""
    first = group[0] if chosen is None else chosen
    others = tuple(record for record in group if not is_same(record, first))
    return structs.replace(first, copies=others)


def joined(records: Iterable[FailureRecord]) -> Records:
    """One record for each failure, which knows those of its copies that are among these."""
    return [as_one(group) for group in grouped(records)]


def with_copies(records: Records, among: Iterable[FailureRecord]) -> Records:
    """These records, each with its copies among others, which are asked for only once.

    An equal record at another place than its own stands for the first.
    """
    keys = {identity(record) for record in records}
    groups = grouped(record for record in among if identity(record) in keys)
    exactly = {(record.list_name, record.index, record.raw): group for group in groups for record in group}
    perhaps = {(record.list_name, record.raw): group for group in reversed(groups) for record in group}
    joined_records = []
    for record in records:
        group = exactly.get((record.list_name, record.index, record.raw))
        group = group or perhaps.get((record.list_name, record.raw)) or []
        joined_records.append(as_one(group, record) if group else structs.replace(record, copies=()))
    return joined_records


def copies_of(failures: Counter[str], records: Iterable[FailureRecord]) -> Iterator[FailureRecord]:
    """Those of a list's records that are copies of failures of another list, given by identity and number."""
    left = Counter(failures)
    for record in records:
        key = identity(record)
        if left[key] > 0:
            left[key] -= record.failure_id is None
            yield record


def is_same(record: FailureRecord, other: FailureRecord) -> bool:
    """Whether both are the same element of the same list, as far as their places are known."""
    if record.list_name != other.list_name or record.raw != other.raw:
        return False
    return record.index == other.index or -1 in (record.index, other.index)
