"""What a worker listens to while it waits, whatever it waits for: signals, and its own heartbeat."""

from __future__ import annotations

import logging
import select
import signal
from collections.abc import Callable
from typing import Any, Protocol

from pyresque.hooks import WorkerHooks
from pyresque.worker.ending import Ending
from pyresque.worker.heartbeat import Heartbeat
from pyresque.worker.signals import Signals

logger = logging.getLogger("pyresque.worker")


class Readable(Protocol):
    """Something that `select` can wait for."""

    def fileno(self) -> int:
        """Its file descriptor; below 0 where there is nothing to wait for any more."""


class Attention:
    """The one `select` of a worker. A signal ends a wait at once, and a beat is never late.

    Args:
        after_beat: called after each beat (it prunes); None where a thread beats.
        worker: what before_pause and after_pause hooks are given.
    """

    def __init__(
        self,
        ending: Ending,
        heartbeat: Heartbeat,
        hooks: WorkerHooks,
        after_beat: Callable[[], None] | None,
        worker: object,
    ) -> None:
        self.signals = Signals()
        self.ending = ending
        self.paused = False
        self._heartbeat = heartbeat
        self._hooks = hooks
        self._after_beat = after_beat
        self._worker = worker

    def wait(self, seconds: float, *others: Readable) -> bool:
        """Wait until something comes or the time is over; returns whether a signal came."""
        waits: list[Any] = [self.signals, *(one for one in others if one.fileno() >= 0)]
        ready, _, _ = select.select(waits, [], [], max(0.0, min(seconds, self._heartbeat.seconds_left())))
        if self.signals in ready:
            self.signals.drain()
        if self._after_beat is not None and self._heartbeat.beat_if_due():
            self._after_beat()
        return self.look()

    def look(self) -> bool:
        """Act on the signals that have come; returns whether there were any."""
        noted = self.signals.take()
        for number in noted:
            if number == signal.SIGUSR2:
                self._pause(True)
            elif number == signal.SIGCONT:
                self._pause(False)
            elif self.ending.note(number):
                self._safely("shutdown")
        return any(number != signal.SIGCHLD for number in noted)

    def _pause(self, paused: bool) -> None:
        if paused != self.paused:
            self.paused = paused
            self._safely("before_pause" if paused else "after_pause", self._worker)

    def _safely(self, kind: str, *args: object) -> None:
        try:
            self._hooks.run(kind, *args)
        except Exception:
            logger.exception("a %s hook failed", kind)
