"""One look at everything: `resque.health()`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec

from pyresque.client.failures import Failures
from pyresque.client.health import DelayedHealth, FailureHealth, Health, QueueHealth, RedisHealth
from pyresque.client.health_problems import LONG, problems_of
from pyresque.client.info import WorkerInfo
from pyresque.client.missed_runs import GRACE, MissedRun, missed_runs
from pyresque.client.pausing import PausedQueues, paused_queues
from pyresque.client.queued_jobs import oldest_ages
from pyresque.client.scheduler_status import look
from pyresque.client.unknown_classes import WaitingClass, waiting_classes
from pyresque.config.options import SchedulerOptions
from pyresque.errors import RedisReplied
from pyresque.model.registry import Registry
from pyresque.model.resque_like import ResqueLike
from pyresque.store import delayed, queues
from pyresque.store import failures as failure_store
from pyresque.store.connection import server
from pyresque.store.space import Space
from pyresque.wire import times
from pyresque.wire.records import FailureRecord

T = TypeVar("T")

MOST_FAILURES = 10_000
"""The newest failures that are looked at."""
MOST_SECONDS = 20_000
"""Seconds with delayed jobs whose jobs are counted."""


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
) -> Health:
    """Look at everything; see `Resque.health`."""
    return _Look(resque, options or SchedulerOptions(), max_age, max_run).look(registry, file, grace)


class _Look:
    """One look. What a key of a wrong type makes impossible to tell becomes a problem."""

    def __init__(
        self, resque: Whole, options: SchedulerOptions, max_age: float | None, max_run: float | None
    ) -> None:
        self._resque = resque
        self._options = options
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
        paused = self._tried(lambda: paused_queues(space), PausedQueues(False, []))
        waiting: list[WaitingClass] = []
        if registry.jobs():
            waiting = self._tried(lambda: waiting_classes(self._resque, registry), waiting)
        delays = self._tried(lambda: self._delayed(0.0 if status is None else status.behind), DelayedHealth())
        master = None if status is None else status.master
        # Who knows no jobs here cannot tell what a scheduler knows, nor what Ruby's does.
        trusts = not registry.jobs() or (master is not None and master.language == "ruby")
        found = Health(
            now=now,
            queues=self._queues(names, paused),
            failed=self._failed(),
            delayed=delays,
            missed=missed,
            never_ran=[one.name for one in entries if one.entry and one.runs_here and not one.last],
            refused=[one for one in entries if one.refused and not (one.is_foreign and trusts)],
            master=master,
            needs_scheduler=bool(delays.total or any(one.runs_here for one in entries)),
            paused=paused,
            workers=self._tried(self._resque.workers, []),
            waiting=waiting,
            redis=_redis(space),
        )
        return replace(found, problems=problems_of(found, self._max_age, self._broken, self._max_run))

    def _tried(self, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except RedisReplied as error:
            self._broken.append(str(error))
            return otherwise

    def _queues(self, names: Sequence[str], paused: PausedQueues) -> list[QueueHealth]:
        sizes = queues.sizes(self._resque.space, names)
        ages = oldest_ages(self._hasty, names, self._now)
        return [QueueHealth(name, sizes[name], ages.get(name), paused.holds(name)) for name in names]

    def _delayed(self, behind: float) -> DelayedHealth:
        space = self._resque.space
        total, more = delayed.jobs_until(space, None, MOST_SECONDS)
        overdue, _ = delayed.jobs_until(space, self._now - 1, MOST_SECONDS)
        return DelayedHealth(total, overdue, behind, more)

    def _failed(self) -> FailureHealth:
        found = FailureHealth()
        names = self._tried(self._resque.failures.lists, ["failed"])
        for n, name in enumerate(names):
            share = (MOST_FAILURES - found.looked_at) // (len(names) - n)
            found = self._tried(partial(self._with_list, found, name, share), found)
        return found

    def _with_list(self, before: FailureHealth, name: str, most: int) -> FailureHealth:
        """What is told of failures, with those of one list more."""
        space = self._resque.space
        total, looked_at, last_hour, aside = failure_store.count(space, name), 0, 0, 0
        for raw in failure_store.newest(space, name, most):
            at = _failed_at(raw)
            looked_at += 1
            last_hour += at is not None and at > self._now - 3600
            aside += b"yresque" in raw and FailureRecord.parse(raw).holds_aside
        return FailureHealth(
            before.total + total,
            before.last_hour + last_hour,
            before.aside + aside,
            before.looked_at + looked_at,
        )


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
