"""How long an idle worker waits (docs/protocol/core.md#sleeping)."""

from __future__ import annotations

import time

from pyresque.config.options import Polling

SURE_TURNS = 6
"""In so many idle turns the queues are looked at, however sure it is that nothing has changed."""


class Poller:
    """How long an idle worker sleeps: short after a job, longer with each idle turn.

    It also keeps a worker from being woken over and over by queues that hold nothing for it. After a waking
    that led to no job it does not listen for a moment, each time longer, up to its polling interval (at most
    a second).
    """

    def __init__(self, polling: Polling) -> None:
        self._max = polling.interval if polling.max_interval is None else polling.max_interval
        self._min = min(polling.interval if polling.min_interval is None else polling.min_interval, self._max)
        self._backoff = min(polling.backoff_interval, self._max)
        self._sleep = max(self._min, min(polling.interval, self._max))
        self._longest_pause = min(polling.interval, 1.0)
        self._pause = self._listens_at = 0.0

    @property
    def leaves_when_idle(self) -> bool:
        """Whether the interval is 0: then the worker leaves when there is nothing to do."""
        return self._max == 0

    def worked(self) -> None:
        """A job was run: begin with short sleeps again, and listen at once."""
        self._sleep = self._min
        self._pause = self._listens_at = 0.0

    def next_sleep(self) -> float:
        """Seconds to sleep in this idle turn."""
        self._sleep = min(self._sleep + self._backoff, self._max)
        return self._sleep

    def woken(self) -> None:
        """Something has changed; if it brings no job, the next waking has to wait."""
        now = time.monotonic()
        if self._pause:
            self._listens_at = now + self._pause
        self._pause = min(max(0.005, self._pause * 2), self._longest_pause)

    def deaf_seconds(self) -> float:
        """Until a change may wake the worker again; 0 if it may now. Ask once in a turn: it runs out."""
        return max(0.0, self._listens_at - time.monotonic())
