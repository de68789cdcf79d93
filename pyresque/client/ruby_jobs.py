"""What can be seen of the jobs of Ruby's workers, by class: no Ruby process counts them.

Whoever looks, once a minute at most, counts each job that it finds in the `worker:ID` of a Ruby worker, and
each new failure of a Ruby worker in the failed lists. A job that began and was done between two looks is not
seen: so these are least numbers, and the classes are those that were seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence, Set

import msgspec

from pyresque.errors import RedisReplied
from pyresque.failure.copies import identity
from pyresque.store import counts, failures, workers
from pyresque.store.counts import Language
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.records import FailureRecord, WorkingOn

EVERY = 50
"""Seconds after which somebody may look again."""
MOST_WORKERS, MOST_LISTS, MOST_FAILURES = 1_000, 50, 200
"""Workers that are looked at, failed lists, and the newest failures of each."""
LANDMARKS = 5
"""Failures of a list that are remembered, to know those that are new: some may go meanwhile."""


class _Seen(msgspec.Struct):
    """What the last look has found: when, the jobs at work, and the newest failures of each list."""

    at: int = 0
    working: list[str] = []
    failed: dict[str, list[str]] = {}


def look_at_ruby(space: Space) -> bool:
    """Look, if nobody has done so within a minute; whether something was noted.

    Raises:
        RedisError: Redis cannot be asked now.
    """
    before = counts.seen_of_ruby(space)
    now, seen = workers.redis_time(space), _read(before or b"")
    if before is None or 0 <= now - seen.at < EVERY:
        return False
    look = _Look(space, seen, now)
    after = msgspec.json.encode(look.found)
    rows = [(name, begun, failed) for name, (begun, failed) in look.rows.items()]
    return counts.note_ruby(space, now, before, after, rows)


def language_of(record: FailureRecord, ours: Set[str], registered: Set[str] = frozenset()) -> Language | None:
    """Whose worker has written a failure record; None where nobody can tell.

    Args:
        ours: ids of workers of pyresque.
        registered: ids of all workers.
    """
    worker = record.text("worker") or ""
    if worker in ours:
        return "python"
    for line in record.backtrace:
        if ".py:" in line or ".rb:" in line:
            return "python" if ".py:" in line else "ruby"
    return "ruby" if worker in registered else None


def _read(raw: bytes) -> _Seen:
    try:
        return msgspec.json.decode(raw, type=_Seen)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _Seen()


class _Look:
    """One look: what it has found of each class, and what the next look has to know."""

    def __init__(self, space: Space, before: _Seen, now: int) -> None:
        self._space, self._before = space, before
        self.rows: dict[str, tuple[int, int]] = {}
        self.found = _Seen(now)
        ids, marks = workers.ids(space), workers.marks(space)
        if marks is not None:
            self._look_at_workers([name for name in ids if name not in marks][:MOST_WORKERS])
            self._look_at_failures(set(marks), set(ids))

    def _add(self, name: str, begun: int, failed: int) -> None:
        if name:
            before = self.rows.get(name, (0, 0))
            self.rows[name] = (before[0] + begun, before[1] + failed)

    def _look_at_workers(self, rubys: Sequence[str]) -> None:
        known = set(self._before.working)
        for worker, raw in zip(rubys, workers.working_on(self._space, rubys), strict=True):
            if raw:
                mark = _digest(worker.encode("utf-8", "surrogateescape") + b"\0" + raw)
                self.found.working.append(mark)
                self._add(WorkingOn.parse(raw).class_name, int(mark not in known), 0)

    def _look_at_failures(self, ours: Set[str], registered: Set[str]) -> None:
        told: set[str] = set()
        for name in ["failed", *failures.list_names(self._space)[:MOST_LISTS]]:
            key = name if name.isascii() else _digest(name.encode("utf-8", "surrogateescape"))
            if key in self.found.failed:
                continue
            records = [FailureRecord.parse(raw, name, -1) for raw in self._newest(name)]
            marks = [identity(record)[:12] for record in records]
            self.found.failed[key] = marks[:LANDMARKS]
            for place in self._new(key, records, marks):
                # With several failure backends a failure is in several lists.
                if marks[place] not in told and language_of(records[place], ours, registered) == "ruby":
                    self._add(records[place].class_name, 0, 1)
                told.add(marks[place])

    def _newest(self, name: str) -> list[bytes]:
        try:
            return list(failures.newest(self._space, name, MOST_FAILURES))
        except RedisReplied:  # it is not a list
            return []

    def _new(self, key: str, records: Sequence[FailureRecord], marks: Sequence[str]) -> Iterator[int]:
        """The places of those that were not there at the last look; the first look has no news."""
        known = self._before.failed.get(key)
        if known is None:
            return
        has_landmark = not known or any(mark in known for mark in marks)
        for place, mark in enumerate(marks):
            if mark in known:
                return
            # Where all that were known are gone, their times have to do.
            at = None if has_landmark else times.parse(records[place].text("failed_at") or "")
            if has_landmark or (at is not None and at > self._before.at):
                yield place


def _digest(raw: bytes) -> str:
    return hashlib.sha1(raw).hexdigest()[:12]  # noqa: S324 (no secret)
