"""The signals of a worker and of the processes of its jobs (docs/protocol/core.md#signals)."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pyresque.errors import ConfigError, SignalException, TermException
from pyresque.system.signal_handlers import Handler, handle
from pyresque.system.signals import Signals
from pyresque.system.terminal import has_terminal
from pyresque.usercode.guards import raise_in_application
from pyresque.usercode.leaving import note_leaving, note_staying
from pyresque.worker import stop_notice

HANDLED = (
    signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT,
    signal.SIGHUP, signal.SIGCHLD,
)  # fmt: skip

_RAISED = (
    signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP,
)  # fmt: skip

_HELD = (*_RAISED, signal.SIGCONT, stop_notice.SIGNAL)


class WorkerSignals(Signals):
    """The signals of a worker or a pool.

    Raises:
        ConfigError: not in the main thread.
    """

    def __init__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise ConfigError(
                "a worker listens to signals, which Python gives to the main thread only: call `work` there, "
                "or run the worker in a process of its own"
            )
        super().__init__(HANDLED)
        self._wakeup_before = -1
        self._is_deaf = self._has_raised = False

    def install(self) -> None:
        """Begin to note signals, those that were blocked until now too."""
        note_staying()
        self._open()
        self._wakeup_before = signal.set_wakeup_fd(self._write.number, warn_on_full_buffer=False)
        self._writes = True
        self._set_handlers()
        self.mend()  # whoever has started us may have blocked any: what we start would inherit that

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        super().restore()
        signal.set_wakeup_fd(self._wakeup_before, warn_on_full_buffer=False)

    def leave_to_child(self, term_child: bool) -> None:
        """Set the signals of a job's process, in that process.

        With TERM_CHILD a TERM is raised in the job as TermException, once, and other signals as what they
        are; without it the job does not notice them. CONT tells a job with steps that the worker is leaving.
        """
        self._silence()
        self._handlers = dict.fromkeys(HANDLED, Handler(_ignore))
        self._handlers[signal.SIGCONT] = Handler(note_leaving)
        if term_child:
            self._handlers.update(dict.fromkeys(_RAISED, Handler(self._raise)))
        for number, handler in self._handlers.items():
            handle(number, handler)
        signal.siginterrupt(signal.SIGCONT, False)
        signal.pthread_sigmask(signal.SIG_SETMASK, _HELD)  # until `release`; what hooks have blocked is free

    @contextmanager
    def of_job(self) -> Iterator[None]:
        """In a job's process: signals are the job's, until it is over; then they do nothing more."""
        self._is_deaf = self._has_raised = False
        self.lend(raise_term=False)
        try:
            yield
        finally:
            self._is_deaf = True
            self.take_back()

    @staticmethod
    def hold() -> None:
        """Let no signal in until `release`: about a fork, and while a job's end is told."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)

    @staticmethod
    def release() -> None:
        """Let signals in again."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        _ignore(number, frame)
        if self._is_deaf:
            return
        if number == signal.SIGINT:
            raise_in_application(KeyboardInterrupt())
        elif number != signal.SIGTERM:
            raise_in_application(SignalException(signal.Signals(number).name))
        elif not self._has_raised:
            self._has_raised = True
            raise_in_application(TermException("SIGTERM"))


def _ignore(number: int, _frame: FrameType | None) -> None:
    """In a job's process; a program that the job executes has the system's default in the place of this.

    What is typed on a terminal that is lent to the job comes to the job only, and is meant for the worker.
    """
    if number in (signal.SIGINT, signal.SIGQUIT) and has_terminal():
        os.kill(os.getppid(), number)


def start_deaf(thread: threading.Thread) -> None:
    """Start a thread of ours that no signal comes to.

    The kernel may give one to any thread, above all when the process was stopped, and then the call in which
    the main thread waits goes on, and so does its job, as if there had been none.

    Raises:
        RuntimeError: the system has no thread now.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*HANDLED, stop_notice.SIGNAL))
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
