"""The processes in which a worker runs its jobs: started, watched, ended when their time is over, reaped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from pyresque.config.options import WorkerOptions
from pyresque.errors import DirtyExit, JobTimeoutExit
from pyresque.log import Log
from pyresque.model.perform import ReservedJob
from pyresque.system import oom
from pyresque.system.terminal import Terminal
from pyresque.worker.channel import Memory
from pyresque.worker.child import Child, Work
from pyresque.worker.listener import Listener
from pyresque.worker.report import Report, Task
from pyresque.worker.stop_notice import SIGNAL, Notice

logger = Log("pyresque.worker")


@dataclass(frozen=True)
class Outcome:
    """What came of a job in a child: its report, or how it died. `stopped`: as the worker is leaving."""

    report: Report | None
    death: DirtyExit | None = None
    stack: list[str] = field(default_factory=list)
    stopped: bool = False


class _TimeLimit:
    """The time of one job: so many seconds until it is told, then a grace until it is killed."""

    def __init__(self, seconds: float | None, grace: float) -> None:
        self.seconds = seconds or float("inf")
        self._grace = grace
        self._until = time.monotonic() + self.seconds
        self.has_told = self.has_killed = False
        self.came_first = False
        """Whether the job was told because of this, and not to leave."""
        self.stack: list[str] = []
        """Where the job stood when it was killed."""

    def seconds_left(self) -> float:
        """Until the next thing is to be done."""
        return max(0.0, self._until - time.monotonic())

    def next(self) -> None:
        """That has been done."""
        self.has_killed, self.has_told = self.has_told, True
        self._until = float("inf") if self.has_killed else time.monotonic() + self._grace


class Children:
    """Runs jobs in children, one job at a time.

    Args:
        prepare: called once in each child.
        warm_up: called in a child that is there before its first job.
        perform: called in the child for each job.
        any_timeout: whether any job may have a time limit, so that children can report their stack.
    """

    def __init__(
        self,
        listener: Listener,
        options: WorkerOptions,
        prepare: Callable[[], None],
        warm_up: Callable[[], None],
        perform: Callable[[Task], Report],
        any_timeout: bool,
    ) -> None:
        self._listener = listener
        self._timeout, self._grace = options.timeout, options.timeout_grace
        self.notice = Notice()
        hooks = options.stopping.run_at_exit_hooks
        self._work = Work(prepare, warm_up, perform, Memory(), hooks, options.jobs_per_fork, any_timeout)
        self._number = 0
        self._current: Child | None = None
        self._busy: Child | None = None
        self._terminal = Terminal()
        self._leaving: list[Child] = []
        self._oom_kills = oom.kills()

    def start(self, job: ReservedJob) -> Child:
        """Give a job to a child, a new one unless the last one may run more.

        Raises:
            OSError: the system has no room for a new one now.
        """
        self._number += 1
        task = Task(self._number, job.queue, job.payload.raw)
        if self._current is None or not self._current.give(task):
            self.dismiss()
            self.reap()
            self._current = Child(self._work, task)
        self._busy = self._current
        return self._current

    def prepare(self) -> None:
        """Have a child ready for the next job: an idle worker has the time for it that a job has not."""
        if not self.has_waiting_child:
            self.dismiss()
            try:
                self._current = Child(self._work)
            except OSError as error:
                logger.debug("no child can be made ready for the next job: %s", error)

    @property
    def has_waiting_child(self) -> bool:
        """Whether the next job would go to a child that is there already."""
        return self._current is not None and self._current.jobs_left > 0 and self._current.poll() is None

    def watch(self, child: Child, job: ReservedJob) -> Outcome:
        """Wait for the child's word, or its end.

        A child that has reported what became of its job is left to end by itself while the worker goes on,
        unless it now has at-exit functions to run: these are a part of the job's time.
        """
        limit = job.limit(self._timeout)
        time_limit = _TimeLimit(limit, self._grace)
        report = None
        shutdown = self._listener.shutdown
        while child.poll() is None:
            self._look_after(child)
            if job.has_steps and shutdown.asked:
                child.kill(signal.SIGCONT)  # again each time: the child may have been too young to hear it
            report = report or child.listen()
            if report is not None and (child.jobs_left or not self._work.exit_hooks):
                break
            self._keep(time_limit, child)
            left = shutdown.next_kill(lambda number: self._send(child, number))
            self._listener.wait(min(left, time_limit.seconds_left(), 1.0), child)
        self._terminal.take_back(was_killed=os.WIFSIGNALED(child.status or 0))
        report = report or child.listen()
        stopped = shutdown.has_killed and shutdown.asked and not time_limit.came_first
        if child.poll() is None and (shutdown.has_killed or time_limit.has_told):
            child.jobs_left = 0
            child.kill(signal.SIGKILL)  # it has told all: what it has started, and left, ends with it
        shutdown.nobody_to_kill()
        self._busy = None
        if report is not None and report.broken:
            return Outcome(None, DirtyExit(report.error), report.backtrace, stopped)
        if report is not None:
            if time_limit.has_killed:
                logger.warning(
                    "the at-exit functions of %s did not end within its timeout: killed", job.untouched()
                )
            return Outcome(report, stopped=stopped)
        death = child.death()
        if time_limit.has_killed:
            death = JobTimeoutExit(
                f"Job did not end within its timeout of {limit:g} seconds, nor {self._grace:g} seconds after "
                f"JobTimeout was raised in it. {death}"
            )
        elif not stopped and "SIGKILL" in str(death) and self._out_of_memory():
            death = DirtyExit(f"{death}: the kernel killed it because memory ran out (OOM)")
        return Outcome(None, death, time_limit.stack, stopped)

    def _look_after(self, child: Child) -> None:
        self._reap_orphans()
        if child.stopped_by:
            number, child.stopped_by = child.stopped_by, 0
            self._terminal.stopped(child.pid, number)

    def _keep(self, time_limit: _TimeLimit, child: Child) -> None:
        """Tell a child whose time is over, and kill it where that does not help."""
        if time_limit.seconds_left() > 0:
            return
        if not time_limit.has_told and not self._listener.shutdown.has_killed:
            time_limit.came_first = True
            self._notify(lambda: self.notice.time_is_over(child.pid, child.number, time_limit.seconds))
        elif time_limit.has_told:
            time_limit.stack = child.stack()
            child.kill(signal.SIGKILL)
        time_limit.next()

    def _send(self, child: Child, number: int) -> None:
        if number == SIGNAL:
            self._notify(lambda: self.notice.leave(child.pid, child.number))
        else:
            child.kill(number)

    @staticmethod
    def _notify(tell: Callable[[], None]) -> None:
        with suppress(ProcessLookupError):
            tell()

    def dismiss(self) -> None:
        """Let the current child go."""
        if self._current is not None:
            self._current.dismiss()
            self._leaving.append(self._current)
            self._current = None

    def last_word(self, seconds: float) -> Report | None:
        """The worker ends in the middle of a job: let its child end, and hear what it reports."""
        child = self._busy
        if child is None:
            return None
        until = time.monotonic() + seconds
        while (report := child.listen()) is None and child.poll() is None and time.monotonic() < until:
            self._listener.wait(0.05, child)
        return report

    def reap(self, seconds: float = 0.0) -> None:
        """Reap children that have ended; wait so long for the last, then end it."""
        until = time.monotonic() + seconds
        self._reap_orphans()
        while self._leaving:
            self._leaving = [child for child in self._leaving if child.poll() is None]
            if time.monotonic() >= until:
                break
            self._listener.wait(0.05)
        if seconds:
            for child in self._leaving:
                child.kill(signal.SIGKILL)

    def _reap_orphans(self) -> None:
        """Process 1 of a container is the parent of every process whose own parent has ended."""
        if os.getpid() != 1:
            return
        by_pid = {child.pid: child for child in (*self._leaving, self._current) if child is not None}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid in by_pid:
                by_pid[pid].status = status

    def _out_of_memory(self) -> bool:
        before, self._oom_kills = self._oom_kills, oom.kills()
        return self._oom_kills > before
