"""What a signal means for the worker and for the job that it runs (docs/protocol/core.md#signals)."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from pyresque.config.options import Stopping
from pyresque.system.signals import LEAVING
from pyresque.worker import stop_notice


class Shutdown:
    """Whether the worker is to leave, and when its child gets which signal.

    TERM and INT end the worker, and the job when it has had its time (`--drain`); QUIT and HUP let the job
    finish; USR1 ends the job only, as in Ruby. With a drain the job gets a notice, then KILL; without, as in
    Ruby. HUP comes from a pool that has new code, and takes nothing from what a TERM behind it means.
    """

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping
        self.plan: list[tuple[float, int]] = []
        self.asked = self._told = False
        self.insisted = False
        """Whether the worker was asked to leave more than once."""
        self.has_killed = False
        """Whether the child was sent a signal since `nobody_to_kill`."""

    def note(self, number: signal.Signals) -> bool:
        """Take in a signal; whether it asks the worker to leave."""
        if number in LEAVING:
            if number == signal.SIGHUP:
                self.asked = True
                return True
            if not self.is_graceful(number):
                self._plan_kill(after=0.0 if self._told else self._stopping.patience)
            self.insisted, self._told, self.asked = self._told, True, True
            return True
        if number == signal.SIGUSR1:
            self._plan_kill(warm=False)
        return False

    def is_graceful(self, number: signal.Signals) -> bool:
        """Whether the job may take as long as it likes when this signal comes."""
        return number in (signal.SIGQUIT, signal.SIGHUP) or (
            number == signal.SIGTERM and self._stopping.graceful_term
        )

    def next_kill(self, kill: Callable[[int], None]) -> float:
        """Send what is due to the child; returns the seconds until the next signal is due."""
        now = time.monotonic()
        while self.plan and self.plan[0][0] <= now:
            self.has_killed = True
            kill(self.plan.pop(0)[1])
        return max(0.0, self.plan[0][0] - now) if self.plan else float("inf")

    def nobody_to_kill(self) -> None:
        """The job is over: there is nobody left to signal."""
        self.plan = []
        self.has_killed = False

    def _plan_kill(self, after: float = 0.0, warm: bool = True) -> None:
        start, stopping = time.monotonic() + after, self._stopping
        plan: list[tuple[float, int]] = [(start, signal.SIGKILL)]
        if stopping.term_child:
            term = start + stopping.pre_shutdown_timeout
            plan = [(term, signal.SIGTERM), (term + stopping.grace, signal.SIGKILL)]
        elif stopping.patience and warm:
            plan = [(start, stop_notice.SIGNAL), (start + stopping.grace, signal.SIGKILL)]
        # A second signal may hasten the end, never put it off.
        if not self.plan or plan[-1] < self.plan[-1]:
            self.plan = plan
