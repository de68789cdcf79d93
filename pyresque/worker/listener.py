"""What a worker listens to while it waits, whatever it waits for: signals, and its own heartbeat."""

from __future__ import annotations

import signal
from collections.abc import Callable

from pyresque.hooks import WorkerHooks
from pyresque.log import Log
from pyresque.system.waiting import Readable, readable
from pyresque.worker.heartbeat import Heartbeat
from pyresque.worker.pool.lifeline import has_supervisor
from pyresque.worker.shutdown import Shutdown
from pyresque.worker.signals import WorkerSignals

logger = Log("pyresque.worker")

_HUNG_UP = "HUP: the worker leaves when its job is done; whoever supervises it may start it with new code"


class Listener:
    """The one place where a worker waits. A signal ends a wait at once, and a beat is never late.

    Args:
        after_beat: called after each beat that came through (it prunes); None where a thread beats.
        worker: what before_pause and after_pause hooks are given.
    """

    def __init__(
        self,
        shutdown: Shutdown,
        heartbeat: Heartbeat,
        hooks: WorkerHooks,
        after_beat: Callable[[], None] | None,
        worker: object,
    ) -> None:
        self.signals = WorkerSignals()
        self.shutdown = shutdown
        self.paused = False
        self._heartbeat = heartbeat
        self._hooks = hooks
        self._after_beat = after_beat
        self._worker = worker

    @property
    def is_leaving(self) -> bool:
        """Whether the worker was asked to leave, by a signal that nobody has acted on yet too."""
        return self.shutdown.asked or self.signals.ask_to_leave

    def wait(self, seconds: float, *others: Readable) -> bool:
        """Wait until something comes or the time is over; returns whether a signal came."""
        self.signals.mend()
        waits: list[Readable] = [self.signals, *others]
        if self.signals in readable(waits, min(seconds, self._heartbeat.seconds_left())):
            self.signals.drain()
        if not self._heartbeat.has_thread and self._heartbeat.beat_if_due() and self._after_beat is not None:
            self._after_beat()
        return self.look()

    def run_hooks(self, kind: str, *args: object) -> None:
        """Run hooks of the worker that may end it; whatever they do to signals, the worker hears its own."""
        try:
            self._hooks.run_or_end(kind, *args)
        finally:
            self.signals.mend()

    def look(self) -> bool:
        """Act on the signals that have come; returns whether there were any."""
        noted = self.signals.take()
        for number in noted:
            if number == signal.SIGUSR2:
                self._pause(True)
            elif number == signal.SIGCONT:
                self._pause(False)
            elif self.shutdown.note(number):
                if number == signal.SIGHUP and not has_supervisor():
                    logger.warning(_HUNG_UP)
                self._hooks.run_safely("shutdown")
        if noted:
            self.signals.mend()  # after hooks
        return any(number != signal.SIGCHLD for number in noted)

    def _pause(self, paused: bool) -> None:
        if paused != self.paused:
            self.paused = paused
            self._hooks.run_safely("before_pause" if paused else "after_pause", self._worker)
