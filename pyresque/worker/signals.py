"""Signals of a worker (docs/protocol/core.md#signals): noticed at once, acted on by the loop.

A handler only takes a note; the loop, which waits in `select` on `Signals.fileno()`, reads the notes.
Code of the application that runs in the process may change handlers, the mask and the wakeup descriptor. So
these are made the worker's again (`mend`) after each job and before each wait.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pyresque.errors import ConfigError, SignalException, TermException
from pyresque.model.perform import note_leaving, note_staying
from pyresque.system.descriptors import Own, keep_streams
from pyresque.system.signal_handlers import Handler, handle, handler_of, wake
from pyresque.system.terminal import has_terminal
from pyresque.usercode.guards import forget_due, raise_in_application
from pyresque.worker import stop_notice

HANDLED = (
    signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT,
    signal.SIGHUP, signal.SIGCHLD,
)  # fmt: skip

LEAVING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
"""What asks a worker to leave."""

_RAISED = (
    signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP,
)  # fmt: skip

_HELD = (*_RAISED, signal.SIGCONT, stop_notice.SIGNAL)


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
        self._handlers = dict.fromkeys(HANDLED, Handler(self._note))
        self._before: dict[signal.Signals, Any] = {}
        self._wakeup_before = -1
        self._is_deaf = self._has_raised = False
        self._notify: Callable[[], object] | None = None
        self._writes = False
        """Whether a signal is to make `fileno` readable: not while that may be another's number."""
        self._heard: Callable[[signal.Signals], object] | None = None
        self.raise_term = False
        """Whether TERM is to be raised in the code that runs now (a job without a process of its own)."""

    def _open(self) -> None:
        read, write = os.pipe()
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        self._read, self._write = Own(read), Own(write)

    def install(self) -> None:
        """Begin to note signals, those that were blocked until now too. Only in the main thread."""
        note_staying()
        self._wakeup_before = wake(self._write.number)
        self._writes = True
        for number, handler in self._handlers.items():
            self._before[number] = handle(number, handler)
        # Whoever has started us may have blocked any: what we start would inherit that.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        wake(self._wakeup_before)
        self._writes = False
        self._read.close()
        self._write.close()

    @contextmanager
    def lent(
        self, raise_term: bool, heard: Callable[[signal.Signals], object] | None = None
    ) -> Iterator[None]:
        """While a job runs in this process: nothing is written into a pipe whose number may be the job's.

        Args:
            raise_term: whether TERM is to be raised in the job.
            heard: is told of each signal, in the handler, before it is noted.
        """
        self._silence()
        self.raise_term, self._heard = raise_term, heard
        try:
            with _put_back():
                yield
        finally:
            self.raise_term, self._heard = False, None
            forget_due()
            self._writes = True
            self.mend()

    @contextmanager
    def passed_on(self, notify: Callable[[], object]) -> Iterator[None]:
        """While jobs run on an event loop: a call tells of each signal; nothing is written into a pipe."""
        self._silence()
        self._notify = notify
        try:
            yield
        finally:
            self._notify = None
            self._writes = True
            self.mend()

    def _silence(self) -> None:
        self._writes = False
        wake(-1)

    def mend(self) -> None:
        """Make the signals the worker's again, whatever code of the application has done to them."""
        keep_streams()  # what the worker opens from now on is to have other numbers
        self._set_handlers()
        if signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL:
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # else a lost connection is the end
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if not self._writes:
            return
        if not (self._read.is_ours and self._write.is_ours):
            self._read.close()
            self._write.close()
            self._open()
        wake(self._write.number)

    def _set_handlers(self) -> None:
        for number, handler in self._handlers.items():
            handle(number, handler)  # also where Python knows of no other: one may be there behind its back

        signal.siginterrupt(signal.SIGCONT, False)  # whoever stopped goes on with what he was about

    def keep(self) -> None:
        """The same where a job goes on: only what Python knows to be another's is looked at."""
        if any(handler_of(number) is not own for number, own in self._handlers.items()):
            self.mend()

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
        self._set_handlers()
        signal.pthread_sigmask(signal.SIG_SETMASK, _HELD)  # until `release`; what hooks have blocked is free

    @contextmanager
    def of_job(self) -> Iterator[None]:
        """In a job's process: signals are the job's, until it is over; then they do nothing more."""
        self._is_deaf = self._has_raised = False
        try:
            with _put_back():
                yield
        finally:
            self._is_deaf = True
            forget_due()
            self.mend()

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
        if number in LEAVING:
            note_leaving(number, frame)
        if self._heard is not None:
            self._heard(signal.Signals(number))
        self._noted.append(signal.Signals(number))
        if self._notify is not None:
            self._notify()
        if self.raise_term and number in (signal.SIGTERM, signal.SIGINT):
            self.raise_term = False
            raise_in_application(TermException(signal.Signals(number).name))

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


_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


@contextmanager
def _put_back() -> Iterator[None]:
    """What a job leaves of its handlers and timers is not for the next, nor for the worker."""
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    timers = [one for one in _TIMERS if not signal.getitimer(one)[0]]
    try:
        yield
    finally:
        for one in timers:
            signal.setitimer(one, 0)
        for number, handler in handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
