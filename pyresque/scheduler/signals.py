"""Signals of a scheduler: noted by a handler, acted on by the loop, which they wake.

See docs/protocol/scheduler.md#signals-of-a-scheduler.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

from pyresque.system.signal_handlers import Handler, handle
from pyresque.system.waiting import Readable, readable

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
HANDLED = (*STOPS, signal.SIGUSR1, signal.SIGUSR2)


class Signals:
    """The signals that have come and were not read yet; `stop` ends a scheduler from another thread."""

    def __init__(self) -> None:
        self._read = self._write = -1
        self._noted: list[int] = []
        self._before: dict[signal.Signals, Any] = {}
        self._handler = Handler(self._note)
        self._lock = threading.Lock()  # not for the handler: it interrupts whoever holds it
        self.stopping = False

    def install(self) -> None:
        """Begin to be woken, and to note signals where that is possible: in the main thread."""
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        if threading.current_thread() is threading.main_thread():
            for number in HANDLED:
                self._before[number] = handle(number, self._handler)

    def restore(self) -> None:
        """Give the signals back to whoever had them, and the pipe to the system."""
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before = {}
        with self._lock:
            for end in (self._read, self._write):
                os.close(end)
            self._read = self._write = -1

    def stop(self) -> None:
        """Ask the loop to end; from another thread, and even when it has ended already."""
        self.stopping = True
        with self._lock:
            self._wake()

    def fileno(self) -> int:
        """What becomes readable when a signal comes."""
        return self._read

    def take(self) -> list[int]:
        """The signals since the last call, in order; those that stop are not among them."""
        noted, self._noted = self._noted, []
        return noted

    def wait(self, seconds: float, others: Sequence[Readable]) -> None:
        """Wait until a signal comes, one of the others can be read, or the time is over."""
        self._mend()
        waits: list[Readable] = [self, *others]
        if self in readable(waits, seconds):
            with contextlib.suppress(BlockingIOError):
                while os.read(self._read, 512):
                    pass

    def _mend(self) -> None:
        """Code of the application, which enqueues what is due, may have changed handlers and the mask."""
        for number in self._before:
            handle(number, self._handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._before)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number in STOPS:
            self.stopping = True
        else:
            self._noted.append(number)
        self._wake()

    def _wake(self) -> None:
        if self._write >= 0:
            with contextlib.suppress(BlockingIOError):
                os.write(self._write, b"\0")
