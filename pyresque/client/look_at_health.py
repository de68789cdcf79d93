"""One look at everything: `resque.health()`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec

from pyresque.client.failures import Failures
from pyresque.client.fleet import Fleet, fleet_of, quick_fleet
from pyresque.client.health import DelayedHealth, FailureHealth, Health, QueueHealth, RedisHealth
from pyresque.client.health_problems import LONG, problems_of
from pyresque.client.info import WorkerInfo
from pyresque.client.missed_runs import GRACE, MissedRun, missed_runs
from pyresque.client.nearby_failures import place_of
from pyresque.client.pausing import PausedQueues, paused_among
from pyresque.client.queued_jobs import oldest_ages
from pyresque.client.scheduler_status import look
from pyresque.client.unknown_classes import WaitingClass, waiting_classes
from pyresque.config.options import SchedulerOptions
from pyresque.errors import RedisReplied
from pyresque.model.registry import Registry
from pyresque.model.resque_like import ResqueLike
from pyresque.store import delayed, queues
from pyresque.store import failures as failure_store
from pyresque.store import workers as worker_store
from pyresque.store.connection import server
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.records import FailureRecord

T = TypeVar("T")

MOST_FAILURES = 10_000
"""The newest failures that are looked at."""
MOST_SECONDS = 20_000
"""Seconds with delayed jobs whose jobs are counted."""
QUICK_FAILURES = 2000
"""The newest failures that a quick look looks at."""
MOST_AGES = 50
"""The longest queues, whose oldest jobs a quick look asks for."""
MOST_WAITING = 2000
"""Jobs, in all, whose classes a quick look reads."""


@dataclass(frozen=True)
class Limits:
    """How much a look reads.

    Attributes:
        failures: of the newest failures.
        seconds: of those that hold delayed jobs.
        is_quick: whether workers are counted only, and what else is long is sampled.
    """

    failures: int
    seconds: int
    is_quick: bool


def limits(is_quick: bool) -> Limits:
    """Those of a whole look, or of one that stays below a tenth of a second."""
    return Limits(QUICK_FAILURES, 1000, True) if is_quick else Limits(MOST_FAILURES, MOST_SECONDS, False)


class Whole(ResqueLike, Protocol):
    """What a look at everything needs of a Resque."""

    failures: Failures

    def workers(self) -> list[WorkerInfo]:
        """Every registered worker."""


def health(
    resque: Whole,
    registry: Registry | None = None,
    *,
    options: SchedulerOptions | None = None,
    file: Mapping[str, Any] | None = None,
    max_age: float | None = None,
    max_run: float | None = LONG,
    grace: float = GRACE,
    quick: bool = False,
) -> Health:
    """Look at everything; see `Resque.health`."""
    look = _Look(resque, options or SchedulerOptions(), max_age, max_run, limits(quick))
    return look.look(registry, file, grace)


class _Look:
    """One look. What a key of a wrong type makes impossible to tell becomes a problem."""

    def __init__(
        self,
        resque: Whole,
        options: SchedulerOptions,
        max_age: float | None,
        max_run: float | None,
        limits: Limits,
    ) -> None:
        self._resque = resque
        self._options = options
        self._limits = limits
        self._max_age, self._max_run = max_age, max_run
        self._now = time.time()
        self._broken: list[str] = []
        # A note that cannot be written, as in a full Redis, is not worth waiting.
        self._hasty: Space = replace(resque.space, link=resque.link)

    def look(self, registry: Registry | None, file: Mapping[str, Any] | None, grace: float) -> Health:
        space, now = self._resque.space, self._now
        registry = self._resque.registry if registry is None else registry
        status = self._tried(lambda: look(self._resque, self._options, file), None)
        entries = [] if status is None else status.entries
        environment = self._options.environment
        missed = self._tried(
            lambda: missed_runs(self._hasty, entries, now, environment, grace), list[MissedRun]()
        )
        names = self._tried(lambda: queues.names(space), list[str]())
        sizes = queues.sizes(space, names)
        ids = self._tried(lambda: worker_store.ids(space), list[str]())
        paused = self._tried(lambda: paused_among(space, names, ids), PausedQueues(False, []))
        waiting: list[WaitingClass] = []
        if registry.jobs():
            waiting = self._tried(lambda: self._waiting(registry, sizes), waiting)
        delays = self._tried(lambda: self._delayed(0.0 if status is None else status.behind), DelayedHealth())
        master = None if status is None else status.master
        # Who knows no jobs here cannot tell what a scheduler knows, nor what Ruby's does.
        trusts = not registry.jobs() or (master is not None and master.language == "ruby")
        infos, fleet = self._workers(ids)
        found = Health(
            now=now,
            queues=self._queues(sizes, paused),
            failed=self._failed(),
            delayed=delays,
            missed=missed,
            never_ran=[entry.name for entry in entries if entry.entry and entry.runs_here and not entry.last],
            refused=[entry for entry in entries if entry.refused and not (entry.is_foreign and trusts)],
            master=master,
            needs_scheduler=bool(delays.total or any(entry.runs_here for entry in entries)),
            paused=paused,
            workers=infos,
            fleet=fleet,
            waiting=waiting,
            redis=_redis(space),
        )
        return replace(found, problems=problems_of(found, self._max_age, self._named(), self._max_run))

    def _named(self) -> list[str]:
        """What is wrong with keys: which they are, where that can be told, else what Redis said."""
        if not self._broken:
            return []
        from pyresque.client.wrong_keys import wrong_keys  # only where something is wrong

        return [str(key) for key in wrong_keys(self._resque.space)] or self._broken

    def _tried(self, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except RedisReplied as error:
            self._broken.append(str(error))
            return otherwise

    def _workers(self, ids: Sequence[str]) -> tuple[list[WorkerInfo], Fleet]:
        if self._limits.is_quick:
            return [], self._tried(lambda: quick_fleet(self._resque.space, self._max_run, ids), Fleet())
        infos = self._tried(self._resque.workers, list[WorkerInfo]())
        return infos, fleet_of(infos, self._max_run)

    def _waiting(self, registry: Registry, sizes: Mapping[str, int]) -> list[WaitingClass]:
        if not self._limits.is_quick:
            return waiting_classes(self._resque, registry)
        names = _longest(sizes)
        most = MOST_WAITING // max(1, len(names))
        return waiting_classes(self._resque, registry, queues=sorted(names), most=most)

    def _queues(self, sizes: Mapping[str, int], paused: PausedQueues) -> list[QueueHealth]:
        asked = list(sizes)
        if self._limits.is_quick and self._max_age is None:
            asked = _longest(sizes)
        ages = oldest_ages(self._hasty, asked, self._now)
        held = frozenset(paused.queues)
        is_held = paused.all or paused.workers
        return [
            QueueHealth(name, size, ages.get(name), is_held or name in held) for name, size in sizes.items()
        ]

    def _delayed(self, behind: float) -> DelayedHealth:
        space, most = self._resque.space, self._limits.seconds
        total, more = delayed.jobs_until(space, None, most)
        overdue, _ = delayed.jobs_until(space, self._now - 1, most)
        return DelayedHealth(total, overdue, behind, more)

    def _failed(self) -> FailureHealth:
        found = FailureHealth()
        names = self._tried(self._resque.failures.lists, ["failed"])
        for n, name in enumerate(names):
            share = (self._limits.failures - found.looked_at) // (len(names) - n)
            found = self._tried(partial(self._with_list, found, name, share), found)
        return found

    def _with_list(self, before: FailureHealth, name: str, most: int) -> FailureHealth:
        """What is told of failures, with those of one list more."""
        space = self._resque.space
        total, looked_at, last_hour, aside = failure_store.count(space, name), 0, 0, 0
        by_place = self._limits.is_quick and total > most
        if by_place:  # where the last hour begins in a long list is soon found
            last_hour = total - place_of(space, name, self._now - 3600)
        for raw in failure_store.newest(space, name, most):
            at = None if by_place else _failed_at(raw)
            looked_at += 1
            last_hour += at is not None and at > self._now - 3600
            aside += b"yresque" in raw and FailureRecord.parse(raw).holds_aside
        return FailureHealth(
            before.total + total,
            before.last_hour + last_hour,
            before.aside + aside,
            before.looked_at + looked_at,
        )


def _longest(sizes: Mapping[str, int]) -> list[str]:
    """The longest queues, so many that little has to be read of them."""
    return sorted((name for name, size in sizes.items() if size), key=lambda name: -sizes[name])[:MOST_AGES]


class _Head(msgspec.Struct):
    """As much of a failure as is read of many."""

    failed_at: Any = None


_HEADS = msgspec.json.Decoder(_Head)


def _failed_at(raw: bytes) -> float | None:
    try:
        text = _HEADS.decode(raw).failed_at
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return times.parse(text) if isinstance(text, str) else None


def _redis(space: Space) -> RedisHealth:
    facts = server.told(space.link)
    used, most = (_number(facts.get(name)) for name in ("used_memory", "maxmemory"))
    return RedisHealth(facts.get("redis_version"), used, most, facts.get("maxmemory_policy"))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
