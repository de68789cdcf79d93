"""How long an idle worker waits (docs/protocol/core.md#sleeping)."""

from __future__ import annotations

import time

from pyresque.config.options import Polling
from pyresque.system.waiting import Backoff

__all__ = ["SURE_TURNS", "Backoff", "Calm", "Pace"]


SURE_TURNS = 6
"""In so many idle turns the queues are looked at, however sure it is that nothing has changed."""


class Pace:
    """The sleeping time of an idle worker: short after a job, longer with each idle turn."""

    def __init__(self, polling: Polling) -> None:
        self._max = polling.interval if polling.max_interval is None else polling.max_interval
        self._min = min(polling.interval if polling.min_interval is None else polling.min_interval, self._max)
        self._backoff = min(polling.backoff_interval, self._max)
        self._value = max(self._min, min(polling.interval, self._max))

    @property
    def leaves_when_idle(self) -> bool:
        """Whether the interval is 0: then the worker leaves when there is nothing to do."""
        return self._max == 0

    def worked(self) -> None:
        """A job was run: begin with short waits again."""
        self._value = self._min

    def next_sleep(self) -> float:
        """Seconds to sleep in this idle turn."""
        self._value = min(self._value + self._backoff, self._max)
        return self._value


class Calm:
    """Keeps a worker from being woken over and over by queues that hold nothing for it.

    After a waking that led to no job it does not listen for a moment, each time longer, up to its
    polling interval (at most a second).
    """

    def __init__(self, interval: float) -> None:
        self._most = min(interval, 1.0)
        self.worked()

    def worked(self) -> None:
        """There was a job: listen again at once."""
        self._pause, self._until = 0.0, 0.0

    def woken(self) -> None:
        """Something has changed; if it brings no job, the next waking has to wait."""
        now = time.monotonic()
        if self._pause:
            self._until = now + self._pause
        self._pause = min(max(0.005, self._pause * 2), self._most)

    def seconds_left(self) -> float:
        """Until a change may wake the worker again; 0 if it may now. Ask once in a turn: it runs out."""
        return max(0.0, self._until - time.monotonic())
