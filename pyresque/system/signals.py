"""The signals of a worker, a pool or a scheduler: noted by a handler, read by a loop, which they wake.

A handler only takes a note; the loop waits for `Signals.fileno()` and then reads the notes. Code of the
application that runs in the process may change handlers, the mask and the wakeup descriptor, and close the
pipe. So these are made ours again (`mend`) after it has run, and before each wait.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from pyresque.errors import TermException
from pyresque.system import signal_handlers
from pyresque.system.descriptors import Own, keep_streams
from pyresque.system.signal_handlers import Handler, handle, handler_of, set_handler
from pyresque.usercode.guards import forget_due, raise_in_application
from pyresque.usercode.leaving import note_leaving

LEAVING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
"""What asks a worker or a scheduler to leave."""

_ALL = sorted(map(int, signal.valid_signals()))
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


class Signals:
    """The signals that have come and were not read yet.

    Args:
        numbers: those that are noted.
    """

    _unmask: tuple[int, Iterable[int]] = (signal.SIG_SETMASK, ())
    """How `mend` lets blocked signals in."""

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self.noted: list[signal.Signals] = []
        """Those that nobody has taken yet, in order."""
        self._handlers = dict.fromkeys(numbers, Handler(self._note))
        self._before: dict[signal.Signals, Any] = {}
        self._read = self._write = Own(-1)
        self._writes = self._wrote = False
        """Whether the system writes into the pipe: not while its number may be that of a job's file."""
        self._notify: Callable[[], object] | None = None
        self._heard: Callable[[signal.Signals], object] | None = None
        self._raise_term = False
        self._of_worker: list[tuple[int, Any]] = []
        self._child_handler: Any = None
        self._idle_timers: list[int] = []

    def _open(self) -> None:
        read, write = os.pipe()
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        self._read, self._write = Own(read), Own(write)

    def _set_handlers(self) -> None:
        for number, handler in self._handlers.items():
            self._before[number] = handle(number, handler)

    def restore(self) -> None:
        """Give the signals back to whoever had them, and the pipe to the system."""
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before = {}
        self._writes = False
        self._read.close()
        self._write.close()

    def mend(self) -> None:
        """Make the signals ours again, whatever code of the application has done to them."""
        try:
            for number in range(3):
                os.fstat(number)
        except OSError:
            keep_streams()  # what is opened from now on is to have other numbers
        for number, handler in self._handlers.items():
            set_handler(number, handler)  # also where Python knows of no other: one may be behind its back
        signal.siginterrupt(signal.SIGCONT, False)  # whoever was stopped goes on with its system call
        if handler_of(signal.SIGPIPE) == signal.SIG_DFL:
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # else a lost connection is the end
        signal.pthread_sigmask(*self._unmask)
        if not self._writes:
            return
        try:  # what `Own.is_ours` asks, without its calls: this is done after each job
            read, write = os.fstat(self._read.number), os.fstat(self._write.number)
            is_read_ours = (read.st_dev, read.st_ino) == self._read.file
            are_ours = is_read_ours and (write.st_dev, write.st_ino) == self._write.file
        except OSError:
            are_ours = False
        if not are_ours:
            self._read.close()
            self._write.close()
            self._open()
        signal_handlers.wakeup = self._write.number
        signal.set_wakeup_fd(self._write.number, warn_on_full_buffer=False)

    def keep(self) -> None:
        """The same where a job goes on: only handlers that Python knows of are looked at."""
        if any(handler_of(number) is not handler for number, handler in self._handlers.items()):
            self.mend()

    def lend(self, raise_term: bool, heard: Callable[[signal.Signals], object] | None = None) -> None:
        """A job begins in this process: nothing is written into a pipe whose number may be the job's.

        Args:
            raise_term: whether TERM and INT are raised in the job, once.
            heard: called in the handler with each signal, before it is noted.
        """
        self._silence()
        self._of_worker = [(number, handler_of(number)) for number in _ALL]
        self._child_handler = signal.getsignal(signal.SIGCHLD)  # of gevent, if that has replaced this
        self._idle_timers = [timer for timer in _TIMERS if not signal.getitimer(timer)[0]]
        self._raise_term, self._heard = raise_term, heard

    def take_back(self) -> None:
        """The job is over: what it leaves of handlers and timers is not for the next, nor for the worker."""
        self._raise_term, self._heard = False, None
        try:
            for timer in self._idle_timers:
                signal.setitimer(timer, 0)
            for number, handler in self._of_worker:
                if handler is not None and handler_of(number) is not handler:
                    signal.signal(number, handler)
            if signal.getsignal(signal.SIGCHLD) is not self._child_handler is not None:
                signal.signal(signal.SIGCHLD, self._child_handler)
        finally:
            forget_due()
            self._writes = self._wrote
            self.mend()

    def _silence(self) -> None:
        self._wrote, self._writes = self._writes, False
        signal_handlers.wakeup = -1
        signal.set_wakeup_fd(-1)

    @contextmanager
    def passed_on(self, notify: Callable[[], object]) -> Iterator[None]:
        """While jobs run on an event loop: `notify` is called for each signal; nothing is written."""
        self._silence()
        self._notify = notify
        try:
            yield
        finally:
            self._notify = None
            self._writes = self._wrote
            self.mend()

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

    def take(self) -> list[signal.Signals]:
        """The signals since the last call, in order."""
        taken, self.noted = self.noted, []
        return taken

    @property
    def ask_to_leave(self) -> bool:
        """Whether one that was not read yet asks the worker to leave."""
        return any(number in LEAVING for number in self.noted)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number in LEAVING:
            note_leaving()
        if self._heard is not None:
            self._heard(signal.Signals(number))
        self.noted.append(signal.Signals(number))
        if self._notify is not None:
            self._notify()
        if self._raise_term and number in (signal.SIGTERM, signal.SIGINT):
            self._raise_term = False
            raise_in_application(TermException(signal.Signals(number).name))
