"""The process of one job: fork it, hear what it says, end it.

The child says over a pipe what became of the job. Only that counts: a child that ends without having
said "done" has failed its job, whatever its exit status (Ruby takes such a job for done).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

from pyresque.errors import DirtyExit


class Report(msgspec.Struct):
    """What a child says: nothing but defaults is "done", else the failure."""

    exception: str = ""
    error: str = ""
    backtrace: list[str] = []
    failure_id: str | None = None
    saved: bool = True
    """False where the failure backend's own `save` raised."""

    @property
    def done(self) -> bool:
        """Whether the job is done."""
        return not self.exception


class Child:
    """A forked process that runs one job.

    Args:
        work: runs in the child and returns its report.
        run_exit_hooks: whether the child runs atexit functions (RUN_AT_EXIT_HOOKS) or leaves at once.
    """

    def __init__(self, work: Callable[[], Report], run_exit_hooks: bool = False) -> None:
        self._read, write = os.pipe2(os.O_CLOEXEC)
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._read)
            _be_child(work, write, run_exit_hooks)
        os.close(write)
        os.set_blocking(self._read, False)
        # Both sides do this, so that it is done whoever is first; then a kill reaches grandchildren too.
        with contextlib.suppress(OSError):
            os.setpgid(self.pid, self.pid)
        self.status: int | None = None
        self._heard = b""
        self._ended = False

    def fileno(self) -> int:
        """What becomes readable when the child speaks or is gone; -1 when it will say no more."""
        return -1 if self._ended else self._read

    def listen(self) -> Report | None:
        """What the child has said; None as long as it has not said everything."""
        while not self._ended:
            try:
                part = os.read(self._read, 65536)
            except BlockingIOError:
                break
            self._heard += part
            self._ended = not part
        size = int.from_bytes(self._heard[:4], "big")
        if len(self._heard) < 4 + size or len(self._heard) < 4:
            return None
        return msgspec.json.decode(self._heard[4 : 4 + size], type=Report)

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

    def close(self) -> None:
        """Stop listening."""
        os.close(self._read)

    def death(self) -> DirtyExit:
        """The failure of a child that ended without a report (texts: core.md section 11)."""
        status = self.status or 0
        if not os.WIFSIGNALED(status):
            return DirtyExit(
                f"Child process ended without finishing its job pid {self.pid} "
                f"exit {os.waitstatus_to_exitcode(status)}"
            )
        number = os.WTERMSIG(status)
        try:
            name = f"{signal.Signals(number).name} (signal {number})"
        except ValueError:
            name = f"signal {number}"
        core = " (core dumped)" if os.WCOREDUMP(status) else ""
        return DirtyExit(f"Child process received unhandled signal pid {self.pid} {name}{core}")


def _message(report: Report) -> bytes:
    data = msgspec.json.encode(report)
    return len(data).to_bytes(4, "big") + data


_REPORT_DONE = Report()
_DONE = _message(_REPORT_DONE)


def _be_child(work: Callable[[], Report], write: int, run_exit_hooks: bool) -> NoReturn:
    status = 1
    try:
        os.setpgid(0, 0)
        report = work()
        message = _DONE if report == _REPORT_DONE else _message(report)
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)
        while message:
            message = message[os.write(write, message) :]
        status = 0
        if run_exit_hooks:
            import atexit

            atexit._run_exitfuncs()
    finally:
        os._exit(status)


def _flush(stream: Any) -> None:
    # sys.stdout may be closed, replaced, or None
    try:  # noqa: SIM105 (every object that a child makes costs it a page)
        stream.flush()
    except (OSError, ValueError, AttributeError):
        pass
