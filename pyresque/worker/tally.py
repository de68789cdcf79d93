"""How many jobs of each class a worker's process has done: told to Redis once a minute, and at its end.

Counting a job is adding one in a dict (`Settler.settle`). What was not told yet is lost with a process that
is killed. The counters of all workers (`stat:processed`), which are written with each job, have it.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass

from pyresque.errors import RedisError
from pyresque.log import Log
from pyresque.store import counts
from pyresque.store.script import REMEMBER_SECONDS
from pyresque.store.space import Space
from pyresque.usercode.safely import tried

logger = Log("pyresque.worker")

MOST = 1_000
"""Classes that one process counts apart: jobs of classes that it does not know may come by any name."""

SHORT = 50.0
"""Seconds before which a process does not begin the history: what runs shortly leaves only Ruby's keys. Where
a worker, the dashboard or `resque.history()` has begun it, a short run tells, too."""

MARGIN = 30.0
"""Seconds that a call may take, at most: so much earlier nothing is sent again that might count twice."""

Ended = Counter[tuple[str, bool]]
"""How many jobs have ended, by class and whether they failed. They only grow."""


@dataclass(eq=False)
class _Batch:
    """Counts on their way.

    Attributes:
        ended: up to where they go.
        token: what Redis knows them by, if they are sent again.
        until: when it may have forgotten that, by the monotonic clock.
        maybe_told: whether they may have arrived, though no answer came.
    """

    ended: Ended
    rows: list[tuple[str, int, int]]
    token: str
    until: float
    maybe_told: bool = False


class Tally:
    """What the members of one process have done, and what Redis knows of it.

    Args:
        space: over a link that repeats what got no reply.
        is_on: whether anything is told (the setting `history`).
        short: seconds for which nothing is told where nobody has begun the history.
    """

    def __init__(self, space: Space, is_on: bool, short: float = SHORT) -> None:
        self.ended: Ended = Counter()
        self._space, self._is_on = space, is_on
        self._long_from = time.monotonic() + short
        self.told: Ended = Counter()
        """What Redis has counted, as far as it is known."""
        self._batch: _Batch | None = None
        self._lock = threading.Lock()

    def tell(self, is_leaving: bool = False) -> None:
        """Tell Redis what has happened since; what cannot be told now is told next time. It raises nothing.

        Args:
            is_leaving: there is no next time; then nothing is sent where there is nothing to tell.
        """
        if not self._is_on:
            return
        if not self.told and time.monotonic() < self._long_from and not self._has_begun():
            return
        if not is_leaving:
            if self._send(self._next()):
                self._look_at_ruby()
            return
        for _ in range(2):  # what was sent before and may have arrived, then what is new
            batch = self._next()
            if not batch.rows or not self._send(batch):
                return

    def _has_begun(self) -> bool:
        begun, _ = tried(counts.has_begun, self._space)
        return bool(begun)

    def _send(self, batch: _Batch) -> bool:
        try:
            counts.count(self._space, batch.rows, batch.token)
        except RedisError as error:
            logger.debug("what this worker has done cannot be counted now: %s", error)
            batch.maybe_told |= error.maybe_done
            return False
        self._told_all(batch)
        return True

    def _look_at_ruby(self) -> None:
        from pyresque.client.ruby_jobs import look_at_ruby  # once a minute, if nobody else has

        _, error = tried(look_at_ruby, self._space)
        if error is not None:
            logger.debug("what Ruby's workers do cannot be seen now: %s", error)

    def _next(self) -> _Batch:
        """What is to be sent: again what may have arrived before, else all that is new."""
        with self._lock:
            batch = self._batch
            if batch is not None and batch.maybe_told:
                if time.monotonic() < batch.until:
                    return batch
                self.told = batch.ended  # sent again it might count twice: it counts once, or not at all
            ended = self.ended.copy()  # jobs go on meanwhile, in another thread
            rows: dict[str, list[int]] = {}
            for (name, failed), number in (ended - self.told).items():
                row = rows.setdefault(name, [0, 0])
                row[0] += number
                row[1] += number * failed
            told = [(name, number, failed) for name, (number, failed) in rows.items()]
            until = time.monotonic() + REMEMBER_SECONDS - MARGIN
            self._batch = _Batch(ended, told, uuid.uuid4().hex, until)
            return self._batch

    def _told_all(self, batch: _Batch) -> None:
        with self._lock:
            if self._batch is batch:
                self.told, self._batch = batch.ended, None
