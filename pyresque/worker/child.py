"""The process of a job: fork it, give it the job, hear what it says, end it.

The child says over a socket what became of the job. Only that counts: a child that ends without having
said "done" has failed its job, whatever its exit status (Ruby takes such a job for done).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

from pyresque.errors import DirtyExit
from pyresque.worker.parent import end_with_parent
from pyresque.worker.stuck import Stack

Again = tuple[str, bytes, float]
"""A job that is to be put on a queue: queue, element, when (seconds since the epoch)."""


class Report(msgspec.Struct):
    """What a child says: nothing but defaults is "done", else the failure."""

    exception: str = ""
    error: str = ""
    backtrace: list[str] = []
    failure_id: str | None = None
    saved: bool = True
    """False where the failure backend's own `save` raised, or is yet to be told."""
    retryable: bool = True
    """False where the job's `retry=` does not want this error."""
    again: list[Again] = []
    """What follows from a job that is done: its next attempt."""
    payload: bytes = b""
    """The job as its failure shows it, where that may not be how it was taken (an Active Job's counts)."""

    @property
    def done(self) -> bool:
        """Whether the job is done."""
        return not self.exception


Task = tuple[str, bytes]
"""A job on its way to the child: queue and element."""


@dataclass(frozen=True)
class Work:
    """What a child does: `prepare` once, then `run` for each task; `exit_hooks`: atexit functions too.

    `warm_up` is called in a child that has to wait for its first task.
    """

    prepare: Callable[[], None]
    warm_up: Callable[[], None]
    run: Callable[[Task], Report]
    exit_hooks: bool = False
    jobs: int = 1
    stack: bool = False


class Child:
    """A forked process that runs a job, or several one after the other.

    Args:
        work: what it does.
        task: its first job; None: it waits for one.
    """

    def __init__(self, work: Work, task: Task | None = None) -> None:
        self._socket, theirs = socket.socketpair()
        self._stack = Stack() if work.stack else None
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._socket.close()
            _be_child(work, task, theirs, self._stack, parent)
        theirs.close()
        self._socket.setblocking(False)
        # Both sides do this, so that it is done whoever is first; then a kill reaches grandchildren too.
        with contextlib.suppress(OSError):
            os.setpgid(self.pid, self.pid)
        self.jobs_left = work.jobs - (task is not None)
        self.status: int | None = None
        self._heard = bytearray()
        self._ended = False

    def fileno(self) -> int:
        """What becomes readable when the child speaks or is gone; -1 when it will say no more."""
        return -1 if self._ended else self._socket.fileno()

    def give(self, task: Task) -> bool:
        """Give it one more job; False if it cannot take one."""
        if self.jobs_left < 1 or self.poll() is not None:
            return False
        self.jobs_left -= 1
        try:
            self._socket.setblocking(True)
            self._socket.sendall(_framed(msgspec.msgpack.encode(task)))
            self._socket.setblocking(False)
        except OSError:
            return False
        return True

    def listen(self) -> Report | None:
        """What the child has said of its job; None as long as it has not said everything."""
        while not self._ended:
            try:
                part = self._socket.recv(65536)
            except BlockingIOError:
                break
            except ConnectionResetError:
                part = b""
            self._heard += part
            self._ended = not part
        size = int.from_bytes(self._heard[:4], "big")
        if len(self._heard) < 4 or len(self._heard) < 4 + size:
            return None
        data = bytes(self._heard[4 : 4 + size])
        del self._heard[: 4 + size]
        return msgspec.msgpack.decode(data, type=Report)

    def poll(self) -> int | None:
        """The wait status of the child once it has ended; None before."""
        if self.status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                pid, status = self.pid, 0  # somebody else has waited for it: how it ended is not known
            if pid:
                self.status = status
        return self.status

    def kill(self, number: int) -> None:
        """Send a signal to the child; KILL goes to everything that it started, too."""
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    def stack(self) -> list[str]:
        """Where the job stands now, as backtrace lines; empty if that cannot be told."""
        return self._stack.ask(self.pid) if self._stack else []

    def dismiss(self) -> None:
        """No more jobs: a child that waits for one ends."""
        self._socket.close()
        if self._stack is not None:
            self._stack.close()
            self._stack = None

    def death(self) -> DirtyExit:
        """The failure of a child that ended without a report (texts: core.md section 11)."""
        status = self.status or 0
        if not os.WIFSIGNALED(status):
            return DirtyExit(
                f"Child process ended without finishing its job pid {self.pid} "
                f"exit {os.waitstatus_to_exitcode(status)}"
            )
        number = os.WTERMSIG(status)
        # Ruby has no names for real-time signals.
        named = number in signal.valid_signals() and number < signal.SIGRTMIN
        name = f"{signal.Signals(number).name} (signal {number})" if named else f"signal {number}"
        core = " (core dumped)" if os.WCOREDUMP(status) else ""
        return DirtyExit(f"Child process received unhandled signal pid {self.pid} {name}{core}")


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


_REPORT_DONE = Report()
_DONE = _framed(msgspec.msgpack.encode(_REPORT_DONE))


def _be_child(
    work: Work, task: Task | None, parent: socket.socket, stack: Stack | None, parent_pid: int
) -> NoReturn:
    status = 1
    try:
        end_with_parent(parent_pid)
        os.setpgid(0, 0)
        work.prepare()
        if stack is not None:
            stack.offer()
        if task is None:
            work.warm_up()
        left, task = work.jobs, task or _next_task(parent)
        while task is not None:
            report = work.run(task)
            for stream in (sys.stdout, sys.stderr):
                _flush(stream)
            parent.sendall(_DONE if report == _REPORT_DONE else _framed(msgspec.msgpack.encode(report)))
            left -= 1
            task = _next_task(parent) if left else None
        status = 0
        if work.exit_hooks:
            import atexit

            atexit._run_exitfuncs()
    finally:
        os._exit(status)


def _next_task(parent: socket.socket) -> Task | None:
    head = _received(parent, 4)
    if head is None:
        return None
    data = _received(parent, int.from_bytes(head, "big"))
    return None if data is None else msgspec.msgpack.decode(data, type=Task)


def _received(parent: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        part = parent.recv(size - len(data))
        if not part:
            return None
        data += part
    return data


def _flush(stream: Any) -> None:
    try:  # noqa: SIM105 (every object that a child makes costs it a page)
        stream.flush()
    except (OSError, ValueError, AttributeError):
        pass
