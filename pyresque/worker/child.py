"""The process of a job: fork it, give it the job, hear what it says, end it.

The child says what became of the job (channel.py). Only that counts: a child that ends without having said
"done" has failed its job, whatever its exit status (Ruby takes such a job for done).
"""

from __future__ import annotations

import builtins
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from pyresque.errors import DirtyExit
from pyresque.failure.describe import backtrace_lines, error_name, whole_message
from pyresque.failure.shortening import shortened, shortened_lines
from pyresque.system.forking import fork
from pyresque.system.parent import end_with_parent
from pyresque.usercode.guards import exit_now, one_process
from pyresque.usercode.safely import flush_output, tried
from pyresque.worker.channel import JobEnd, Memory, WorkerEnd
from pyresque.worker.report import Report, Task
from pyresque.worker.stack_dump import Stack

_BUILTINS = dict(vars(builtins))


@dataclass(frozen=True)
class Work:
    """What a child does: `prepare` once, then `run` for each task; `exit_hooks`: atexit functions too.

    `warm_up` is called in a child that has to wait for its first task. `memory` is the room for a report that
    could not be sent.
    """

    prepare: Callable[[], None]
    warm_up: Callable[[], None]
    run: Callable[[Task], Report]
    memory: Memory
    exit_hooks: bool = False
    jobs: int = 1
    stack: bool = False


class Child:
    """A forked process that runs a job, or several one after the other.

    Args:
        work: what it does.
        task: its first job; None: it waits for one.

    Raises:
        OSError: the system has no room for one more process, or its socket, now.
    """

    def __init__(self, work: Work, task: Task | None = None) -> None:
        self._channel = WorkerEnd(work.memory)
        self._stack: Stack | None = None
        flush_output()
        parent = os.getpid()
        try:
            self._stack = Stack() if work.stack else None
            self.pid = fork()
        except OSError:
            self._channel.theirs.close()
            self.dismiss()
            raise
        if self.pid == 0:
            _be_child(work, task, self._channel, self._stack, parent)
        self._channel.theirs.close()
        # Both sides do this, so that it is done whoever is first; then a kill reaches grandchildren too.
        with contextlib.suppress(OSError):
            os.setpgid(self.pid, self.pid)
        self.jobs_left = work.jobs - (task is not None)
        self.number = task.number if task is not None else 0
        """The number of the task that it has now, or had last."""
        self.status: int | None = None
        self.stopped_by = 0
        """The signal that has stopped it, until somebody has looked."""

    def fileno(self) -> int:
        """What becomes readable when the child speaks or is gone; -1 when it will say no more."""
        return self._channel.fileno()

    def give(self, task: Task) -> bool:
        """Give it one more job; False if it cannot take one."""
        if self.jobs_left < 1 or self.poll() is not None:
            return False
        self.jobs_left -= 1
        self.number = task.number
        return self._channel.give(task)

    def listen(self) -> Report | None:
        """What the child has said of its job; None as long as it has not said everything."""
        has_ended = self.poll() is not None  # asked first: what it has said before its end is not missed then
        report = self._channel.hear(self.number, self.pid)
        return self._channel.find(self.number, self.pid) if report is None and has_ended else report

    def poll(self) -> int | None:
        """The wait status of the child once it has ended; None before."""
        if self.status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                pid, status = self.pid, 0  # somebody else has waited for it: how it ended is not known
            if pid and os.WIFSTOPPED(status):
                self.stopped_by = os.WSTOPSIG(status)
            elif pid:
                self.status = status
        return self.status

    def kill(self, number: int) -> None:
        """Send a signal to the child; KILL goes to everything that it started, too."""
        if number == signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)  # the child itself may have moved to another group
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def stack(self) -> list[str]:
        """The stack of the job now, as backtrace lines; empty if it is not known."""
        return self._stack.ask(self.pid) if self._stack else []

    def dismiss(self) -> None:
        """No more jobs: a child that waits for one ends."""
        self._channel.close()
        if self._stack is not None:
            self._stack.close()
            self._stack = None

    def death(self) -> DirtyExit:
        """The failure of a child that ended without a report (docs/protocol/core.md#error-texts)."""
        status = self.status or 0
        if not os.WIFSIGNALED(status):
            return DirtyExit(
                f"Child process ended without finishing its job pid {self.pid} "
                f"exit {os.waitstatus_to_exitcode(status)}"
            )
        number = os.WTERMSIG(status)
        # Ruby has no names for real-time signals.
        named = number in signal.valid_signals() and number < getattr(signal, "SIGRTMIN", signal.NSIG)
        name = f"{signal.Signals(number).name} (signal {number})" if named else f"signal {number}"
        core = " (core dumped)" if os.WCOREDUMP(status) else ""
        return DirtyExit(f"Child process received unhandled signal pid {self.pid} {name}{core}")


_new_session = os.setsid


def _setsid() -> None:
    """`os.setsid` in a job: who leads a group may not make a session, so this process steps down first."""
    if os.getpgrp() == os.getpid() != os.getsid(0):
        os.setpgid(0, os.getpgid(os.getppid()))
    _new_session()


def _be_child(
    work: Work, task: Task | None, channel: WorkerEnd, stack: Stack | None, parent_pid: int
) -> NoReturn:
    status = 1
    try:
        end_with_parent(parent_pid)
        os.setpgid(0, 0)
        os.setsid = _setsid
        worker = JobEnd(channel)
        work.prepare()
        if stack is not None:
            stack.offer()
        if task is None:
            work.warm_up()
        left, task = work.jobs, task or worker.next_task()
        while task is not None:
            with one_process():
                report, error = tried(work.run, task)
                report = report if error is None and report is not None else _broken(error)
                flush_output()
            left -= 1
            is_told, error = tried(worker.tell, task.number, report)
            if error is not None:
                _restore_builtins()
                worker.leave(task.number, report)
            task = worker.next_task() if is_told and left and not report.broken else None
        status = 0
        if work.exit_hooks:
            import atexit

            atexit._run_exitfuncs()
    finally:
        exit_now(status)


def _restore_builtins() -> None:
    """The process is to end; and without them nothing could be told."""
    builtins.__dict__.update(_BUILTINS)


def _broken(error: BaseException | None) -> Report:
    """The report where code of ours has failed: this job, or one before it, has replaced what that needs."""
    _restore_builtins()
    text, lines = "", list[str]()
    if error is not None:
        text, lines = f"{error_name(error)}: {whole_message(error)}", backtrace_lines(error)
    return Report(
        "Resque::DirtyExit",
        shortened(f"The process is broken, and what became of the job cannot be told: {text}"),
        shortened_lines(lines),
        broken=True,
    )
