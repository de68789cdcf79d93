"""What a signal means for the worker and for the job that it runs (core.md section 10)."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from pyresque.config import Stopping


class Ending:
    """Whether the worker is to leave, and when its child gets which signal.

    TERM and INT end the job and the worker, QUIT lets the job finish; USR1 ends the job only.
    """

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping
        self._plan: list[tuple[float, signal.Signals]] = []
        self.asked = False

    def note(self, number: signal.Signals) -> bool:
        """Take in a signal; whether it asks the worker to leave."""
        graceful = number == signal.SIGQUIT or (number == signal.SIGTERM and self._stopping.graceful_term)
        if number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            self.asked = True
            if not graceful:
                self._plan_kill()
            return True
        if number == signal.SIGUSR1:
            self._plan_kill()
        return False

    def next_kill(self, kill: Callable[[int], None]) -> float:
        """Send what is due to the child; returns the seconds until the next signal is due."""
        now = time.monotonic()
        while self._plan and self._plan[0][0] <= now:
            kill(self._plan.pop(0)[1])
        return max(0.0, self._plan[0][0] - now) if self._plan else float("inf")

    def nobody_to_kill(self) -> None:
        """There is nobody left to signal."""
        self._plan = []

    def _plan_kill(self) -> None:
        if self._plan:
            return
        now = time.monotonic()
        if not self._stopping.term_child:
            self._plan = [(now, signal.SIGKILL)]
            return
        term = now + self._stopping.pre_shutdown_timeout
        self._plan = [(term, signal.SIGTERM), (term + self._stopping.term_timeout, signal.SIGKILL)]
