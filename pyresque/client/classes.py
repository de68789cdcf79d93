"""`resque.classes()`: every class that is seen anywhere, in either language, and who knows it.

It looks at a part of each place only, so it takes no longer with a million jobs: then it tells least numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from pyresque.client.history import Ledger, ledger
from pyresque.client.ruby_jobs import language_of
from pyresque.client.unknown_classes import advice_about, first_jobs, is_known_class, names_in
from pyresque.errors import RedisReplied
from pyresque.model.registry import Registry
from pyresque.model.resque_like import ResqueLike
from pyresque.store import counts, delayed, failures, queues, workers
from pyresque.store.counts import Language
from pyresque.wire.records import JOB_WRAPPER, FailureRecord, WorkingOn, is_wrapper

MOST_QUEUES, MOST_LISTS = 200, 50
"""Queues, and failed lists, that are looked at."""
JOBS = 3_000
"""Jobs that are read: of all queues together, delayed ones, at work, and failures of all lists."""
LEAST = 20
"""Jobs that are read of each queue, however many there are."""
BYTES = 8 << 20
MOST_CLASSES = 1_000
"""Classes that are told apart; others that come later are left out."""


@dataclass
class ClassSeen:
    """One class: how many of its jobs are where now, and what was done in the last 14 days.

    `languages` are those whose workers have been seen to run it. `known_here`: it is registered here; else
    `near` are the registered ones that may be meant, and `advice` is a sentence for people. `processed` and
    `failures` tell of each language what was counted (`ClassCounts`); `failed` are the records in the failed
    lists. `is_least`: there may be more, for not everything was looked at.
    """

    name: str
    waiting: int = 0
    working: int = 0
    delayed: int = 0
    failed: int = 0
    processed: dict[Language, int] = field(default_factory=dict)
    failures: dict[Language, int] = field(default_factory=dict)
    last_seen: int | None = None
    languages: set[Language] = field(default_factory=set)
    known_here: bool = False
    near: list[str] = field(default_factory=list)
    advice: str = ""
    is_least: bool = False
    queues: set[str] = field(default_factory=set)
    _is_wrapped: bool = False


@dataclass(frozen=True)
class Classes:
    """All classes, those with the most jobs first; `is_whole`: everything was looked at."""

    seen: list[ClassSeen]
    ledger: Ledger
    is_whole: bool

    def find(self, name: str) -> ClassSeen | None:
        """The class of this name."""
        return next((tally for tally in self.seen if tally.name == name), None)


def classes(resque: ResqueLike, registry: Registry | None = None) -> Classes:
    """Look for classes everywhere; see `Resque.classes`."""
    return _Look(resque, resque.registry if registry is None else registry).classes()


class _Look:
    def __init__(self, resque: ResqueLike, registry: Registry) -> None:
        self._space, self._registry = resque.space, registry
        self._found: dict[str, ClassSeen] = {}
        self._is_whole = True

    def classes(self) -> Classes:
        ids, marks = self._workers(), workers.marks(self._space)
        told = ledger(self._space)
        for job in self._registry.jobs():
            self._class(job.name).known_here = True
        for look in (self._queued, self._delayed, lambda: self._failed(set(marks or ()), set(ids))):
            try:
                look()
            except RedisReplied:  # a key holds something else: `health` says so
                self._is_whole = False
        self._working(ids, marks)
        self._counted(told)
        seen = [tally for tally in self._found.values() if tally.name]
        for tally in seen:
            self._judge(tally)
        seen.sort(key=lambda tally: (-(tally.waiting + tally.working), -(tally.last_seen or 0), tally.name))
        return Classes(seen, told, self._is_whole)

    def _workers(self) -> list[str]:
        try:
            return workers.ids(self._space)
        except RedisReplied:
            self._is_whole = False
            return []

    def _class(self, name: str) -> ClassSeen:
        """What is known of a class; of one too many something that is thrown away."""
        if name not in self._found:
            if len(self._found) >= MOST_CLASSES:
                self._is_whole = False
                return ClassSeen(name)
            self._found[name] = ClassSeen(name)
        return self._found[name]

    def _queued(self) -> None:
        names = queues.names(self._space)
        sizes = queues.sizes(self._space, names[:MOST_QUEUES])
        filled = {name: size for name, size in sizes.items() if size}
        self._is_whole &= len(names) <= MOST_QUEUES
        most = max(LEAST, JOBS // max(1, len(filled)))
        for name, size in filled.items():
            read, cut = 0, set()
            for raw in first_jobs(self._space, name, most, BYTES // len(filled)):
                read += 1
                outer, inner = names_in(raw)
                tally = self._class(inner)
                tally.waiting += 1
                tally.queues.add(name)
                tally._is_wrapped |= is_wrapper(outer)
                cut.add(inner)
            if read < size:
                self._is_whole = False
                for inner in cut:
                    self._class(inner).is_least = True

    def _delayed(self) -> None:
        read: set[str] = set()
        count = 0
        first = delayed.seconds(self._space, 0, JOBS)
        for _, raw in islice(delayed.each(self._space, first), JOBS):
            count += 1
            outer, inner = names_in(raw)
            tally = self._class(inner)
            tally.delayed += 1
            tally._is_wrapped |= is_wrapper(outer)
            read.add(inner)
        if JOBS in (count, len(first)):
            self._is_whole = False
            for name in read:
                self._class(name).is_least = True

    def _failed(self, ours: set[str], registered: set[str]) -> None:
        lists = list(dict.fromkeys(["failed", *failures.list_names(self._space)[:MOST_LISTS]]))
        for name in lists:
            length = failures.count(self._space, name)
            most = max(LEAST, JOBS // len(lists) // 2)
            for raw in failures.newest(self._space, name, most):
                record = FailureRecord.parse(raw, name)
                tally = self._class(record.class_name)
                tally.failed += 1
                tally.is_least |= length > most
                language = language_of(record, ours, registered)
                tally.languages |= {language} if language else set()
            self._is_whole &= length <= most

    def _working(self, ids: list[str], marks: dict[str, str] | None) -> None:
        read = 0
        for worker, raw in zip(ids, workers.working_on(self._space, ids), strict=True):
            if raw and read == JOBS:
                self._is_whole = False
                return
            if raw:
                read += 1
                tally = self._class(WorkingOn.parse(raw).class_name)
                tally.working += 1
                if marks is not None:
                    tally.languages.add("python" if worker in marks else "ruby")

    def _counted(self, told: Ledger) -> None:
        for row in told.classes:
            if row.class_name == counts.OTHERS:
                continue
            tally = self._class(row.class_name)
            tally.languages.add(row.language)
            tally.processed[row.language] = row.processed
            tally.failures[row.language] = row.failed
            tally.last_seen = max(tally.last_seen or 0, row.last_seen or 0)

    def _judge(self, tally: ClassSeen) -> None:
        if tally.known_here:
            return
        outer = JOB_WRAPPER if tally._is_wrapped else tally.name
        tally.known_here = is_known_class(outer, tally.name, self._registry)
        if not tally.known_here:
            tally.near, tally.advice = advice_about(tally.name, tally._is_wrapped, self._registry)
