"""Signals of a scheduler: noted by a handler, acted on by the loop, which they wake (scheduler.md 11)."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
HANDLED = (*STOPS, signal.SIGUSR1, signal.SIGUSR2)


class Signals:
    """The signals that have come and were not read yet; `stop` ends a scheduler from another thread."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._noted: list[int] = []
        self._before: dict[int, Any] = {}
        self.stopping = False

    def install(self) -> None:
        """Begin to note signals, where that is possible: in the main thread."""
        if threading.current_thread() is threading.main_thread():
            for number in HANDLED:
                self._before[number] = signal.signal(number, self._note)

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._before = {}

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._read)
        os.close(self._write)

    def stop(self) -> None:
        """Ask the loop to end."""
        self.stopping = True
        with contextlib.suppress(BlockingIOError):
            os.write(self._write, b"\0")

    def take(self) -> list[int]:
        """The signals since the last call, in order; those that stop are not among them."""
        noted, self._noted = self._noted, []
        return noted

    def wait(self, seconds: float, others: Sequence[Any]) -> None:
        """Wait until a signal comes, one of the others can be read, or the time is over."""
        ready, _, _ = select.select([self._read, *others], [], [], max(0.0, seconds))
        if self._read in ready:
            with contextlib.suppress(BlockingIOError):
                while os.read(self._read, 512):
                    pass

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number in STOPS:
            self.stopping = True
        else:
            self._noted.append(number)
        with contextlib.suppress(BlockingIOError):
            os.write(self._write, b"\0")
