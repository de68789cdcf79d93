"""Signals of a worker (core.md section 10): noticed at once, acted on by the loop.

A handler only takes a note; the loop, which waits in `select` on `Signals.fileno()`, reads the notes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pyresque.descriptors import Own
from pyresque.errors import ConfigError, SignalException, TermException
from pyresque.perform import note_leaving
from pyresque.usercode import forget_due, raise_in_application
from pyresque.worker import notice

HANDLED = (
    signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT,
    signal.SIGHUP, signal.SIGCHLD,
)  # fmt: skip

LEAVING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
"""What asks a worker to leave."""

_RAISED = (
    signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP,
)  # fmt: skip

_HELD = (*_RAISED, signal.SIGCONT, notice.SIGNAL)


class Signals:
    """The signals that have come and were not read yet.

    Raises:
        ConfigError: not in the main thread.
    """

    def __init__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise ConfigError(
                "a worker listens to signals, which Python gives to the main thread only: call `work` there, "
                "or run the worker in a process of its own"
            )
        self._open()
        self._noted: list[signal.Signals] = []
        self._before: dict[signal.Signals, Any] = {}
        self._wakeup_before = -1
        self._inert = False
        self._notify: Callable[[], object] | None = None
        self.raise_term = False
        """Whether TERM is to be raised in the code that runs now (a job without a process of its own)."""

    def _open(self) -> None:
        read, write = os.pipe()
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        self._read, self._write = Own(read), Own(write)

    def install(self) -> None:
        """Begin to note signals, those that were held until now too. Only in the main thread."""
        self._wakeup_before = signal.set_wakeup_fd(self._write.number, warn_on_full_buffer=False)
        for number in HANDLED:
            self._before[number] = signal.signal(number, self._note)
        self.release()

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        signal.set_wakeup_fd(self._wakeup_before)
        self._read.close()
        self._write.close()

    @contextmanager
    def lent(self, raise_term: bool) -> Iterator[None]:
        """While a job runs in this process: nothing is written into a pipe whose number may be the job's.

        Args:
            raise_term: whether TERM is to be raised in the job.
        """
        signal.set_wakeup_fd(-1)
        self.raise_term = raise_term
        try:
            yield
        finally:
            self.raise_term = False
            forget_due()
            self.mend()
            signal.set_wakeup_fd(self._write.number, warn_on_full_buffer=False)

    @contextmanager
    def passed_on(self, notify: Callable[[], object]) -> Iterator[None]:
        """While jobs run on an event loop: a call tells of each signal; nothing is written into a pipe."""
        signal.set_wakeup_fd(-1)
        self._notify = notify
        try:
            yield
        finally:
            self._notify = None
            self.mend()
            signal.set_wakeup_fd(self._write.number, warn_on_full_buffer=False)

    def mend(self) -> None:
        """Get a new pipe if code of the application has closed this one."""
        if self._read.is_ours and self._write.is_ours:
            return
        self._read.close()
        self._write.close()
        self._open()
        signal.set_wakeup_fd(self._write.number, warn_on_full_buffer=False)

    def leave_to_child(self, term_child: bool) -> None:
        """Set the signals of a job's process, in that process.

        With TERM_CHILD a TERM is raised in the job as TermException, once, and other signals as what they
        are; without it the job does not notice them. CONT tells a job with steps that the worker is leaving.
        """
        signal.set_wakeup_fd(-1)
        self._inert = True
        signal.signal(signal.SIGCONT, note_leaving)
        if term_child:
            for number in _RAISED:
                signal.signal(number, _raise)

    @staticmethod
    def hold() -> None:
        """Let no signal in until `release`: about a fork, and while a job's end is told."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)

    @staticmethod
    def release() -> None:
        """Let signals in again."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)

    def fileno(self) -> int:
        """What becomes readable when a signal comes."""
        return self._read.number

    def drain(self) -> None:
        """Empty what `fileno` is about, so that it becomes readable only with the next signal."""
        try:
            while os.read(self._read.number, 512):
                pass
        except BlockingIOError:
            pass

    @property
    def ask_to_leave(self) -> bool:
        """Whether one that was not read yet asks the worker to leave."""
        return any(number in LEAVING for number in self._noted)

    def take(self) -> list[signal.Signals]:
        """The signals since the last call, in order."""
        if not self._noted:
            return []
        noted, self._noted = self._noted, []
        return noted

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._inert:
            return
        self._noted.append(signal.Signals(number))
        if self._notify is not None:
            self._notify()
        if self.raise_term and number in (signal.SIGTERM, signal.SIGINT):
            self.raise_term = False
            raise_in_application(TermException(signal.Signals(number).name))


def _raise(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGTERM:
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        raise_in_application(TermException("SIGTERM"))
    elif number == signal.SIGINT:
        raise_in_application(KeyboardInterrupt())
    else:
        raise_in_application(SignalException(signal.Signals(number).name))
