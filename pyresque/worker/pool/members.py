"""The members of a pool: workers of the code as it is, and as it was before."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Protocol

from pyresque.log import Log
from pyresque.system.terminal import WANTS
from pyresque.system.waiting import Backoff
from pyresque.worker.pool.lifeline import Lifeline

logger = Log("pyresque.worker")

DONE = 79
"""Exit status of a worker that leaves because there is nothing left to do: it is not started again."""

NUDGE_EVERY = 1.0
"""Seconds after which a stopped worker that was asked to leave is continued once more."""

STABLE_AFTER = 30.0
"""Seconds after which a worker that dies is started again as soon as one that never died before."""


class Start(Protocol):
    """How one worker process begins."""

    @property
    def name(self) -> str:
        """Which of the pool's workers it is; several may have one name, and are then alike."""

    @property
    def overlaps(self) -> bool:
        """Whether it may begin while a worker that is asked to leave for it still has jobs."""

    def status(self) -> int:
        """Build and run the worker; returns the exit status of its process."""


class Stops:
    """A worker process that the kernel, or somebody, may stop and continue; `pid` None: there is none."""

    pid: int | None
    is_stopped = False
    wants_terminal = False
    """Whether it is stopped because it asked for the terminal."""
    _nudged = 0.0

    def was_stopped(self, number: int, is_leaving: bool) -> None:
        """This signal has stopped it: its jobs and its heartbeat stop with it, and it handles no signal."""
        self.is_stopped, self.wants_terminal = True, number in WANTS
        say = logger.debug if is_leaving else logger.warning  # it is continued then, again and again
        if self.wants_terminal:
            say(
                "worker process %d is stopped (%s): its job wants the terminal, and none of several (-n) has "
                "that. Start one worker in the foreground for such jobs, or all with </dev/null. This "
                "one tries again after kill -CONT -%d, and ends with kill -KILL %d",
                self.pid, signal.Signals(number).name, self.pid, self.pid,
            )  # fmt: skip
        else:
            say(
                "worker process %d is stopped (%s) until somebody sends it CONT: kill -CONT %d",
                self.pid, signal.Signals(number).name, self.pid,
            )  # fmt: skip

    def goes_on(self, is_leaving: bool) -> None:
        """It was continued."""
        self.is_stopped = self.wants_terminal = False
        (logger.debug if is_leaving else logger.info)("worker process %d goes on", self.pid)

    def nudge(self) -> None:
        """Let it hear what it was told while it stood still; once in a while, for it may be stopped again."""
        now = time.monotonic()
        if self.is_stopped and self.pid is not None and now >= self._nudged + NUDGE_EVERY:
            self._nudged = now
            with suppress(ProcessLookupError):  # it may have been stopped before it had a group of its own
                os.killpg(self.pid, signal.SIGCONT)  # what its job has started was stopped with it
            os.kill(self.pid, signal.SIGCONT)


class PoolMember(Stops):
    """One worker of a pool: the process that runs it now, and when the next one starts."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.name = start.name
        self.pid: int | None = None
        self.lifeline: Lifeline | None = None
        self.due = 0.0
        """When a process is to be started; never where the work is done."""
        self.failed = False
        """Whether the last process did not leave in order."""
        self.ready = False
        """Whether its process looks for jobs by now."""
        self._backoff = Backoff(first=0.1, most=5.0)
        self._since = 0.0
        self._is_refused = False

    @property
    def is_coming(self) -> bool:
        """Whether its process has begun and is not ready, or could not begin and is tried again."""
        if self.pid is None:
            return (self.failed or self._is_refused) and self.due < float("inf")
        return not self.ready

    def taken(self, pid: int, lifeline: Lifeline) -> None:
        """A process has been started."""
        self.pid, self.lifeline, self.failed, self.ready = pid, lifeline, False, False
        self.is_stopped = self.wants_terminal = False
        self._since, self._is_refused = time.monotonic(), False

    def refused(self, error: OSError) -> None:
        """The system has no process or descriptor for it now: one is asked for again, after growing waits."""
        wait = self._backoff.next_sleep()
        if not self._is_refused:
            logger.warning("no worker process can be started now (%s): it is tried again", error)
        self._is_refused, self.due = True, time.monotonic() + wait

    def listen(self) -> None:
        """Take note if the process has said that it is ready."""
        if self.lifeline is not None and self.lifeline.heard():
            self.ready = True

    def left(self, code: int) -> float:
        """The process has ended with this exit code; returns the seconds until the next may start."""
        self.pid, self.failed = None, code not in (0, DONE)
        if self.lifeline is not None:
            self.lifeline.drop()
            self.lifeline = None
        now, wait = time.monotonic(), 0.0
        if not self.failed or now - self._since > STABLE_AFTER:
            self._backoff.reset()
        if self.failed:
            wait = self._backoff.next_sleep()
        self.due = float("inf") if code == DONE else now + wait
        return wait


class Old(Stops):
    """A worker of the code as it was before a HUP: it works until a new one can replace it."""

    pid: int

    def __init__(self, pid: int, lifeline: Lifeline, name: str) -> None:
        self.pid, self.lifeline, self.name = pid, lifeline, name
        self.asked: float | None = None
        """When it was asked to leave."""

    def ask(self) -> None:
        """Ask it to leave when its job is done; by HUP, behind which a TERM is still the first one."""
        self.asked = time.monotonic()
        os.kill(self.pid, signal.SIGHUP)
        self.nudge()
