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

from pyresque.system.signals import LEAVING, Signals
from pyresque.system.waiting import Readable, readable

HANDLED = (*LEAVING, signal.SIGUSR1, signal.SIGUSR2)


class SchedulerSignals(Signals):
    """The signals that have come and were not read yet; `stop` ends a scheduler from another thread."""

    _unmask = (signal.SIG_UNBLOCK, HANDLED)

    def __init__(self) -> None:
        super().__init__(HANDLED)
        self._lock = threading.RLock()  # a handler of the application may call `stop` while it is held
        self.stopping = False

    def install(self) -> None:
        """Begin to be woken, and to note signals where that is possible: in the main thread."""
        self._open()
        if threading.current_thread() is threading.main_thread():
            self._set_handlers()

    def restore(self) -> None:
        """Give the signals back to whoever had them, and the pipe to the system."""
        with self._lock:
            super().restore()

    def stop(self) -> None:
        """Ask the loop to end; from another thread, and even when it has ended already."""
        self.stopping = True
        with self._lock:
            self._wake()

    def wait(self, seconds: float, others: Sequence[Readable]) -> None:
        """Wait until a signal comes, one of the others can be read, or the time is over."""
        if self._before:
            self.mend()  # code of the application, which enqueues what is due, may have changed them
        waits: list[Readable] = [self, *others]
        if self in readable(waits, seconds):
            self.drain()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number in LEAVING:
            self.stopping = True
        else:
            self.noted.append(signal.Signals(number))
        self._wake()

    def _wake(self) -> None:
        if self._write.is_ours:
            with contextlib.suppress(BlockingIOError):
                os.write(self._write.number, b"\0")
