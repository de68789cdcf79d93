"""The heartbeat: a sign of life every minute, by the clock of Redis (docs/protocol/core.md#the-heartbeat)."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from pyresque.errors import RedisError
from pyresque.log import Log
from pyresque.store import workers
from pyresque.store.space import Space
from pyresque.store.workers import Registration
from pyresque.worker.signals import start_deaf

logger = Log("pyresque.worker")

INTERVAL = 60.0
"""Seconds between two beats."""


class Heartbeat:
    """Beats for one worker, or for several in one process. One that fails is told, the next comes in time."""

    def __init__(self, space: Space, workers: Sequence[Registration], interval: float = INTERVAL) -> None:
        self._space = space
        self._workers = workers
        self._interval = interval
        self._due = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.registered = False

    def seconds_left(self) -> float:
        """Until the next beat is due."""
        return max(0.0, self._due - time.monotonic())

    def beat(self) -> bool:
        """Beat now; a worker that is not registered any more is again. Whether it came through."""
        self._due = time.monotonic() + self._interval
        try:
            lost = workers.beat(self._space, self._workers)
            for who in lost if self.registered and not self._stop.is_set() else ():
                logger.warning("%s is not registered any more, though it lives: it registers again", who.id)
                workers.register(self._space, who, time.time())  # else the next look for a job finds out
        except RedisError as error:
            logger.warning("Failed to heartbeat: %s", error)
            return False
        return True

    def beat_if_due(self) -> bool:
        """Beat if it is time; whether a beat has come through."""
        return self.seconds_left() <= 0 and self.beat()

    @property
    def has_thread(self) -> bool:
        """Whether a thread beats."""
        return self._thread is not None

    def start_thread(self) -> None:
        """Beat from a thread of its own: only where the jobs run in this process (no fork).

        If the system has no thread for us now, whoever waits has to beat; it may be called again.
        """
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="pyresque-heartbeat", daemon=True)
            try:
                start_deaf(thread)
            except RuntimeError as error:
                logger.warning("no thread for the heartbeat now (%s): it comes between jobs", error)
            else:
                self._thread = thread

    def stop_thread(self, seconds: float) -> None:
        """End the thread; wait so long for a beat that is on its way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=seconds)

    def _run(self) -> None:
        while not self._stop.wait(self.seconds_left()):
            try:
                self.beat_if_due()
            except Exception:
                logger.exception("a heartbeat failed")
